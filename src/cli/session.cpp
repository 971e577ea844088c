#include "cli/session.hpp"

#include <signal.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "cli/units.hpp"
#include "starling/peer/key_file.hpp"

namespace starling::cli {
namespace {

Result<crypto::PrivateKey> identity(const NodeFlags& flags) {
  STARLING_TRY(const crypto::KeyType type, crypto::key_type_from_string(flags.key_type));
  if (flags.key_file.empty()) return crypto::PrivateKey::generate(type, system_random());
  return load_or_create_key_file(flags.key_file, type, system_random());
}

// As go-libp2p and Kubo read it: a node that must not be in the open by mistake.
bool private_network_forced() {
  const char* value = std::getenv("LIBP2P_FORCE_PNET");
  return value != nullptr && std::string_view(value) == "1";
}

runtime::Options apply(const NodeFlags& flags) {
  runtime::Options options = flags.options;
  options.private_network.required |= private_network_forced();
  if (!flags.transports.empty()) options.transport.transports = split_list(flags.transports);
  if (!flags.muxers.empty()) options.transport.muxers = split_list(flags.muxers);
  if (!flags.securities.empty()) {
    options.transport.securities = split_list(flags.securities);
    for (const std::string& name : options.transport.securities)
      options.transport.allow_plaintext |= name == "plaintext";
    if (options.transport.allow_plaintext)
      std::fprintf(stderr, "warning: plaintext is offered: nothing is encrypted\n");
  }
  return options;
}

std::uint64_t wall_clock_ns() {
  return std::uint64_t(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count());
}

// Runs the command beside a wait for signals; whichever ends first ends the other.
io::Task<int> run_with_signals(Session& session, bool timed, const Command& command) {
  io::TaskGroup group(*session.reactor);
  std::optional<int> code;
  struct Parts {
    static io::Task<void> work(Session& session, const Command& command, std::optional<int>& code,
                               io::WaitQueue& done) {
      code = co_await command(session);
      done.notify_all();
    }
    static io::Task<void> watch(Session& session, io::WaitQueue& done) {
      (void)co_await session.reactor->wait_signal({SIGINT, SIGTERM});
      done.notify_all();
    }
    static io::Task<Status> wait(std::optional<int>&, io::WaitQueue& done) { co_return co_await done.wait(); }
  };
  io::WaitQueue done;
  group.spawn(
      Parts::watch(session, done));  // first: from the moment the command says it is ready, a signal ends it well
  group.spawn(Parts::work(session, command, code, done));
  const Duration limit = timed ? duration_of(session.flags.timeout) : Duration(std::chrono::hours(24 * 365 * 100));
  const Status ended = co_await io::with_deadline(
      limit, io::timeout_error(Op::Run, "--timeout " + session.flags.timeout), Parts::wait(code, done));
  const bool in_time = ended.has_value();
  const bool finished = code.has_value();
  co_await group.close();
  if (!in_time) co_return report(ended.error(), session.flags.json);
  co_return finished ? *code : (timed ? kFailed : code.value_or(kOk));
}

io::Task<int> live(Session& session, bool timed, const Command& command) {
  const int code = co_await run_with_signals(session, timed, command);
  co_await session.node->close();
  co_return code;
}

}  // namespace

void add_json_flag(CLI::App& app, bool& json) {
  app.add_flag("--json", json, "One JSON object per line on stdout, for scripts");
}

void add_node_flags(CLI::App& app, NodeFlags& flags) {
  add_json_flag(app, flags.json);
  app.add_option("--key", flags.key_file, "Identity file; made on first use, mode 0600")->type_name("FILE");
  app.add_option("--key-type", flags.key_type, "Type of an identity that is made now")
      ->check(CLI::IsMember({"ed25519", "secp256k1", "ecdsa", "rsa"}))
      ->capture_default_str();
  app.add_option("--transport", flags.transports, "Transports to offer (comma list): tcp,quic-v1");
  app.add_option("--security", flags.securities,
                 "Security protocols in order of preference (comma list): noise, tls; plaintext for tests only");
  app.add_option("--psk", flags.options.private_network.key_file,
                 "Key file of a private network: talk only to peers that have the same one")
      ->type_name("FILE");
  app.add_option("--muxer", flags.muxers, "Muxers in order of preference (comma list): yamux, mplex");
}

void add_timeout_flag(CLI::App& app, NodeFlags& flags) {
  app.add_option("--timeout", flags.timeout, "Give up after this time")->check(duration_check())->capture_default_str();
}

std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> items;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(',', start), text.size());
    if (end > start) items.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return items;
}

Result<Target> parse_target(const std::string& text) {
  STARLING_TRY(Multiaddr address, Multiaddr::from_string(text));
  const auto parts = address.components();
  if (parts.empty() || parts.back().protocol != Protocol::P2p) {
    return fail(ErrorCode::InvalidArgument, Op::Parse, Origin::Local,
                text + " must end in /p2p/<peer id>, so that the right peer is reached");
  }
  STARLING_TRY(PeerId peer, PeerId::from_bytes(parts.back().value));
  return Target{std::move(peer), std::move(address)};
}

void print_json(const boost::json::object& object) {
  const std::string line = boost::json::serialize(object) + "\n";
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fflush(stdout);
}

int report(const Error& error, bool json) {
  std::fprintf(stderr, "error: %s\n", error.message().c_str());
  if (json) {
    print_json({{"event", "error"},
                {"code", std::string(to_string(error.code()))},
                {"op", std::string(to_string(error.op()))},
                {"origin", std::string(to_string(error.origin()))},
                {"message", error.message()}});
  }
  if (error == ErrorCode::Timeout) return kTimedOut;
  return error == ErrorCode::InvalidArgument || error == ErrorCode::Malformed ? kUsage : kFailed;
}

int run_session(NodeFlags flags, bool timed, Command command) {
  auto key = identity(flags);
  if (!key) return report(key.error(), flags.json);
  Session session{io::RealReactor::create(), nullptr, nullptr, std::move(flags)};
  session.network = session.reactor->make_network();
  const io::World world{*session.reactor, *session.network, system_random()};
  auto node = runtime::Node::create(world, std::move(*key), apply(session.flags), wall_clock_ns());
  if (!node) return report(node.error(), session.flags.json);
  session.node = std::move(*node);
  return io::run_task(*session.reactor, live(session, timed, command));
}

io::Task<Result<swarm::ConnectionId>> connect(Session& session, const Target& target, swarm::DialReport* report) {
  co_return co_await session.host().connect(target.peer, {target.address}, report);
}

CLI::Validator size_check() {
  return {[](std::string& text) {
            const auto size = parse_size(text);
            return size ? std::string() : size.error().detail();
          },
          "SIZE"};
}

CLI::Validator duration_check() {
  return {[](std::string& text) {
            const auto time = parse_duration(text);
            return time ? std::string() : time.error().detail();
          },
          "DURATION"};
}

Duration duration_of(const std::string& checked) { return *parse_duration(checked); }
std::uint64_t size_of(const std::string& checked) { return *parse_size(checked); }

}  // namespace starling::cli
