// A thousand nodes in one world: every one dials eight others over TCP, Noise and yamux, some crash and come back,
// everybody pings everybody it is connected with. Same seed, same run.
#include <gtest/gtest.h>

#include <cstdio>
#include <ctime>

#include "sim/cluster.hpp"

namespace starling::testing {
namespace {

using namespace std::chrono_literals;

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define STARLING_SMALL_SIMULATION
#endif
#endif
#ifdef STARLING_SMALL_SIMULATION
constexpr std::size_t kHosts = 100;  // a sanitizer makes it ten times slower
#else
constexpr std::size_t kHosts = 1000;
#endif
constexpr std::size_t kHostsPerCrash = 30;

struct Outcome {
  std::uint64_t hash = 0;
  ClusterCounts counts;
};

io::Task<void> chaos(Cluster& cluster) {
  Random& random = cluster.world().random();
  for (std::size_t i = 0; i < cluster.size() / kHostsPerCrash; ++i) {
    (void)co_await io::sleep_for(cluster.world().reactor(), between(random, 100ms, 600ms));
    const auto how = random.below(2) == 0 ? io::SimCrash::Answering : io::SimCrash::Silent;
    cluster.crash(random.below(cluster.size()), how, between(random, 1s, 8s));
  }
}

io::Task<void> scenario(Cluster& cluster) {
  cluster.start();
  co_await chaos(cluster);
  co_await cluster.settle();
  co_await cluster.stop();
}

void print(Cluster& cluster, double seconds) {
  const auto& reactor = cluster.world().reactor().counters();
  const double virtual_seconds = std::chrono::duration<double>(cluster.world().now().time_since_epoch()).count();
  const double events = double(reactor.runs + reactor.timers_fired);
  const ClusterCounts& c = cluster.counts();
  std::printf("%zu hosts: %.1f virtual s in %.1f s of one core (%.2f virtual s per s), %.0f events/s\n", cluster.size(),
              virtual_seconds, seconds, virtual_seconds / seconds, events / seconds);
  std::printf(
      "  %llu connections, %llu dials (%llu failed), %llu pings (%llu lost), %llu crashes, %llu identified, %llu "
      "segments\n",
      (unsigned long long)c.opened, (unsigned long long)c.dials, (unsigned long long)c.dials_failed,
      (unsigned long long)c.pings, (unsigned long long)c.pings_lost, (unsigned long long)c.crashes,
      (unsigned long long)c.identified, (unsigned long long)cluster.world().counters().segments);
}

Outcome run(std::uint64_t seed) {
  const std::clock_t start = std::clock();
  Cluster cluster({.seed = seed, .hosts = kHosts, .max_access_latency = 65ms});  // with the link: 20 to 150 ms
  cluster.world().set_default_link({.latency = 20ms, .jitter = 10ms});
  io::run_task(cluster.world().reactor(), scenario(cluster));
  cluster.world().reactor().run();
  print(cluster, double(std::clock() - start) / CLOCKS_PER_SEC);
  EXPECT_EQ(cluster.still_open(), 0u);
  for (const std::string& complaint : cluster.complaints()) ADD_FAILURE() << complaint;
  return {cluster.world().trace_hash(), cluster.counts()};
}

TEST(Simulation, thousand_hosts) {
  const Outcome first = run(1), second = run(1);
  EXPECT_EQ(first.hash, second.hash);
  EXPECT_GT(first.counts.opened, kHosts * 2 * 7);
  EXPECT_EQ(first.counts.opened, first.counts.closed);
  EXPECT_GT(first.counts.pings, kHosts * 2 * 7 * 2);
  EXPECT_GE(first.counts.crashes, kHosts / kHostsPerCrash / 2);
  EXPECT_GT(first.counts.identified, kHosts * 7);
}

}  // namespace
}  // namespace starling::testing
