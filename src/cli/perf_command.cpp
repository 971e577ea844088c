// starling perf: throughput to a peer that serves /perf/1.0.0.
#include <unistd.h>

#include <cstdio>

#include "cli/commands.hpp"
#include "cli/session.hpp"
#include "cli/units.hpp"

namespace starling::cli {
namespace {

struct PerfFlags {
  NodeFlags node;
  std::string target, upload = "0", download = "0";
  std::size_t streams = 1;
  bool check = false;
};

// Results of several streams that run side by side.
struct Run1 {
  perf::PerfResult result;
  std::optional<Error> error;
};

io::Task<void> one(Session& session, PeerId peer, perf::PerfRequest request, Run1& run) {
  std::function<void(const perf::PerfResult&)> progress;
  TimePoint next = session.reactor->now() + std::chrono::milliseconds(200);
  if (!session.flags.json && ::isatty(STDOUT_FILENO) == 1) {
    progress = [&session, next](const perf::PerfResult& now) mutable {
      if (session.reactor->now() < next) return;
      next = session.reactor->now() + std::chrono::milliseconds(200);
      std::printf("\r\033[Kup %s   down %s", format_size(now.uploaded).c_str(), format_size(now.downloaded).c_str());
      std::fflush(stdout);
    };
  }
  auto result =
      co_await perf::run(session.host(), std::move(peer), request, session.node->perf_options(), std::move(progress));
  if (result)
    run.result = *result;
  else
    run.error = result.error();
}

struct Sum {
  perf::PerfResult result;
  std::optional<Error> error;
};

io::Task<Sum> run_streams(Session& session, const Target& target, perf::PerfRequest request, std::size_t streams) {
  std::vector<Run1> runs(streams);
  io::TaskGroup group(*session.reactor, (co_await io::current_context()).scope);
  for (Run1& run : runs) group.spawn(one(session, target.peer, request, run));
  co_await group.join();
  Sum sum;
  for (const Run1& run : runs) {
    if (run.error) sum.error = run.error;
    sum.result.uploaded += run.result.uploaded;
    sum.result.downloaded += run.result.downloaded;
    sum.result.upload_time = std::max(sum.result.upload_time, run.result.upload_time);
    sum.result.download_time = std::max(sum.result.download_time, run.result.download_time);
  }
  co_return sum;
}

std::string rate(std::uint64_t bytes, Duration time) {
  const double seconds = std::chrono::duration<double>(time).count();
  return seconds > 0 ? format_size(std::uint64_t(double(bytes) / seconds)) + "/s" : "-";
}

double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

// Upload and download are two runs, so that neither's time contains the other's.
io::Task<int> perf(Session& session, const PerfFlags& flags) {
  const auto target = parse_target(flags.target);
  if (!target) co_return report(target.error(), flags.node.json);
  const TimePoint start = session.reactor->now();
  if (const auto connection = co_await connect(session, *target); !connection)
    co_return report(connection.error(), flags.node.json);
  const Duration connected = session.reactor->now() - start;
  const std::size_t streams = std::max<std::size_t>(flags.streams, 1);
  Sum up, down;
  if (const std::uint64_t bytes = size_of(flags.upload); bytes > 0)
    up = co_await run_streams(session, *target, {bytes / streams, 0, flags.check}, streams);
  if (up.error) co_return report(*up.error, flags.node.json);
  if (const std::uint64_t bytes = size_of(flags.download); bytes > 0)
    down = co_await run_streams(session, *target, {0, bytes / streams, flags.check}, streams);
  if (down.error) co_return report(*down.error, flags.node.json);
  if (flags.node.json) {
    print_json({{"event", "perf"},
                {"upload_bytes", up.result.uploaded},
                {"upload_seconds", seconds(up.result.upload_time)},
                {"download_bytes", down.result.downloaded},
                {"download_seconds", seconds(down.result.download_time)},
                {"connect_seconds", seconds(connected)},
                {"checked", flags.check}});
  } else {
    std::printf("\r\033[Kconnect   %s\nupload    %s in %.3f s = %s\ndownload  %s in %.3f s = %s\n",
                format_duration(connected).c_str(), format_size(up.result.uploaded).c_str(),
                seconds(up.result.upload_time), rate(up.result.uploaded, up.result.upload_time).c_str(),
                format_size(down.result.downloaded).c_str(), seconds(down.result.download_time),
                rate(down.result.downloaded, down.result.download_time).c_str());
  }
  co_return kOk;
}

}  // namespace

void add_perf_command(CLI::App& app, Run& run) {
  auto flags = std::make_shared<PerfFlags>();
  CLI::App* command = app.add_subcommand("perf", "Measure throughput to a peer that serves /perf/1.0.0");
  command->add_option("address", flags->target, "Peer, ending in /p2p/<peer id>")->required()->type_name("MULTIADDR");
  command->add_option("--upload", flags->upload, "Bytes to send")->check(size_check())->capture_default_str();
  command->add_option("--download", flags->download, "Bytes to fetch")->check(size_check())->capture_default_str();
  command->add_option("--streams", flags->streams, "Streams side by side; they share the bytes")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command->add_flag("--check", flags->check, "Compare the content of the download with the test pattern");
  add_node_flags(*command, flags->node);
  add_timeout_flag(*command, flags->node);
  command->footer(
      "Example:\n  starling perf /ip4/192.0.2.1/tcp/4001/p2p/12D3KooW… --upload 1GiB --download 1GiB --timeout 5m");
  command->callback([flags, &run] {
    run = [flags] {
      return run_session(flags->node, /*timed=*/true, [flags](Session& session) { return perf(session, *flags); });
    };
  });
}

}  // namespace starling::cli
