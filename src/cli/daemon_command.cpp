// starling daemon: a node that runs until it is told to stop.
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "cli/api.hpp"
#include "cli/commands.hpp"
#include "cli/daemon_services.hpp"
#include "cli/gater_watch.hpp"
#include "cli/session.hpp"
#include "cli/test_protocols.hpp"
#include "cli/units.hpp"
#include "starling/transport/quic.hpp"

namespace starling::cli {
namespace {

struct DaemonFlags {
  NodeFlags node;
  bool test_protocols = false;
};

std::vector<std::string> default_listen(const std::vector<std::string>& transports) {
  std::vector<std::string> all;
  for (const std::string& name : transports) {
    if (name == "quic-v1" && !transport::quic_available()) continue;
    if (name == "memory" || name == "unix" || name == "wss")
      continue;  // they have no place that everybody would expect
    const std::string tail = name == "quic-v1" ? "/udp/4001/quic-v1" : name == "ws" ? "/tcp/4001/ws" : "/tcp/4001";
    all.push_back("/ip4/0.0.0.0" + tail);
    all.push_back("/ip6/::" + tail);
  }
  return all;
}

// What a daemon keeps, it keeps in its data folder: the identity, unless --key names a file, and the address book. With
// --key and no folder it keeps nothing else.
Status choose_files(NodeFlags& flags, const std::string& given_folder) {
  if (!flags.key_file.empty() && given_folder.empty()) return {};
  const std::filesystem::path folder = data_dir(given_folder);
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem)
    return fail(ErrorCode::FileUnwritable, Op::WriteFile, Origin::Local, folder.string() + ": " + problem.message());
  if (flags.key_file.empty()) flags.key_file = folder / "identity.key";
  flags.address_file = folder / "addresses.db";
  return {};
}

struct Totals {
  std::size_t streams = 0;
  std::uint64_t in = 0, out = 0;
};

Totals totals(host::Host& host) {
  Totals sum{0, host.swarm().counters().bytes_in, host.swarm().counters().bytes_out};
  for (const swarm::Link* link : host.swarm().connections()) {
    const transport::ConnectionStats stats = link->stats();
    sum.streams += stats.inbound_streams + stats.outbound_streams;
    sum.in += stats.bytes_in;
    sum.out += stats.bytes_out;
  }
  return sum;
}

// A unix path takes all that follows it: its peer id stands in the text only.
std::string text_of(const Multiaddr& address, const PeerId& id) {
  return address.to_string() + (address.has(Protocol::Unix) ? "/p2p/" + id.to_string() : "");
}

void announce(Session& session) {
  std::vector<std::string> addresses;
  for (const Multiaddr& address : session.host().addresses()) addresses.push_back(text_of(address, session.node->id()));
  if (session.flags.json) {
    boost::json::array listen;
    for (const std::string& address : addresses) listen.emplace_back(address);
    boost::json::array protocols;
    for (const std::string& protocol : session.host().protocols()) protocols.emplace_back(protocol);
    const host::HostOptions& options = session.host().options();
    print_json({{"event", "ready"},
                {"peer_id", session.node->id().to_string()},
                {"listen", std::move(listen)},
                {"agent_version", options.agent_version},
                {"protocol_version", options.protocol_version},
                {"protocols", std::move(protocols)}});
    return;
  }
  std::printf("peer id  %s\n", session.node->id().to_string().c_str());
  for (const std::string& address : addresses) std::printf("address  %s\n", address.c_str());
  std::printf("\nPing this node from another machine:\n  starling ping %s\n\nCtrl-C ends it.\n\n",
              addresses.empty() ? "ADDRESS" : addresses.back().c_str());
  std::fflush(stdout);
}

// One line that is written over every second, on a terminal only.
io::Task<void> show_status(Session& session, GaterWatch& rules) {
  const bool live = !session.flags.json && ::isatty(STDOUT_FILENO) == 1;
  for (;;) {
    if (live) {
      const Totals now = totals(session.host());
      std::printf("\r\033[Kpeers %zu   streams %zu   in %s   out %s", session.host().swarm().connection_count(),
                  now.streams, format_size(now.in).c_str(), format_size(now.out).c_str());
      std::fflush(stdout);
    }
    if (!co_await io::sleep_for(*session.reactor, std::chrono::seconds(1))) break;
    if (const Status read = rules.look(); !read)
      std::fprintf(stderr, "the rules stay as they were: %s\n", read.error().message().c_str());
  }
  if (live) std::printf("\n");
}

// What happens, one JSON line each.
std::vector<host::EventBus::Subscription> print_events(Session& session) {
  std::vector<host::EventBus::Subscription> all;
  if (!session.flags.json) return all;
  host::EventBus& bus = session.host().events();
  all.push_back(bus.subscribe<host::PeerConnected>([](const host::PeerConnected& e) {
    print_json({{"event", "connected"},
                {"peer_id", e.peer.to_string()},
                {"address", e.remote_address.to_string()},
                {"direction", e.direction == transport::Direction::Inbound ? "inbound" : "outbound"}});
  }));
  all.push_back(bus.subscribe<host::PeerDisconnected>([](const host::PeerDisconnected& e) {
    print_json({{"event", "disconnected"}, {"peer_id", e.peer.to_string()}, {"reason", e.reason.to_string()}});
  }));
  all.push_back(bus.subscribe<host::PeerIdentified>([](const host::PeerIdentified& e) {
    print_json({{"event", "identified"}, {"peer_id", e.peer.to_string()}, {"agent_version", e.info.agent_version}});
  }));
  return all;
}

void print_served(const perf::Served& served) {
  print_json({{"event", "perf-served"},
              {"peer_id", served.peer.to_string()},
              {"upload_bytes", served.upload_bytes},
              {"download_bytes", served.download_bytes},
              {"mismatches", served.mismatches}});
}

Status listen(Session& session, Log& log) {
  const std::vector<std::string>& given = session.node->options().daemon.listen;
  for (const std::string& text : given.empty() ? default_listen(session.node->options().transport.transports) : given) {
    STARLING_TRY(const Multiaddr address, Multiaddr::from_string(text));
    const auto bound = session.host().listen(address);
    if (!bound) {
      log.error("swarm", "cannot listen", {{"address", text}, {"error", bound.error()}});
      return std::unexpected(bound.error());
    }
    log.info("swarm", "listening", {{"address", bound->to_string()}});
  }
  return {};
}

io::Task<int> serve(Session& session, const DaemonFlags& flags, bool port_was_given, Log& log) {
  if (flags.test_protocols) serve_test_protocols(session.host());
  if (flags.test_protocols && session.node->options().perf.serve)
    perf::serve(session.host(), session.node->perf_options(), print_served);
  GaterWatch rules(*session.node, gater_file(session.node->options().daemon.data_dir));
  if (const Status read = rules.look(); !read) co_return report(read.error(), session.flags.json);
  const auto subscriptions = print_events(session);
  if (const Status listening = listen(session, log); !listening)
    co_return report(listening.error(), session.flags.json);
  DaemonServices services(session, log);
  // A daemon whose identity is elsewhere and that was given no folder leaves the user's alone.
  const std::string& folder = session.node->options().daemon.data_dir;
  const bool has_folder = !folder.empty() || flags.node.key_file.empty();
  if (const Status started = services.start(port_was_given, has_folder ? data_dir(folder) : ""); !started) {
    co_await services.close();
    co_return report(started.error(), session.flags.json);
  }
  announce(session);
  co_await show_status(session, rules);
  log.info("daemon", "stopping");
  co_await services.close();
  co_return kOk;
}

// The soft limit of descriptors is for programs that use select(); one that does not may take what the hard limit
// allows. What the node permits itself is a share of it, hence before anything asks.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);  // refused: the node lives with what it has
}

int run_daemon(DaemonFlags flags) {
  raise_descriptor_limit();
  const auto configuration = configuration_of(flags.node);
  if (!configuration) return report(configuration.error(), flags.node.json);
  if (const Status right = runtime::to_status(configuration->mistakes); !right)
    return report(right.error(), flags.node.json);
  const runtime::Options& options = configuration->options;
  NodeFlags node = flags.node;
  if (const Status chosen = choose_files(node, options.daemon.data_dir); !chosen)
    return report(chosen.error(), flags.node.json);
  Log log(*log_level_from_string(options.log.level), stderr_sink());
  log.info("daemon", "starting",
           {{"version", kVersion}, {"config", flags.node.config_file}, {"profile", configuration->profile}});
  const bool port_was_given = configuration->source_of("diagnostics.port").kind != runtime::Source::Kind::Default;
  return run_session(std::move(node), options, /*timed=*/false,
                     [&](Session& session) { return serve(session, flags, port_was_given, log); });
}

}  // namespace

std::filesystem::path gater_file(const std::string& data_dir) {
  return cli::data_dir(data_dir) / runtime::kGaterFileName;
}

void add_daemon_command(CLI::App& app, Run& run) {
  auto flags = std::make_shared<DaemonFlags>();
  CLI::App* daemon = app.add_subcommand("daemon", "Run a node until Ctrl-C");
  add_node_flags(*daemon, flags->node);
  daemon
      ->add_option_function<std::vector<std::string>>(
          "--listen",
          [flags](const std::vector<std::string>& all) {
            std::string list;
            for (const std::string& each : all) list += (list.empty() ? "" : ",") + each;
            flags->node.settings.push_back({"daemon.listen", list, "--listen"});
          },
          "Address to listen on; may be given several times; default: port 4001 of every transport")
      ->type_name("MULTIADDR");
  add_key_option(*daemon, flags->node, "--data-dir", "daemon.data_dir",
                 "Folder for the identity and the address book; default: the user's data folder")
      ->type_name("DIR");
  add_key_flag(*daemon, flags->node, "--perf", "perf.serve", "Serve /perf/1.0.0: lets any peer use the line");
  daemon->add_flag("--test-protocols", flags->test_protocols,
                   "Serve echo and other protocols for tests between implementations");
  daemon->footer("Examples:\n  starling daemon\n  starling daemon --listen /ip4/127.0.0.1/tcp/0 --key node.key --json");
  daemon->callback([flags, &run] { run = [flags] { return run_daemon(*flags); }; });
}

}  // namespace starling::cli
