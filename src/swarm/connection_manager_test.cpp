#include "starling/swarm/connection_manager.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "starling/base/random.hpp"

namespace starling::swarm {
namespace {

using namespace std::chrono_literals;

constexpr Direction kIn = Direction::Inbound, kOut = Direction::Outbound;

PeerId peer(std::uint8_t number) {
  ByteVector multihash(34, number);
  multihash[0] = 0x12;
  multihash[1] = 0x20;
  return *PeerId::from_bytes(multihash);
}

ConnectionManagerOptions options() {
  return {.low_water = 4,
          .high_water = 6,
          .max_connections = 8,
          .max_inbound = 100,
          .grace_period = 60s,
          .silence_period = 10s,
          .idle_timeout = 300s,
          .max_known_peers = 16,
          .max_tags_per_peer = 4};
}

class ConnectionManagerTest : public ::testing::Test {
 protected:
  TimePoint at(Duration time) const { return TimePoint() + time; }
  /// A connection to each of peers 1 to `count`, with the peer's number as id.
  void open(std::uint8_t count, TimePoint now = {}) {
    for (std::uint8_t i = 1; i <= count; ++i) manager_.opened(i, peer(i), kIn, now);
  }
  std::vector<ConnectionId> due(Duration time) {
    std::vector<ConnectionId> ids;
    for (const ToClose& each : manager_.due(at(time))) ids.push_back(each.connection);
    for (const ConnectionId id : ids) manager_.closed(id);
    return ids;
  }
  using Ids = std::vector<ConnectionId>;
  ConnectionManager manager_{options()};
};

TEST_F(ConnectionManagerTest, up_to_low_water_nothing_is_closed_and_no_timer_runs) {
  open(4);
  EXPECT_EQ(manager_.next_deadline(), kNever);
  EXPECT_TRUE(due(24h).empty());
}

TEST_F(ConnectionManagerTest, above_low_water_idle_ones_go_down_to_it) {
  open(6);
  const Activity serving(manager_, 1, kIn), asking(manager_, 2, kOut);
  ASSERT_TRUE(manager_.tag(peer(3), "useful", 1));
  EXPECT_TRUE(due(299s).empty());
  EXPECT_EQ(due(310s), (Ids{4, 5})) << "6 is as idle, but then there are four";
  EXPECT_EQ(manager_.counters().closed_idle, 2u);
}

TEST_F(ConnectionManagerTest, above_high_water_the_least_useful_go_and_only_as_many_as_needed) {
  open(8);
  for (std::uint8_t i = 1; i <= 8; ++i) ASSERT_TRUE(manager_.tag(peer(i), "rank", 10 - i));
  EXPECT_TRUE(due(59s).empty()) << "grace";
  EXPECT_EQ(manager_.next_deadline(), at(69s)) << "silence";
  EXPECT_TRUE(due(68s).empty());
  EXPECT_EQ(due(69s), (Ids{8, 7}));
  EXPECT_EQ(manager_.open(), 6u);
  EXPECT_EQ(manager_.counters().closed_high_water, 2u);
}

TEST_F(ConnectionManagerTest, at_the_hard_cap_a_better_newcomer_takes_one_place) {
  open(8);
  EXPECT_EQ(manager_.admit(peer(9), kIn, at(1s)).error().message(),
            "accept: 8 of 8 connections in use, none of them less useful; this node's limit "
            "swarm.max_connections — a limit of this node was reached (LimitExceeded, limit); raise the limit "
            "named in the message, or reduce the load");
  ASSERT_TRUE(manager_.tag(peer(9), "known", 1));
  const auto valued = manager_.admit(peer(9), kIn, at(1s));
  ASSERT_TRUE(valued && *valued);
  EXPECT_EQ((*valued)->reason, Eviction::HardCap);
  manager_.opened(9, peer(9), kIn, at(1s));
  EXPECT_EQ(manager_.open(), 8u);
  EXPECT_TRUE(*manager_.admit(peer(10), kOut, at(2s))) << "we want it, and strangers only want us";
  manager_.opened(10, peer(10), kOut, at(2s));
  const Activity serving(manager_, 3, kIn);
  const auto settled = manager_.admit(peer(11), kIn, at(100s));
  ASSERT_TRUE(settled && *settled) << "an idle one that had its time";
  EXPECT_NE((*settled)->connection, 3u);
}

TEST(ConnectionManager, inbound_ones_have_a_cap_of_their_own_and_give_way_to_each_other_only) {
  ConnectionManagerOptions few = options();
  few.max_inbound = 2;
  ConnectionManager manager(few);
  const TimePoint start{}, later = start + 100s;
  manager.opened(1, peer(1), kOut, start);
  manager.opened(2, peer(2), kIn, start);
  manager.opened(3, peer(3), kIn, start);
  EXPECT_EQ(manager.admit(peer(4), kIn, start).error().detail(),
            "2 of 2 inbound connections in use, none of them less useful; this node's limit "
            "swarm.max_inbound_connections");
  EXPECT_FALSE(*manager.admit(peer(4), kOut, start)) << "there is room for one of ours";
  const auto price = manager.admit(peer(4), kIn, later);
  ASSERT_TRUE(price && *price);
  EXPECT_EQ((*price)->connection, 2u) << "1 is as idle, but ours";
}

TEST_F(ConnectionManagerTest, protected_and_leased_ones_stay_whatever_comes) {
  open(8);
  for (std::uint8_t i = 1; i <= 4; ++i) manager_.protect(peer(i), "mine");
  std::vector<Lease> leases;
  for (std::uint8_t i = 5; i <= 8; ++i) leases.emplace_back(manager_, peer(i), "request");
  ASSERT_TRUE(manager_.tag(peer(9), "known", 1000));
  EXPECT_FALSE(manager_.admit(peer(9), kOut, at(1000s)));
  EXPECT_TRUE(due(1000s).empty());
  leases.pop_back();
  EXPECT_TRUE(manager_.unprotect(peer(1), "other")) << "the other name still protects";
  EXPECT_FALSE(manager_.unprotect(peer(1), "mine"));
  EXPECT_EQ(due(1010s), (Ids{1, 8}));
}

TEST_F(ConnectionManagerTest, a_request_of_ours_is_a_lease_while_it_runs) {
  open(8);
  std::vector<Activity> requests;
  for (ConnectionId id = 1; id <= 7; ++id) requests.emplace_back(manager_, id, kOut);
  EXPECT_TRUE(manager_.leased(1) && !manager_.leased(8));
  EXPECT_EQ(due(400s), (Ids{8}));
  requests.erase(requests.begin());
  EXPECT_EQ(due(410s), (Ids{1}));
}

TEST_F(ConnectionManagerTest, decaying_tags_lose_value_with_time) {
  manager_.define("delivery", {.interval = 10s, .subtract = 2, .most = 15});
  manager_.define("halves", {.interval = 60s, .keep_percent = 50});
  EXPECT_EQ(manager_.bump(peer(1), "unknown", 1, at(0s)).error(), ErrorCode::NotFound);
  ASSERT_TRUE(manager_.bump(peer(1), "delivery", 100, at(0s)));
  EXPECT_EQ(manager_.value(peer(1), at(9s)), 15);
  EXPECT_EQ(manager_.value(peer(1), at(25s)), 11);
  ASSERT_TRUE(manager_.bump(peer(1), "delivery", 1, at(25s)));
  EXPECT_EQ(manager_.value(peer(1), at(25s)), 12);
  ASSERT_TRUE(manager_.bump(peer(1), "halves", -100, at(25s)));
  EXPECT_EQ(manager_.value(peer(1), at(145s)), -25);
  EXPECT_EQ(manager_.value(peer(1), at(240h)), 0);
}

TEST_F(ConnectionManagerTest, tags_are_bounded_per_peer_and_in_number_of_peers) {
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(manager_.tag(peer(1), "tag" + std::to_string(i), 1));
  EXPECT_EQ(manager_.tag(peer(1), "fifth", 1).error(), ErrorCode::LimitExceeded);
  EXPECT_TRUE(manager_.tag(peer(1), "tag0", 5)) << "a change is none more";
  EXPECT_EQ(manager_.value(peer(1), at(0s)), 8);
  for (std::uint8_t i = 2; i < 100; ++i) EXPECT_TRUE(manager_.tag(peer(i), "known", 1));
  EXPECT_EQ(manager_.remembered(), 16u);
  manager_.opened(1, peer(99), kIn, at(0s));
  manager_.closed(1);
  EXPECT_EQ(manager_.value(peer(99), at(0s)), 1) << "tags outlive the connection";
  EXPECT_TRUE(manager_.tag(peer(99), "known", 0));
  EXPECT_EQ(manager_.value(peer(99), at(0s)), 0);
}

TEST_F(ConnectionManagerTest, standing_says_what_keeps_a_peer) {
  open(1);
  ASSERT_TRUE(manager_.tag(peer(1), "kbucket", 5));
  manager_.protect(peer(1), "bootstrap");
  const Lease lease(manager_, peer(1), "retrieval");
  const PeerStanding standing = manager_.standing(peer(1), at(0s));
  EXPECT_EQ(standing.value, 5);
  EXPECT_EQ(standing.tags.at("kbucket"), 5);
  EXPECT_EQ(standing.protections, std::vector<std::string>{"bootstrap"});
  EXPECT_EQ(standing.leases.at("retrieval"), 1u);
}

TEST(ConnectionManager, leases_may_outlive_it) {
  Lease lease;
  Activity activity;
  {
    ConnectionManager manager(options());
    manager.opened(1, peer(1), kIn, {});
    lease = Lease(manager, peer(1), "x");
    activity = Activity(manager, 1, kOut);
  }
  lease.end();
  activity.end();
}

// Random use over hours: never above the cap, nothing leased or protected is ever chosen, every table comes back down.
TEST(ConnectionManager, holds_its_promises_whatever_happens) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto random = seeded_random(seed);
    ConnectionManager manager(options());
    manager.define("decays", {.interval = 30s, .subtract = 1});
    std::map<ConnectionId, PeerId> open;
    std::vector<Lease> leases;
    std::map<ConnectionId, std::vector<Activity>> requests;
    std::set<PeerId> kept;
    std::map<PeerId, std::size_t> leased;
    std::vector<PeerId> lease_peers;
    ConnectionId next = 1;
    TimePoint now{};
    const auto any_peer = [&] { return peer(std::uint8_t(random->below(30))); };
    const auto check = [&](const ToClose& each) {
      ASSERT_TRUE(open.contains(each.connection));
      const PeerId& who = open.at(each.connection);
      ASSERT_FALSE(kept.contains(who)) << "protected";
      ASSERT_EQ(leased[who], 0u) << "leased";
      ASSERT_TRUE(requests[each.connection].empty()) << "a request runs";
      open.erase(each.connection);
      manager.closed(each.connection);
    };
    for (int i = 0; i < 5000; ++i) {
      now += Duration(random->below(20)) * 1'000'000'000;
      const PeerId who = any_peer();
      switch (random->below(8)) {
        case 0:
        case 1: {
          const Direction direction = random->below(2) == 0 ? kIn : kOut;
          const auto admitted = manager.admit(who, direction, now);
          if (!admitted) break;
          if (*admitted) check(**admitted);
          manager.opened(next, who, direction, now);
          open.emplace(next++, who);
          break;
        }
        case 2:
          if (!open.empty()) {
            const ConnectionId id = std::next(open.begin(), std::ptrdiff_t(random->below(open.size())))->first;
            if (random->below(2) == 0) {
              requests[id].emplace_back(manager, id, kOut);
            } else {
              requests[id].clear();
            }
          }
          break;
        case 3:
          if (!open.empty() && random->below(3) == 0) {
            manager.closed(open.begin()->first);
            open.erase(open.begin());
          }
          break;
        case 4:
          if (random->below(3) == 0 && kept.size() < 3)
            manager.protect(who, "p"), kept.insert(who);
          else if (!kept.empty())
            (void)manager.unprotect(*kept.begin(), "p"), kept.erase(kept.begin());
          break;
        case 5:
          if (leases.size() < 3) {
            leases.emplace_back(manager, who, "l");
            lease_peers.push_back(who);
            ++leased[who];
          } else {
            leases.erase(leases.begin());
            --leased[lease_peers.front()];
            lease_peers.erase(lease_peers.begin());
          }
          break;
        case 6:
          (void)manager.bump(who, "decays", std::int64_t(random->below(20)) - 5, now);
          break;
        default:
          for (const ToClose& each : manager.due(now)) check(each);
      }
      ASSERT_LE(manager.open(), options().max_connections);
      ASSERT_EQ(manager.open(), open.size());
      ASSERT_LE(manager.remembered(), open.size() + kept.size() + leases.size() + options().max_known_peers);
    }
    EXPECT_GT(manager.counters().closed_hard_cap + manager.counters().closed_high_water, 0u);
    for (const auto& [id, who] : open) manager.closed(id);
    EXPECT_EQ(manager.open(), 0u);
  }
}

}  // namespace
}  // namespace starling::swarm
