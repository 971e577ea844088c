// Ten thousand half-open connections on the real loopback network: memory and time on a core stay bounded and an honest
// peer is served.
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>

#include "hostile/processor_budget.hpp"
#include "starling/io/real.hpp"
#include "support/raw_peer.hpp"

namespace starling::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kWanted = 10'000, kAtOnce = 100;
constexpr std::size_t kBudget = 32u << 20;  // both sides of every connection live in this process
// On a core, the kernel's work for both sides included. Measured on a busy machine: 0.08 ms a connection.
constexpr double kFixedSeconds = 0.5, kSecondsPerConnection = 200e-6;

/// Raises the limit on descriptors; how many half-open connections it allows.
std::size_t connections_allowed() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return std::min<std::size_t>(kWanted, std::size_t(limit.rlim_cur) / 2 - 256);  // both sides, and some more
}

struct Field {
  std::unique_ptr<io::RealReactor> reactor = io::RealReactor::create();
  std::unique_ptr<io::Network> network = reactor->make_network();
  io::World world{*reactor, *network, system_random()};
  std::unique_ptr<runtime::Node> victim = make(), honest = make();
  std::size_t connections = connections_allowed(), opened = 0;
  std::uint64_t pings = 0;

  std::unique_ptr<runtime::Node> make() {
    return std::move(*runtime::Node::create(world, test_key(system_random()), deterministic_options(), 1));
  }
};

/// One attacker: a connection that gets no further than the third of its kinds.
io::Task<void> half_open(Field& field, io::Endpoint to, std::size_t number,
                         std::vector<std::unique_ptr<RawPeer>>& held) {
  auto peer = std::make_unique<RawPeer>(field.world);
  if (!co_await peer->connect(to)) co_return;
  const std::string header = multistream(transport::kMultistreamId);
  if (number % 3 == 1) (void)co_await peer->send(header.substr(0, header.size() / 2));
  if (number % 3 == 2) (void)co_await peer->send(header + multistream("/noise") + std::string("\0\x20half", 6));
  ++field.opened;
  held.push_back(std::move(peer));
}

io::Task<void> ping_once(Field& field) {
  auto pinger = co_await ping::Pinger::open(field.honest->host(), field.victim->id(), {5s});
  EXPECT_TRUE(pinger);
  if (!pinger) co_return;
  EXPECT_TRUE(co_await pinger->ping());
  EXPECT_TRUE(co_await pinger->close());
  ++field.pings;
}

io::Task<void> attack(Field& field) {
  const Multiaddr address = *field.victim->host().listen(*Multiaddr::from_string("/ip4/127.0.0.1/tcp/0"));
  const io::Endpoint to = *transport::tcp_endpoint(address);
  EXPECT_TRUE(co_await field.honest->host().connect(field.victim->id(), {address}));
  const std::size_t before = mallinfo2().uordblks;
  const ProcessorTime processor;
  std::vector<std::unique_ptr<RawPeer>> held;
  io::TaskGroup tasks(*field.reactor);
  for (std::size_t i = 0; i < field.connections; i += kAtOnce) {
    for (std::size_t k = i; k < std::min(i + kAtOnce, field.connections); ++k)
      tasks.spawn(half_open(field, to, k, held));
    co_await tasks.join();
    co_await ping_once(field);
  }
  const std::size_t after = mallinfo2().uordblks;
  const std::size_t grown = after - std::min(after, before);
  const double seconds = processor.seconds();
  const double allowed = ProcessorTime::kSlowdown * (kFixedSeconds + kSecondsPerConnection * double(field.opened));
  std::printf("  %zu half-open connections, memory +%zu KiB, %llu honest pings, %.2f of %.2f s of one core\n",
              field.opened, grown >> 10, (unsigned long long)field.pings, seconds, allowed);
  EXPECT_LE(grown, kBudget);
  EXPECT_LE(seconds, allowed);
  EXPECT_EQ(field.opened, field.connections);
  EXPECT_GE(field.victim->inbound().evicted_pending,
            field.connections - field.victim->options().transport.max_pending_inbound - kAtOnce);
  // A newcomer gets in although every place is taken.
  const auto newcomer = field.make();
  EXPECT_TRUE(co_await newcomer->host().connect(field.victim->id(), {address}));
  co_await newcomer->close();
  for (auto& peer : held) peer->close();
  co_await field.honest->close();
  co_await field.victim->close();
}

TEST(Hostile, ten_thousand_half_open_connections) {
  Field field;
  io::run_task(*field.reactor, attack(field));
}

}  // namespace
}  // namespace starling::testing
