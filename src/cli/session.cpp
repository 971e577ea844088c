#include "cli/session.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <utility>

#include "cli/units.hpp"
#include "starling/peer/key_file.hpp"
#include "starling/peer/sqlite_address_store.hpp"

namespace starling::cli {
namespace {

constexpr std::string_view kPeerPart = "/p2p/";

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

Result<std::unique_ptr<AddressStore>> address_store(const std::string& file) {
  if (file.empty()) return nullptr;
  STARLING_TRY(auto store, SqliteAddressStore::open(file));
  if (store->set_aside())
    std::fprintf(stderr, "warning: the address book starts empty, the old file is %s.broken: %s\n", file.c_str(),
                 store->set_aside()->message().c_str());
  return store;
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
  add_key_option(app, flags, "--transport", "transport.transports",
                 "Transports to offer (comma list): tcp, quic-v1, ws (also named wss), memory, unix");
  add_key_option(app, flags, "--security", "transport.securities",
                 "Security protocols in order of preference (comma list): noise, tls; plaintext for tests only");
  add_key_option(app, flags, "--tls-cert", "websocket.certificate_file",
                 "Certificate chain (PEM) to listen on /tls/ws; read again when it changes")
      ->type_name("FILE");
  add_key_option(app, flags, "--tls-key", "websocket.key_file", "Its private key (PEM, mode 0600)")->type_name("FILE");
  add_key_option(app, flags, "--tls-ca", "websocket.ca_file",
                 "Authorities (PEM) to trust when dialing /tls/ws; default: the system's")
      ->type_name("FILE");
  add_key_option(app, flags, "--psk", "private_network.key_file",
                 "Key file of a private network: talk only to peers that have the same one")
      ->type_name("FILE");
  add_key_option(app, flags, "--muxer", "transport.muxers", "Muxers in order of preference (comma list): yamux, mplex");
  add_configuration_flags(app, flags);
}

void add_configuration_flags(CLI::App& app, NodeFlags& flags) {
  app.add_option("--config", flags.config_file, "Configuration file (TOML); `starling config default` prints one")
      ->type_name("FILE");
  std::string names;
  for (const runtime::Profile& each : runtime::profiles())
    names += (names.empty() ? "" : ", ") + std::string(each.name);
  app.add_option("--profile", flags.profile, "Values for a kind of machine: " + names)->type_name("NAME");
  app.add_option("--set", flags.set,
                 "One configuration key; may be given several times. `starling config explain` lists them")
      ->type_name("KEY=VALUE");
}

CLI::Option* add_key_option(CLI::App& app, NodeFlags& flags, const std::string& flag, const std::string& key,
                            const std::string& about) {
  return app
      .add_option_function<std::string>(
          flag, [&flags, flag, key](const std::string& value) { flags.settings.push_back({key, value, flag}); }, about)
      ->type_name("TEXT");
}

CLI::Option* add_key_flag(CLI::App& app, NodeFlags& flags, const std::string& flag, const std::string& key,
                          const std::string& about) {
  return app.add_flag_callback(flag, [&flags, flag, key] { flags.settings.push_back({key, "true", flag}); }, about);
}

Result<runtime::Configuration> configuration_of(const NodeFlags& flags) {
  runtime::ConfigurationInput input{.profile = flags.profile, .settings = flags.settings};
  for (const runtime::Setting& each : flags.settings)  // asked for on the command line, it needs no second permission
    if (each.key == "transport.securities" && each.value.find("plaintext") != std::string::npos)
      input.settings.push_back({"transport.allow_plaintext", "true", each.flag});
  for (const std::string& text : flags.set) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos)
      return fail(ErrorCode::InvalidArgument, Op::Configure, Origin::Local,
                  "--set " + text + ": write it as KEY=VALUE");
    input.settings.push_back({text.substr(0, equals), text.substr(equals + 1), "--set"});
  }
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string_view variable = *each;
    const std::size_t equals = std::min(variable.find('='), variable.size());
    if (equals < variable.size())
      input.environment.emplace_back(variable.substr(0, equals), variable.substr(equals + 1));
  }
  if (!flags.config_file.empty()) {
    std::ifstream file(flags.config_file, std::ios::binary);
    input.file_name = flags.config_file;
    input.file_text.assign(std::istreambuf_iterator<char>(file), {});
    if (!file) return fail(ErrorCode::FileUnreadable, Op::ReadFile, Origin::Local, flags.config_file);
  }
  if (private_network_forced()) input.settings.push_back({"private_network.required", "true", "LIBP2P_FORCE_PNET"});
  return runtime::configure(input);
}

void add_timeout_flag(CLI::App& app, NodeFlags& flags) {
  app.add_option("--timeout", flags.timeout, "Give up after this time")->check(duration_check())->capture_default_str();
}

// A unix path takes all that follows it; the peer id is cut off its end.
static Result<Target> parse_unix_target(const std::string& text, std::size_t peer_at) {
  STARLING_TRY(Multiaddr address, Multiaddr::from_string(text.substr(0, peer_at)));
  STARLING_TRY(PeerId peer, PeerId::from_string(text.substr(peer_at + kPeerPart.size())));
  return Target{std::move(peer), std::move(address)};
}

Result<Target> parse_target(const std::string& text) {
  if (const std::size_t at = text.rfind(kPeerPart); text.starts_with("/unix/") && at != std::string::npos)
    return parse_unix_target(text, at);
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
  const auto configuration = configuration_of(flags);
  if (!configuration) return report(configuration.error(), flags.json);
  if (const Status right = runtime::to_status(configuration->mistakes); !right)
    return report(right.error(), flags.json);
  return run_session(std::move(flags), configuration->options, timed, std::move(command));
}

int run_session(NodeFlags flags, runtime::Options options, bool timed, Command command) {
  if (options.transport.allow_plaintext) std::fprintf(stderr, "warning: plaintext is offered: nothing is encrypted\n");
  auto key = identity(flags);
  if (!key) return report(key.error(), flags.json);
  Session session{io::RealReactor::create(), nullptr, {}, nullptr, std::move(flags)};
  session.network = session.reactor->make_network();
  const io::World world{*session.reactor, *session.network, system_random()};
  auto store = address_store(session.flags.address_file);
  if (!store) return report(store.error(), session.flags.json);
  session.lanes = io::start_lanes(*session.reactor, runtime::lanes_wanted(options));
  auto node = runtime::Node::create(world, std::move(*key), std::move(options), wall_clock_ns(), std::move(*store),
                                    session.lanes);
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
