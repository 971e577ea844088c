#include "starling/resource/manager.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "starling/base/random.hpp"

namespace starling::resource {
namespace {

constexpr TimePoint kNow{};
constexpr Direction kIn = Direction::Inbound, kOut = Direction::Outbound;

PeerId peer(std::uint8_t number) {
  ByteVector multihash(34, number);
  multihash[0] = 0x12;
  multihash[1] = 0x20;
  return *PeerId::from_bytes(multihash);
}

LimitTable unlimited() {
  LimitTable table;
  table.by_kind.fill(Amounts::all(kUnlimited));
  return table;
}

LimitTable with(std::vector<std::string> settings) {
  LimitTable table = unlimited();
  EXPECT_TRUE(apply_settings(settings, table).empty());
  return table;
}

const io::IpAddress kFriend = io::IpAddress::v4({10, 0, 0, 1}), kStranger = io::IpAddress::v4({10, 0, 1, 1});

AllowList friends(std::optional<PeerId> only = {}) { return AllowList({{network_of(kFriend, 24), only}}); }

TEST(ResourceManager, a_connection_moves_from_transient_to_its_peer_and_gives_everything_back) {
  Manager manager(unlimited());
  {
    auto connection = manager.open_connection(kIn, true, kStranger, kNow);
    ASSERT_TRUE(connection);
    EXPECT_EQ(manager.report()[1].used, Amounts::connection(kIn, true));
    ASSERT_TRUE(connection->set_peer(peer(1)));
    ASSERT_TRUE(connection->reserve_memory(1000, Priority::Always));
    const auto report = manager.report();
    ASSERT_EQ(report.size(), 5u);
    EXPECT_EQ(report[0].used[Resource::Memory], 1000u);
    EXPECT_TRUE(report[1].used.none()) << "transient";
    EXPECT_EQ(report[4].path, "system/peer:" + peer(1).to_string());
    EXPECT_EQ(report[4].used, report[0].used);
    ConnectionScope moved = std::move(*connection);
    EXPECT_FALSE(*connection);
    moved.release_memory(400);
    EXPECT_EQ(manager.used()[Resource::Memory], 600u);
  }
  EXPECT_TRUE(manager.used().none());
  EXPECT_EQ(manager.live_scopes(), 0u);
}

TEST(ResourceManager, a_stream_counts_in_every_scope_that_concerns_it) {
  Manager manager(unlimited());
  auto stream = manager.open_stream(peer(1), kIn);
  ASSERT_TRUE(stream && stream->set_protocol("/a") && stream->set_service("s"));
  std::vector<std::string> paths;
  for (const ScopeReport& scope : manager.report())
    if (!scope.used.none()) paths.push_back(scope.path);
  const std::string who = "system/peer:" + peer(1).to_string();
  EXPECT_EQ(paths, (std::vector<std::string>{"system", "system/service:s", who + "/service:s", "system/protocol:/a",
                                             who + "/protocol:/a", who}));
}

// What an operator reads when a limit is hit.
TEST(ResourceManager, refusals_name_scope_use_limit_and_key) {
  Manager manager(with(
      {"transient.inbound_connections=1", "peer.streams=1", "protocol:/a.inbound_streams=0", "connection.memory=100"}));
  auto first = manager.open_connection(kIn, true, kStranger, kNow);
  ASSERT_TRUE(first);
  EXPECT_EQ(manager.open_connection(kIn, true, kStranger, kNow).error().message(),
            "accept: system/transient: 1 of 1 inbound_connections in use, 1 more wanted; this node's limit "
            "\"transient.inbound_connections\" in resource.limits — a limit of this node was reached "
            "(LimitExceeded, limit); raise the limit named in the message, or reduce the load");
  EXPECT_EQ(first->reserve_memory(80, Priority::Medium).error().detail(),
            "system/transient/connection: 0 of 100 memory in use, 80 more wanted (59% is for this); this node's limit "
            "\"connection.memory\" in resource.limits");
  auto stream = manager.open_stream(peer(1), kIn);
  ASSERT_TRUE(stream);
  EXPECT_EQ(manager.open_stream(peer(1), kOut).error().detail(),
            "system/peer:" + peer(1).to_string() +
                ": 1 of 1 streams in use, 1 more wanted; this node's limit \"peer.streams\" in resource.limits");
  EXPECT_EQ(stream->set_protocol("/a").error().detail(),
            "system/protocol:/a: 0 of 0 inbound_streams in use, 1 more wanted; this node's limit "
            "\"protocol:/a.inbound_streams\" in resource.limits");
  EXPECT_EQ(manager.counters().refused_by_scope[std::size_t(ScopeKind::Peer)], 1u);
  EXPECT_EQ(manager.counters().refused_by_resource[std::size_t(Resource::InboundConnections)], 1u);
}

TEST(ResourceManager, less_important_memory_is_refused_earlier) {
  Manager manager(with({"system.memory=256"}));
  auto connection = manager.open_connection(kOut, false, std::nullopt, kNow);
  ASSERT_TRUE(connection);
  const std::pair<Priority, std::uint64_t> shares[] = {
      {Priority::Low, 102}, {Priority::Medium, 153}, {Priority::High, 204}, {Priority::Always, 256}};
  for (const auto& [priority, share] : shares) {
    EXPECT_TRUE(connection->reserve_memory(share, priority));
    EXPECT_FALSE(connection->reserve_memory(1, priority));
    connection->release_memory(share);
    EXPECT_FALSE(connection->reserve_memory(share + 1, priority));
  }
}

TEST(ResourceManager, allow_listed_addresses_come_in_when_the_system_is_full) {
  Manager manager(with({"system.connections=0"}), friends());
  EXPECT_FALSE(manager.open_connection(kIn, true, kStranger, kNow));
  EXPECT_FALSE(manager.open_connection(kIn, true, std::nullopt, kNow));
  auto connection = manager.open_connection(kIn, true, kFriend, kNow);
  ASSERT_TRUE(connection && connection->set_peer(peer(1)));
  EXPECT_EQ(manager.counters().allowed_beyond_limit, 1u);
  EXPECT_TRUE(manager.used().none());
  EXPECT_FALSE(manager.report()[2].used.none());
}

TEST(ResourceManager, a_rule_for_one_peer_is_checked_when_the_peer_is_known) {
  Manager manager(with({"system.connections=0"}), friends(peer(1)));
  auto right = manager.open_connection(kIn, true, kFriend, kNow),
       wrong = manager.open_connection(kIn, true, kFriend, kNow);
  ASSERT_TRUE(right && wrong);
  EXPECT_TRUE(right->set_peer(peer(1)));
  EXPECT_EQ(wrong->set_peer(peer(2)).error(), ErrorCode::LimitExceeded);
}

TEST(ResourceManager, inbound_connections_count_in_their_network_until_they_end) {
  const PrefixOptions two{
      .v4 = {{.bits = 32, .connections = 2, .per_second = 1, .burst = 9}}, .v6 = {}, .max_prefixes = 8};
  Manager manager(unlimited(), friends(), two);
  auto first = manager.open_connection(kIn, true, kStranger, kNow),
       second = manager.open_connection(kIn, true, kStranger, kNow);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(manager.open_connection(kIn, true, kStranger, kNow).error(), ErrorCode::LimitExceeded);
  EXPECT_TRUE(manager.open_connection(kOut, true, kStranger, kNow)) << "our own choice";
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(manager.open_connection(kIn, true, kFriend, kNow)) << "allow-listed";
  ConnectionScope moved = std::move(*first);
  *second = std::move(moved);
  EXPECT_TRUE(manager.open_connection(kIn, true, kStranger, kNow)) << "what was assigned over has ended";
  second->release();
  EXPECT_EQ(manager.prefixes().counted(), 0u);
}

TEST(ResourceManager, a_handle_may_outlive_its_manager) {
  Result<ConnectionScope> connection = ConnectionScope();
  Result<StreamScope> stream = StreamScope();
  {
    Manager manager(unlimited());
    connection = manager.open_connection(kIn, true, kStranger, kNow);
    stream = manager.open_stream(peer(1), kIn);
  }
  EXPECT_TRUE(stream->set_protocol("/a") && connection->reserve_memory(1, Priority::Always));
}

TEST(ResourceManager, a_peer_gets_its_first_streams_when_others_have_taken_all) {
  LimitTable table = with({"transient.streams=4", "system.streams=4", "protocol.streams=3"});
  table.reserved_streams_per_peer = 2;
  Manager manager(table);
  std::vector<StreamScope> flood;
  for (int i = 0; i < 4; ++i) {
    auto made = manager.open_stream(peer(1), kIn);
    ASSERT_TRUE(made && (i > 2 || made->set_protocol("/a")));
    flood.push_back(std::move(*made));
  }
  EXPECT_FALSE(manager.open_stream(peer(1), kIn));
  auto first = manager.open_stream(peer(2), kIn), second = manager.open_stream(peer(2), kIn);
  ASSERT_TRUE(first && second && first->set_protocol("/a"));
  EXPECT_EQ(manager.open_stream(peer(2), kIn).error(), ErrorCode::LimitExceeded);
}

TEST(ResourceManager, an_empty_handle_permits_everything) {
  ConnectionScope none;
  EXPECT_TRUE(none.set_peer(peer(1)) && none.reserve_memory(UINT64_MAX, Priority::Low));
  none.release_memory(UINT64_MAX);
}

// Random use: no scope passes its limit, scopes are bounded by holders, and nothing is left when all are gone.
TEST(ResourceManager, accounts_always_balance) {
  const auto random = seeded_random(3);
  Manager manager(with({"system.connections=40", "system.inbound_connections=30", "transient.connections=10",
                        "peer.connections=5", "system.streams=60", "transient.streams=15", "peer.streams=20",
                        "protocol.streams=25", "protocol_peer.inbound_streams=6", "system.memory=100000",
                        "peer.memory=40000", "connection.memory=20000", "system.descriptors=25"}),
                  friends());
  std::vector<ConnectionScope> connections;
  std::vector<StreamScope> streams;
  std::uint64_t refused = 0;
  for (int i = 0; i < 20000; ++i) {
    const Direction direction = random->below(2) == 0 ? kIn : kOut;
    switch (random->below(6)) {
      case 0:
      case 1: {
        auto made = manager.open_connection(direction, random->below(2) == 0,
                                            random->below(4) == 0 ? kFriend : kStranger, kNow);
        if (made && (random->below(4) == 0 || made->set_peer(peer(std::uint8_t(random->below(12)))))) {
          connections.push_back(std::move(*made));
        } else {
          ++refused;
        }
        break;
      }
      case 2:
      case 3: {
        auto made = manager.open_stream(peer(std::uint8_t(random->below(12))), direction);
        if (made && (random->below(4) == 0 || (made->set_protocol("/p" + std::to_string(random->below(5))) &&
                                               (random->below(2) == 0 || made->set_service("s"))))) {
          streams.push_back(std::move(*made));
        } else {
          ++refused;
        }
        break;
      }
      case 4:
        if (!connections.empty()) {
          ConnectionScope& some = connections[random->below(connections.size())];
          if (some.memory() > 0 && random->below(2) == 0)
            some.release_memory(random->below(some.memory() + 1));
          else
            (void)some.reserve_memory(random->below(9000), Priority(101 + 51 * random->below(3)));
        }
        break;
      default:
        if (random->below(2) == 0 && !connections.empty())
          connections.erase(connections.begin() + std::ptrdiff_t(random->below(connections.size())));
        else if (!streams.empty())
          streams.erase(streams.begin() + std::ptrdiff_t(random->below(streams.size())));
    }
    ASSERT_LE(manager.live_scopes(), connections.size() + 5 * streams.size());
    if (i % 100 != 0) continue;
    for (const ScopeReport& scope : manager.report())
      for (std::size_t r = 0; r < kResources; ++r) ASSERT_LE(scope.used[Resource(r)], scope.limits[Resource(r)]);
  }
  EXPECT_GT(refused, 1000u);
  connections.clear();
  streams.clear();
  EXPECT_EQ(manager.live_scopes(), 0u);
  for (const ScopeReport& scope : manager.report()) EXPECT_TRUE(scope.used.none()) << scope.path;
}

TEST(ResourceManager, the_report_shows_the_fullest_first) {
  Manager manager(with({"peer.connections=10"}));
  std::vector<ConnectionScope> held;
  for (std::uint8_t i = 0; i < 10; ++i) {
    auto made = manager.open_connection(kOut, true, std::nullopt, kNow);
    ASSERT_TRUE(made && made->set_peer(peer(i < 7 ? 1 : 2)));
    held.push_back(std::move(*made));
  }
  EXPECT_EQ(manager.report()[4].path, "system/peer:" + peer(1).to_string());
}

}  // namespace
}  // namespace starling::resource
