// starling ping
#include <algorithm>
#include <cstdio>

#include "cli/commands.hpp"
#include "cli/session.hpp"
#include "cli/units.hpp"

namespace starling::cli {
namespace {

struct PingFlags {
  NodeFlags node;
  std::string target, interval = "1s";
  std::uint64_t count = 4;
  bool quiet = false;
};

struct Results {
  std::uint64_t sent = 0;
  std::vector<Duration> times;
  Duration elapsed{};
};

std::int64_t microseconds(Duration time) { return std::chrono::duration_cast<std::chrono::microseconds>(time).count(); }

Duration at_quantile(const std::vector<Duration>& sorted, double q) {
  return sorted[std::size_t(q * double(sorted.size() - 1))];
}

void show(Results results, const PingFlags& flags, const Target& target) {
  auto& times = results.times;
  std::sort(times.begin(), times.end());
  const double seconds = std::chrono::duration<double>(results.elapsed).count();
  if (flags.node.json) {
    boost::json::object summary{{"event", "ping-summary"},
                                {"peer_id", target.peer.to_string()},
                                {"sent", results.sent},
                                {"received", times.size()},
                                {"pings_per_second", seconds > 0 ? double(times.size()) / seconds : 0.0}};
    if (!times.empty()) {
      summary["rtt_us"] = boost::json::object{{"min", microseconds(times.front())},
                                              {"median", microseconds(at_quantile(times, 0.5))},
                                              {"p99", microseconds(at_quantile(times, 0.99))},
                                              {"max", microseconds(times.back())}};
    }
    print_json(summary);
  } else if (!times.empty()) {
    std::printf("%llu sent, %zu received; min %s, median %s, p99 %s, max %s\n",
                static_cast<unsigned long long>(results.sent), times.size(), format_duration(times.front()).c_str(),
                format_duration(at_quantile(times, 0.5)).c_str(), format_duration(at_quantile(times, 0.99)).c_str(),
                format_duration(times.back()).c_str());
  }
}

void show_one(std::uint64_t number, Duration time, const PingFlags& flags) {
  if (flags.quiet) return;
  if (flags.node.json) {
    print_json({{"event", "pong"}, {"seq", number}, {"rtt_us", microseconds(time)}});
  } else {
    std::printf("%llu: %s\n", static_cast<unsigned long long>(number), format_duration(time).c_str());
    std::fflush(stdout);
  }
}

io::Task<int> ping(Session& session, const PingFlags& flags) {
  const auto target = parse_target(flags.target);
  if (!target) co_return report(target.error(), flags.node.json);
  if (const auto connection = co_await connect(session, *target); !connection)
    co_return report(connection.error(), flags.node.json);
  auto pinger = co_await ping::Pinger::open(session.host(), target->peer, session.node->ping_options());
  if (!pinger) co_return report(pinger.error(), flags.node.json);
  Results results;
  const Duration interval = duration_of(flags.interval);
  const TimePoint start = session.reactor->now();
  std::optional<Error> failed;
  while (results.sent < flags.count && !failed) {
    ++results.sent;
    const auto time = co_await pinger->ping();
    if (time) {
      results.times.push_back(*time);
      show_one(results.sent, *time, flags);
      if (results.sent < flags.count && interval > Duration::zero() &&
          !co_await io::sleep_for(*session.reactor, interval))
        break;
    } else {
      failed = time.error();
    }
  }
  results.elapsed = session.reactor->now() - start;
  show(std::move(results), flags, *target);
  if (failed) co_return report(*failed, flags.node.json);
  (void)co_await pinger->close();
  co_return kOk;
}

}  // namespace

void add_ping_command(CLI::App& app, Run& run) {
  auto flags = std::make_shared<PingFlags>();
  CLI::App* command = app.add_subcommand("ping", "Measure the round-trip time to a peer");
  command->add_option("address", flags->target, "Peer to ping, ending in /p2p/<peer id>")
      ->required()
      ->type_name("MULTIADDR");
  command->add_option("--count", flags->count, "Number of pings")->capture_default_str();
  command->add_option("--interval", flags->interval, "Pause between two pings")
      ->check(duration_check())
      ->capture_default_str();
  command->add_flag("--quiet", flags->quiet, "Only the summary");
  add_node_flags(*command, flags->node);
  add_timeout_flag(*command, flags->node);
  command->footer("Example:\n  starling ping /ip4/192.0.2.1/tcp/4001/p2p/12D3KooW… --count 10 --interval 100ms");
  command->callback([flags, &run] {
    run = [flags] {
      return run_session(flags->node, /*timed=*/true, [flags](Session& session) { return ping(session, *flags); });
    };
  });
}

}  // namespace starling::cli
