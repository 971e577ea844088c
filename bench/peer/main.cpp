#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <iostream>

#include "peer.hpp"
#include "requests.hpp"
#include "starling/base/version.hpp"
#include "starling/runtime/configuration.hpp"

namespace starling::bench {
namespace {

constexpr int kOk = 0, kFailed = 1, kUsage = 2, kTimedOut = 3;

// As the other peers, this one takes whatever one address sends: what is measured is speed, not restraint.
constexpr std::pair<std::string_view, std::string_view> kOpenHanded[] = {
    {"connections.low_water", "30000"},
    {"connections.high_water", "32000"},
    {"swarm.max_connections", "32768"},
    {"swarm.max_inbound_connections", "32768"},
    {"announce.interface_check_interval", "0s"},
    {"perf.serve", "true"},
    {"resource.memory", "16GiB"},
    {"resource.descriptors", "65536"},
    {"swarm.max_dials_per_second", "1000000"},
    {"swarm.max_dials_burst", "1000000"},
    {"resource.allow", "/ip4/0.0.0.0/ipcidr/0"},
};

Result<runtime::Options> options_of(const Flags& flags) {
  runtime::ConfigurationInput input;
  for (const auto& [key, value] : kOpenHanded) input.settings.push_back({std::string(key), std::string(value), ""});
  input.settings.push_back({"transport.transports", flags.transport, "--transport"});
  input.settings.push_back({"transport.securities", flags.security, "--security"});
  input.settings.push_back({"transport.muxers", flags.muxer, "--muxer"});
  for (const std::string& text : flags.set) {
    const std::size_t equals = std::min(text.find('='), text.size() - 1);
    input.settings.push_back({text.substr(0, equals), text.substr(equals + 1), "--set"});
  }
  runtime::Configuration configuration = runtime::configure(input);
  STARLING_CHECK(runtime::to_status(configuration.mistakes));
  return std::move(configuration.options);
}

Result<Target> target_of(const std::string& text) {
  STARLING_TRY(Multiaddr address, Multiaddr::from_string(text));
  const auto id = address.value(Protocol::P2p);
  if (!id) return fail(ErrorCode::InvalidArgument, Op::Parse, Origin::Local, "--peer must end in /p2p/<peer id>");
  STARLING_TRY(PeerId peer, PeerId::from_bytes(*id));
  return Target{std::move(peer), std::move(address)};
}

std::uint64_t wall_clock_ns() {
  return std::uint64_t(std::chrono::system_clock::now().time_since_epoch() / std::chrono::nanoseconds(1));
}

Result<std::unique_ptr<runtime::Node>> make_node(const Home& home, runtime::Options options) {
  STARLING_TRY(auto key, crypto::PrivateKey::generate(crypto::KeyType::Ed25519, home.world.random));
  return runtime::Node::create(home.world, std::move(key), std::move(options), wall_clock_ns(), nullptr, home.lanes);
}

io::Task<Status> listen(io::RealReactor& reactor, Home home, runtime::Options options, const Flags& flags) {
  STARLING_CO_TRY(auto node, make_node(home, std::move(options)));
  serve_requests(node->host());
  const bool quic = flags.transport == "quic-v1";
  const std::string address =
      "/ip4/" + flags.host + (quic ? "/udp/" : "/tcp/") + std::to_string(flags.port) + (quic ? "/quic-v1" : "");
  STARLING_CO_TRY(const Multiaddr where, Multiaddr::from_string(address));
  STARLING_CO_TRY(const Multiaddr bound, node->host().listen(where));
  emit("ready", {{"listening", boost::json::array{bound.to_string() + "/p2p/" + node->id().to_string()}},
                 {"peerId", node->id().to_string()},
                 {"versions", {{"starling", kVersion}}},
                 {"pid", ::getpid()}});
  (void)co_await reactor.wait_signal({SIGINT, SIGTERM});
  co_await node->close();
  co_return Status{};
}

io::Task<Status> run_client(Home home, runtime::Options options, const Flags& flags) {
  using Job = io::Task<Status> (*)(Nodes&, const Flags&);
  static constexpr std::pair<std::string_view, Job> kJobs[] = {{"ping", run_ping},
                                                               {"connect", run_connect},
                                                               {"perf-client", run_perf},
                                                               {"rr", run_requests},
                                                               {"idle", run_idle}};
  const auto* job =
      std::find_if(std::begin(kJobs), std::end(kJobs), [&](const auto& j) { return j.first == flags.mode; });
  if (job == std::end(kJobs))
    co_return fail(ErrorCode::InvalidArgument, Op::Parse, Origin::Local, "no mode " + flags.mode);
  STARLING_CO_TRY(Target target, target_of(flags.peer));
  Nodes nodes(home, std::move(options), std::move(target));
  const Status status = co_await io::with_deadline(Duration(std::int64_t(flags.timeout * 1e9)),
                                                   io::timeout_error(Op::Run, flags.mode), job->second(nodes, flags));
  co_await nodes.close();
  co_return status;
}

io::Task<Status> run(io::RealReactor& reactor, Home home, runtime::Options options, const Flags& flags) {
  if (flags.mode == "listen") co_return co_await listen(reactor, home, std::move(options), flags);
  co_return co_await run_client(home, std::move(options), flags);
}

Status run_here(const Flags& flags) {
  STARLING_TRY(runtime::Options options, options_of(flags));
  const auto reactor = io::RealReactor::create();
  const auto network = reactor->make_network();
  const auto lanes = io::start_lanes(*reactor, runtime::lanes_wanted(options));
  const Home home{{*reactor, *network, system_random()}, lanes};
  return io::run_task(*reactor, run(*reactor, home, std::move(options), flags));
}

void add_flags(CLI::App& app, Flags& flags) {
  app.add_option("mode", flags.mode, "listen, ping, connect, perf-client, rr, idle")->required();
  app.add_option("--peer", flags.peer, "address to dial, ending in /p2p/<peer id>");
  app.add_option("--host", flags.host, "address to listen on");
  app.add_option("--port", flags.port, "port to listen on");
  app.add_option("--transport", flags.transport);
  app.add_option("--security", flags.security);
  app.add_option("--muxer", flags.muxer);
  app.add_option("--set", flags.set, "KEY=VALUE of the configuration");
  app.add_option("--count", flags.count, "requests, pings, connections");
  app.add_option("--for", flags.limit, "no more after so many seconds");
  app.add_option("--open", flags.open, "rr: requests under way at the same time");
  app.add_option("--connections", flags.connections, "rr: each of a node of its own; idle: a list")->delimiter(',');
  app.add_option("--streams", flags.streams, "perf: streams that share the bytes");
  app.add_option("--upload", flags.upload, "perf: bytes");
  app.add_option("--download", flags.download, "perf: bytes");
  app.add_option("--timeout", flags.timeout, "seconds");
  app.add_option("--duration", flags.duration, "as the other peers have it; this one stays until a signal");
  app.add_flag("--load", flags.load, "ping: while another stream of the connection uploads");
  app.add_flag("--keep", flags.keep, "rr: a stream for many requests instead of one for each");
  app.add_flag("--quiet", flags.quiet, "as the other peers have it; this one says no more than results");
}

int main_of(int argc, char** argv) {
  Flags flags;
  CLI::App app("the Starling side of bench/run.py");
  add_flags(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kUsage;
  }
  const Status status = run_here(flags);
  if (status) return kOk;
  emit("error", {{"message", status.error().message()}});
  return status.error() == ErrorCode::Timeout ? kTimedOut : kFailed;
}

}  // namespace

void emit(const char* event, boost::json::object fields) {
  fields["event"] = event;
  std::cout << boost::json::serialize(fields) << std::endl;
}

io::Task<Result<runtime::Node*>> Nodes::connected() {
  STARLING_CO_TRY(auto node, make_node(home_, options_));
  if (const auto connection = co_await node->host().connect(target_.peer, {target_.address}); !connection) {
    co_await node->close();
    co_return std::unexpected(connection.error());
  }
  all_.push_back(std::move(node));
  co_return all_.back().get();
}

io::Task<void> Nodes::close() {
  for (auto& node : all_) co_await node->close();
  all_.clear();
}

}  // namespace starling::bench

int main(int argc, char** argv) { return starling::bench::main_of(argc, argv); }
