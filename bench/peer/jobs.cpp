// The jobs that one connection is enough for: pings, transfers, and new connections.
#include <algorithm>
#include <chrono>

#include "peer.hpp"

namespace starling::bench {
namespace {

constexpr Duration kHeadStart = std::chrono::milliseconds(300);  // of the busy stream before the first ping
constexpr std::size_t kBlock = 256u << 10;
constexpr Duration kForEver = std::chrono::hours(24 * 365);

double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }
double milliseconds(Duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

// Uploads until it is cancelled.
io::Task<void> keep_uploading(runtime::Node& node, PeerId peer, std::optional<Error>& broken) {
  auto stream = co_await node.host().open_stream(std::move(peer), {std::string(perf::kProtocolId)});
  Status status = stream ? co_await stream->write(ByteVector(8, 0)) : std::unexpected(stream.error());
  const ByteVector block(kBlock, 7);
  while (status) status = co_await stream->write(block);
  broken = status.error();
}

io::Task<Status> measure_pings(Nodes& nodes, runtime::Node& node, const Flags& flags) {
  STARLING_CO_TRY(auto pinger, co_await ping::Pinger::open(node.host(), nodes.target().peer, node.ping_options()));
  Quota quota(nodes.reactor(), flags, flags.count == 0 ? 10 : flags.count);
  std::vector<Duration> times;
  const TimePoint start = nodes.reactor().now();
  while (quota.take() || times.empty()) {
    STARLING_CO_TRY(const Duration time, co_await pinger.ping());
    times.push_back(time);
  }
  emit("ping-summary", summary(std::move(times), nodes.reactor().now() - start));
  co_return Status{};
}

// What became of the streams of a transfer: between which moments the server began to answer, when all was over.
struct Moved {
  TimePoint first_turn = kNever, last_turn{}, end{};
  std::optional<Error> failed;
};

io::Task<void> transfer(runtime::Node& node, PeerId peer, perf::PerfRequest request, Moved& moved) {
  const auto result = co_await perf::run(node.host(), std::move(peer), request, node.perf_options());
  if (!result) {
    moved.failed = result.error();
    co_return;
  }
  const TimePoint end = node.host().world().reactor.now(), turn = end - result->download_time;
  moved.first_turn = std::min(moved.first_turn, turn);
  moved.last_turn = std::max(moved.last_turn, turn);
  moved.end = std::max(moved.end, end);
}

// Leaves its stream without waiting for the peer to end it, which would be a round trip more.
io::Task<Status> ping_once(Nodes& nodes, runtime::Node& node) {
  STARLING_CO_TRY(auto pinger, co_await ping::Pinger::open(node.host(), nodes.target().peer, node.ping_options()));
  STARLING_CO_TRY(const Duration time, co_await pinger.ping());
  (void)time;
  co_return Status{};
}

// Ends the node's connection to the target and waits until it is gone.
io::Task<Status> disconnect(runtime::Node& node, const PeerId& peer, io::WaitQueue& gone) {
  for (swarm::Link* link = node.host().swarm().find(peer); link != nullptr; link = node.host().swarm().find(peer)) {
    link->close(transport::CloseReason::local(transport::CloseCode::None));
    STARLING_CO_CHECK(co_await gone.wait());
  }
  co_return Status{};
}

}  // namespace

Quota::Quota(io::Reactor& reactor, const Flags& flags, std::uint64_t count)
    : reactor_(reactor),
      count_(count),
      end_(reactor.after(flags.limit > 0 ? Duration(std::int64_t(flags.limit * 1e9)) : kForEver)) {}

boost::json::object summary(std::vector<Duration> times, Duration took) {
  std::sort(times.begin(), times.end());
  boost::json::object all{{"unit", "ms"}, {"n", times.size()}, {"seconds", seconds(took)}};
  if (times.empty()) return all;
  const auto at = [&](double q) {
    return milliseconds(times[std::min(times.size() - 1, std::size_t(double(times.size()) * q))]);
  };
  all["min"] = at(0);
  all["median"] = at(0.5);
  all["p90"] = at(0.9);
  all["p95"] = at(0.95);
  all["p99"] = at(0.99);
  all["max"] = at(1);
  all["pingsPerSecond"] = double(times.size()) / seconds(took);
  return all;
}

io::Task<Status> run_ping(Nodes& nodes, const Flags& flags) {
  STARLING_CO_TRY(runtime::Node * node, co_await nodes.connected());
  io::TaskGroup beside(nodes.reactor(), (co_await io::current_context()).scope);
  std::optional<Error> broken;
  if (flags.load) {
    beside.spawn(keep_uploading(*node, nodes.target().peer, broken));
    (void)co_await io::sleep_for(nodes.reactor(), kHeadStart);
  }
  const Status measured = co_await measure_pings(nodes, *node, flags);
  const std::optional<Error> broke_off = broken;
  co_await beside.close();
  if (measured && broke_off) co_return std::unexpected(*broke_off);
  co_return measured;
}

io::Task<Status> run_perf(Nodes& nodes, const Flags& flags) {
  STARLING_CO_TRY(runtime::Node * node, co_await nodes.connected());
  const std::size_t streams = std::max<std::size_t>(flags.streams, 1);
  Moved moved;
  io::TaskGroup group(nodes.reactor(), (co_await io::current_context()).scope);
  const TimePoint start = nodes.reactor().now();
  for (std::size_t i = 0; i < streams; ++i)
    group.spawn(transfer(*node, nodes.target().peer, {flags.upload / streams, flags.download / streams}, moved));
  co_await group.join();
  if (moved.failed) co_return std::unexpected(*moved.failed);
  emit("perf", {{"uploadBytes", flags.upload},
                {"uploadSeconds", seconds(moved.last_turn - start)},
                {"downloadBytes", flags.download},
                {"downloadSeconds", seconds(moved.end - moved.first_turn)}});
  co_return Status{};
}

io::Task<Status> run_connect(Nodes& nodes, const Flags& flags) {
  const Target& target = nodes.target();
  STARLING_CO_TRY(runtime::Node * node, co_await nodes.connected());
  io::WaitQueue gone;
  const auto watch =
      node->host().events().subscribe<host::PeerDisconnected>([&gone](const auto&) { gone.notify_all(); });
  STARLING_CO_CHECK(co_await disconnect(*node, target.peer, gone));
  Quota quota(nodes.reactor(), flags, flags.count == 0 ? 10 : flags.count);
  const TimePoint start = nodes.reactor().now();
  Duration answered{};  // without the end of the connection, which here is waited for
  while (quota.take()) {
    const TimePoint dialed = nodes.reactor().now();
    STARLING_CO_CHECK(co_await node->host().connect(target.peer, {target.address}));
    STARLING_CO_CHECK(co_await ping_once(nodes, *node));
    answered += nodes.reactor().now() - dialed;
    STARLING_CO_CHECK(co_await disconnect(*node, target.peer, gone));
  }
  const double took = seconds(nodes.reactor().now() - start);
  emit("connect-summary", {{"n", quota.taken()},
                           {"seconds", took},
                           {"answeredSeconds", seconds(answered)},
                           {"connectionsPerSecond", double(quota.taken()) / took}});
  co_return Status{};
}

}  // namespace starling::bench
