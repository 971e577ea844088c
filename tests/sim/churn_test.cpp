// Hours of coming and going under tight limits. Every node dials, mostly acquaintances, now and then a stranger, keeps
// some leased, ends after some hours, in order or not, and comes back; now and then a part of the world is cut off. At
// no moment has a node more connections than its cap, nobody cuts a connection that is leased, what was cut off is
// reached again, and what nodes keep is as little in the last hours as in the first.
//
// A small world in every build; the whole of it by the environment:
//   STARLING_CHURN_NODES=2000 STARLING_CHURN_HOURS=24 STARLING_CHURN_SEEDS=200 starling_sim_test
//   --gtest_filter='Churn.*'
// STARLING_CHURN_FIRST_SEED begins elsewhere, so that several processes share the seeds.
// STARLING_CHURN_PAUSE=40 is the longest time in minutes between two dials of a node (20).
// STARLING_CHURN_SECURITY=plaintext saves the half of the time that goes into the cryptography of handshakes.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>

#include "sim/cluster.hpp"

namespace starling::testing {
namespace {

using namespace std::chrono_literals;

std::size_t from_environment(const char* name, std::size_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::size_t(std::atoll(text)) : otherwise;
}

runtime::Options churn_options() {
  runtime::Options options = deterministic_options();
  options.swarm.max_connections = options.swarm.max_inbound_connections = 10;
  options.connections.low_water = 4;
  options.connections.high_water = 8;
  options.connections.grace_period = 20s;
  options.connections.silence_period = 1min;
  options.connections.idle_timeout = 30min;
  options.connections.max_known_peers = 16;
  options.address_book.recently_connected_ttl = 3h;  // acquaintances stay in the book until they meet again
  options.announce.interface_check_interval = 5min;
  options.muxer.keep_alive_interval = 5min;
  if (const char* security = std::getenv("STARLING_CHURN_SECURITY")) {
    options.transport.securities = {security};
    options.transport.allow_plaintext = true;
  }
  return options;
}

/// What a node keeps in memory for others, in things.
struct Gauges {
  std::size_t connections = 0, scopes = 0, remembered = 0, networks = 0, streams = 0;
  /// Without what fills up to a bound and stays there: tags of peers that were met.
  std::size_t sum() const { return connections + scopes + networks + streams; }
};

class Churn {
 public:
  Churn(std::uint64_t seed, std::size_t nodes, Duration length)
      : length_(length), world_(seed), tasks_(world_.reactor()) {
    world_.set_default_link({.latency = 20ms, .jitter = 5ms});
    for (std::size_t i = 0; i < nodes; ++i)
      nodes_.push_back(std::make_unique<SimNode>(world_.add_host(), churn_options()));
    for (std::size_t i = 0; i < nodes * kAcquaintances; ++i)
      acquaintances_[nodes_[i % nodes].get()].push_back(&anybody());
  }

  io::Reactor& reactor() { return world_.reactor(); }
  io::Task<void> run() {
    for (auto& node : nodes_) tasks_.spawn(come_and_go(*node));
    tasks_.spawn(cut_some_off());
    for (std::size_t hour = 0; hour < kSamples; ++hour) {
      (void)co_await io::sleep_for(world_.reactor(), length_ / kSamples);
      samples_.push_back(look());
    }
    over_ = true;
    co_await tasks_.join();
    for (auto& node : nodes_)
      if (node->up()) co_await end(*node);
  }

  void judge() {
    world_.reactor().run();
    std::size_t descriptors = 0;
    for (auto& node : nodes_) descriptors += node->machine().open_descriptors();
    EXPECT_EQ(descriptors + world_.reactor().armed_timers(), 0u);
    EXPECT_EQ(above_cap_, 0u);
    EXPECT_EQ(leased_cut_, 0u);
    EXPECT_EQ(left_, 0u) << "something was still charged when a node ended";
    EXPECT_GT(evicted_, nodes_.size()) << "the limits were tight";
    EXPECT_GT(kept_long_, 0u);
    EXPECT_GT(reached_again_, 0u);
    EXPECT_EQ(not_reached_again_, 0u) << "after a cut";
    for (const Gauges& each : samples_)
      EXPECT_LE(each.remembered, each.connections + nodes_.size() * (churn_options().connections.max_known_peers + 1));
    // The first sample is still warming up. Connections come and go by chance, in a small world most; what leaks grows
    // with every dial.
    const auto over = [&](std::size_t from) {
      return samples_[from].sum() + samples_[from + 1].sum() + samples_[from + 2].sum();
    };
    EXPECT_LE(over(kSamples - 3), over(1) + over(1) / 4 + 4 * nodes_.size());
  }

  void print(double seconds) const {
    const Gauges& last = samples_.back();
    std::printf(
        "%zu nodes, %lld virtual s in %.1f s of one core: %llu dials, %llu opened, %llu evicted, %llu ends of nodes, "
        "%llu cuts; at the end %zu connections, %zu scopes, %zu remembered, %zu networks\n",
        nodes_.size(), (long long)(length_ / 1s), seconds, (unsigned long long)dials_, (unsigned long long)opened_,
        (unsigned long long)evicted_, (unsigned long long)ends_, (unsigned long long)cuts_, last.connections,
        last.scopes, last.remembered, last.networks);
  }

 private:
  static constexpr std::size_t kSamples = 8;
  static constexpr std::size_t kAcquaintances = 10;

  SimNode& anybody() { return *nodes_[world_.random().below(nodes_.size())]; }

  void start(SimNode& node) {
    node.start();
    subscriptions_.push_back(node.host().events().subscribe<host::PeerConnected>([this, &node](const auto&) {
      if (node.host().swarm().manager().open() > churn_options().swarm.max_connections) ++above_cap_;
    }));
    subscriptions_.push_back(
        node.host().events().subscribe<host::PeerDisconnected>([this, &node](const host::PeerDisconnected& event) {
          const bool ours = event.reason.by == transport::CloseReason::By::Local &&
                            event.reason.code == std::uint32_t(transport::CloseCode::GarbageCollected);
          const auto standing = node.host().swarm().manager().standing(event.peer, world_.now());
          if (ours && !standing.leases.empty()) ++leased_cut_;
        }));
  }

  io::Task<void> end(SimNode& node) {
    const auto& swarm = node.host().swarm();
    opened_ += swarm.counters().connections_opened;
    const auto& closed = node.host().swarm().manager().counters();
    evicted_ += closed.closed_hard_cap + closed.closed_high_water + closed.closed_idle;
    resource::Manager& resources = node.node().resources();
    co_await node.tasks().close();
    co_await node.host().close();
    if (!resources.used().none() || resources.live_scopes() > 0) ++left_;
    co_await node.stop();
  }

  // False when the world's time is over.
  io::Task<bool> pause(Duration time) {
    const TimePoint until = world_.now() + time;
    while (!over_ && world_.now() < until)
      if (!co_await io::sleep_for(world_.reactor(), std::min<Duration>(until - world_.now(), 10min))) co_return false;
    co_return !over_;
  }

  // Sessions of some hours, and breaks. Half of them end in order, the others by a crash.
  io::Task<void> come_and_go(SimNode& node) {
    Random& random = world_.random();
    if (!co_await pause(between(random, 0s, 5min))) co_return;
    while (true) {
      start(node);
      node.tasks().spawn(live(node));
      if (!co_await pause(between(random, 30min, 6h))) co_return;
      ++ends_;
      const std::size_t how = std::size_t(random.below(4));
      if (how < 2) node.machine().crash(how == 0 ? io::SimCrash::Answering : io::SimCrash::Silent);
      co_await end(node);
      if (!co_await pause(between(random, 1s, 20min))) co_return;
      if (how < 2) node.machine().restart();
    }
  }

  // Dials somebody; of every eight peers it keeps one leased for a while, and gives one a tag.
  io::Task<void> live(SimNode& self) {
    Random& random = self.machine().world().random;
    const std::vector<SimNode*>& known = acquaintances_.at(&self);
    while (co_await pause(between(random, 30s, longest_pause_))) {
      SimNode& other = random.below(8) == 0 ? anybody() : *known[random.below(known.size())];
      if (&other == &self) continue;
      ++dials_;
      swarm::ConnectionManager& manager = self.host().swarm().manager();
      if (random.below(8) == 0) (void)manager.tag(other.id(), "useful", std::int64_t(random.below(10)));
      if (!co_await self.host().connect(other.id(), {other.listen_address()})) continue;
      if (random.below(8) == 0) co_await keep(self, other.id(), between(random, 60s, 30min));
    }
  }

  io::Task<void> keep(SimNode& self, PeerId other, Duration time) {
    const swarm::Lease lease(self.host().swarm().manager(), other, "test");
    if (!co_await pause(time)) co_return;
    if (self.host().swarm().find(other) != nullptr) ++kept_long_;
  }

  using Side = std::vector<SimNode*>;
  static std::vector<io::SimHost*> machines(const Side& side) {
    std::vector<io::SimHost*> all;
    for (SimNode* node : side) all.push_back(&node->machine());
    return all;
  }

  // A tenth of the world, now and then.
  io::Task<void> cut_some_off() {
    while (co_await pause(between(world_.random(), 30min, 3h))) {
      Side some, others;
      for (auto& node : nodes_) (world_.random().below(10) == 0 ? some : others).push_back(node.get());
      const int cut = world_.partition(machines(some), machines(others));
      ++cuts_;
      (void)co_await pause(between(world_.random(), 1min, 20min));
      world_.heal(cut);
      co_await reach_again(some, others);
    }
  }

  io::Task<void> reach_again(const Side& some, const Side& others) {
    for (std::size_t i = 0; i < 4 && !some.empty() && !over_; ++i) {
      SimNode& from = *some[world_.random().below(some.size())];
      SimNode& to = *others[world_.random().below(others.size())];
      if (!from.up() || !to.up()) continue;
      const std::uint64_t lives = from.life() + to.life();
      const bool reached = co_await reach(from, to);
      if (from.up() && to.up() && from.life() + to.life() == lives) ++(reached ? reached_again_ : not_reached_again_);
    }
  }

  // Three times: the other may have to refuse, or to close what is worth least to it.
  io::Task<bool> reach(SimNode& from, SimNode& to) {
    const std::uint64_t life = from.life();
    for (int i = 0; i < 3 && from.up() && from.life() == life; ++i) {
      const auto reached = std::make_shared<bool>(false);  // the ping may end with its node, or later than this
      from.tasks().spawn(ping(from, to, reached));
      if (!co_await io::sleep_for(world_.reactor(), 20s)) co_return false;
      if (*reached) co_return true;
    }
    co_return false;
  }

  io::Task<void> ping(SimNode& from, SimNode& to, std::shared_ptr<bool> reached) {
    if (!co_await from.host().connect(to.id(), {to.listen_address()})) co_return;
    auto pinger = co_await ping::Pinger::open(from.host(), to.id(), from.node().ping_options());
    *reached = pinger && co_await pinger->ping();
  }

  Gauges look() {
    Gauges all;
    for (auto& each : nodes_) {
      if (!each->up()) continue;
      const resource::Manager& manager = each->node().resources();
      all.connections += each->host().swarm().connection_count();
      all.scopes += manager.live_scopes();
      all.networks += manager.prefixes().counted();
      all.streams += manager.used()[resource::Resource::Streams];
      all.remembered += each->host().swarm().manager().remembered();
    }
    return all;
  }

  Duration length_;
  Duration longest_pause_ = std::chrono::minutes(from_environment("STARLING_CHURN_PAUSE", 20));
  io::SimWorld world_;
  std::vector<std::unique_ptr<SimNode>> nodes_;
  std::map<const SimNode*, std::vector<SimNode*>> acquaintances_;
  std::vector<host::EventBus::Subscription> subscriptions_;
  std::vector<Gauges> samples_;
  io::TaskGroup tasks_;
  bool over_ = false;
  std::uint64_t dials_ = 0, opened_ = 0, evicted_ = 0, ends_ = 0, cuts_ = 0, above_cap_ = 0, leased_cut_ = 0, left_ = 0,
                kept_long_ = 0, reached_again_ = 0, not_reached_again_ = 0;
};

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define STARLING_SMALL_CHURN
#endif
#endif
#ifdef STARLING_SMALL_CHURN
constexpr std::size_t kNodes = 12;
#else
constexpr std::size_t kNodes = 40;
#endif

TEST(Churn, leaves_caps_leases_and_gauges_as_they_must_be) {
  const std::size_t nodes = from_environment("STARLING_CHURN_NODES", kNodes);
  const std::size_t hours = from_environment("STARLING_CHURN_HOURS", 12);
  const std::size_t seeds = from_environment("STARLING_CHURN_SEEDS", 1);
  const std::size_t first = from_environment("STARLING_CHURN_FIRST_SEED", 1);
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    const std::clock_t start = std::clock();
    Churn churn(seed, nodes, std::chrono::hours(hours));
    io::run_task(churn.reactor(), churn.run());
    churn.judge();
    churn.print(double(std::clock() - start) / CLOCKS_PER_SEC);
  }
}

}  // namespace
}  // namespace starling::testing
