// What all commands share: the node flags, a node on the real world, and how results and errors are shown.
#pragma once

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "starling/io/real.hpp"
#include "starling/runtime/configuration.hpp"
#include "starling/runtime/node.hpp"

namespace starling::cli {

// The contract of exit codes.
inline constexpr int kOk = 0, kFailed = 1, kUsage = 2, kTimedOut = 3;

/// Flags of every command that runs a node.
struct NodeFlags {
  std::string key_file;
  std::string key_type = "ed25519";
  std::string config_file, profile;
  std::vector<std::string> set;  // KEY=VALUE
  std::string address_file;      // where the address book is kept between runs; empty: nowhere
  std::string timeout = "30s";   // the whole command; clients only
  bool json = false;
  std::vector<runtime::Setting> settings;  // of flags that stand for a key; the last one counts
};

void add_json_flag(CLI::App& app, bool& json);
/// --config, --profile, --set
void add_configuration_flags(CLI::App& app, NodeFlags& flags);
/// A flag that stands for a key: `--transport tcp` is `--set transport.transports=tcp`.
CLI::Option* add_key_option(CLI::App& app, NodeFlags& flags, const std::string& flag, const std::string& key,
                            const std::string& about);
CLI::Option* add_key_flag(CLI::App& app, NodeFlags& flags, const std::string& flag, const std::string& key,
                          const std::string& about);
void add_node_flags(CLI::App& app, NodeFlags& flags);
void add_timeout_flag(CLI::App& app, NodeFlags& flags);

/// A peer given on the command line: an address that ends in /p2p/<peer id>.
struct Target {
  PeerId peer;
  Multiaddr address;
};
Result<Target> parse_target(const std::string& text);

/// Everything that is in force for these flags: file, environment, profile, flags. Errors: the file cannot be read, or
/// a
/// --set without `=`. Mistakes in the values are in the result.
Result<runtime::Configuration> configuration_of(const NodeFlags& flags);

void print_json(const boost::json::object& object);
/// Tells the error on stderr (and as JSON on stdout); returns the exit code for it.
int report(const Error& error, bool json);

/// A running node with its real reactor and network.
struct Session {
  std::unique_ptr<io::RealReactor> reactor;
  std::unique_ptr<io::Network> network;
  std::vector<std::unique_ptr<io::Lane>> lanes;
  std::unique_ptr<runtime::Node> node;
  NodeFlags flags;

  host::Host& host() { return node->host(); }
};

using Command = std::function<io::Task<int>(Session& session)>;
/// Makes the node with `options`, runs `command` on it (with the time-out if `timed`), closes the node. SIGINT and
/// SIGTERM cancel.
int run_session(NodeFlags flags, runtime::Options options, bool timed, Command command);
/// The same with what configuration_of() finds.
int run_session(NodeFlags flags, bool timed, Command command);

/// Connects to the target within the session's node.
io::Task<Result<swarm::ConnectionId>> connect(Session& session, const Target& target,
                                              swarm::DialReport* report = nullptr);

/// CLI11 checks for our units.
CLI::Validator size_check();
CLI::Validator duration_check();
Duration duration_of(const std::string& checked);
std::uint64_t size_of(const std::string& checked);

}  // namespace starling::cli
