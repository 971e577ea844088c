// The jobs over many connections: requests from many senders, and connections that are held.
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "peer.hpp"
#include "requests.hpp"

namespace starling::bench {
namespace {

constexpr Duration kSettle = std::chrono::seconds(2);  // identify ends, buffers go back
constexpr Duration kBusy = std::chrono::seconds(3);    // how long requests go on before they count as going on
constexpr Duration kRequestEvery = std::chrono::seconds(1);
constexpr std::size_t kDialsAtOnce = 16;

io::Task<Result<Duration>> one_request(runtime::Node& node, const PeerId& peer, io::TaskGroup& closing) {
  const TimePoint start = node.host().world().reactor.now();
  STARLING_CO_TRY(auto requester, co_await Requester::open(node.host(), peer));
  STARLING_CO_CHECK(co_await requester.exchange());
  const Duration took = node.host().world().reactor.now() - start;
  closing.spawn(finish(std::move(requester)));
  co_return took;
}

struct Sent {
  std::vector<Duration> times;
  std::optional<Error> failed;
};

io::Task<Status> send_each_on_its_own(runtime::Node& node, const PeerId& peer, Quota& quota, Sent& sent) {
  io::TaskGroup closing(node.host().world().reactor, (co_await io::current_context()).scope);
  Status status;
  while (status && quota.take()) {
    if (const auto time = co_await one_request(node, peer, closing); time)
      sent.times.push_back(*time);
    else
      status = std::unexpected(time.error());
  }
  co_await closing.join();
  co_return status;
}

io::Task<Status> send_all_on_one(runtime::Node& node, const PeerId& peer, Quota& quota, Sent& sent) {
  STARLING_CO_TRY(auto requester, co_await Requester::open(node.host(), peer));
  while (quota.take()) {
    STARLING_CO_TRY(const Duration time, co_await requester.exchange());
    sent.times.push_back(time);
  }
  co_return co_await requester.close();
}

io::Task<void> sender(runtime::Node& node, PeerId peer, bool keep, Quota& quota, Sent& sent) {
  const Status status =
      keep ? co_await send_all_on_one(node, peer, quota, sent) : co_await send_each_on_its_own(node, peer, quota, sent);
  if (!status) sent.failed = status.error();
}

// Opens connections until there are `count` or time is up. A listener that has too much to do loses a dial now and
// then; one that takes none at all is an error.
io::Task<void> open_some(Nodes& nodes, std::size_t count, std::size_t& wanted, TimePoint end,
                         std::optional<Error>& failed) {
  while (wanted < count && nodes.reactor().now() < end) {
    ++wanted;
    const auto node = co_await nodes.connected();
    if (node) {
      (void)co_await (*node)->host().identified(nodes.target().peer);
      continue;
    }
    --wanted;
    failed = node.error();
    if (nodes.all().empty()) break;
  }
}

io::Task<Status> open_up_to(Nodes& nodes, std::size_t count, TimePoint end) {
  std::optional<Error> failed;
  std::size_t wanted = nodes.all().size();
  io::TaskGroup group(nodes.reactor(), (co_await io::current_context()).scope);
  for (std::size_t i = 0; i < kDialsAtOnce; ++i) group.spawn(open_some(nodes, count, wanted, end, failed));
  co_await group.join();
  if (nodes.all().empty() && failed) co_return std::unexpected(*failed);
  co_return Status{};
}

// A stream with one request a second, until it is cancelled.
io::Task<void> trickle(runtime::Node& node, PeerId peer) {
  auto requester = co_await Requester::open(node.host(), std::move(peer));
  while (requester && co_await requester->exchange())
    if (!co_await io::sleep_for(node.host().world().reactor, kRequestEvery)) break;
}

// Tells what the connections do now and how many the listener still has, and waits until whoever measures has looked.
void show(const char* what, const Nodes& nodes) {
  const auto open = std::count_if(nodes.all().begin(), nodes.all().end(), [&](const auto& node) {
    return node->host().swarm().find(nodes.target().peer) != nullptr;
  });
  emit("holding", {{"what", what}, {"connections", open}});
  (void)std::getchar();
}

}  // namespace

io::Task<Status> run_requests(Nodes& nodes, const Flags& flags) {
  const PeerId& peer = nodes.target().peer;
  const std::size_t connections = std::max<std::size_t>(flags.connections.front(), 1);
  for (std::size_t i = 0; i < connections; ++i) {
    STARLING_CO_TRY(runtime::Node * node, co_await nodes.connected());
    Sent first;
    Quota one(nodes.reactor(), flags, 1);
    STARLING_CO_CHECK(co_await send_each_on_its_own(*node, peer, one, first));
  }
  std::vector<Sent> sent(flags.open == 0 ? connections : flags.open);
  Quota quota(nodes.reactor(), flags, flags.count == 0 ? 1000 : flags.count);
  io::TaskGroup group(nodes.reactor(), (co_await io::current_context()).scope);
  const TimePoint start = nodes.reactor().now();
  for (std::size_t i = 0; i < sent.size(); ++i)
    group.spawn(sender(*nodes.all()[i % connections], peer, flags.keep, quota, sent[i]));
  co_await group.join();
  const Duration took = nodes.reactor().now() - start;
  std::vector<Duration> times;
  for (const Sent& each : sent) {
    if (each.failed) co_return std::unexpected(*each.failed);
    times.insert(times.end(), each.times.begin(), each.times.end());
  }
  boost::json::object result = summary(std::move(times), took);
  result["requestsPerSecond"] = result["pingsPerSecond"];
  emit("rr-summary", std::move(result));
  co_return Status{};
}

io::Task<Status> run_idle(Nodes& nodes, const Flags& flags) {
  for (const std::size_t count : flags.connections) {
    const Duration limit = Duration(std::int64_t((flags.limit > 0 ? flags.limit : flags.timeout) * 1e9));
    STARLING_CO_CHECK(co_await open_up_to(nodes, count, nodes.reactor().after(limit)));
    STARLING_CO_CHECK(co_await io::sleep_for(nodes.reactor(), kSettle));
    show("idle", nodes);
    io::TaskGroup busy(nodes.reactor(), (co_await io::current_context()).scope);
    for (const auto& node : nodes.all()) busy.spawn(trickle(*node, nodes.target().peer));
    const Status slept = co_await io::sleep_for(nodes.reactor(), kBusy);
    if (slept) show("busy", nodes);
    co_await busy.close();
    STARLING_CO_CHECK(slept);
  }
  co_return Status{};
}

}  // namespace starling::bench
