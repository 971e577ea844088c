#include "starling/resource/limits.hpp"

#include <gtest/gtest.h>

#include "starling/base/random.hpp"

namespace starling::resource {
namespace {

constexpr std::uint64_t kGiB = 1ull << 30;

bool within(const Amounts& part, const Amounts& whole) {
  for (std::size_t i = 0; i < kResources; ++i)
    if (part[Resource(i)] > whole[Resource(i)]) return false;
  return true;
}

std::uint64_t any_size(Random& random) { return random.below(UINT64_MAX) >> random.below(64); }

// Of any two budgets the larger one has no smaller limit, and no part passes its whole.
TEST(Limits, derived_limits_are_monotone_and_within_the_budget) {
  const auto random = seeded_random(7);
  for (int i = 0; i < 5000; ++i) {
    const Budget small{any_size(*random), any_size(*random)};
    const Budget large{small.memory + std::min(any_size(*random), UINT64_MAX - small.memory),
                       small.descriptors + std::min(any_size(*random), UINT64_MAX - small.descriptors)};
    const LimitTable a = derive(small), b = derive(large);
    for (std::size_t kind = 0; kind < kScopeKinds; ++kind)
      ASSERT_TRUE(within(a.by_kind[kind], b.by_kind[kind])) << to_string(ScopeKind(kind)) << ", " << small.memory;
    ASSERT_LE(a[ScopeKind::Peer][Resource::Streams], a[ScopeKind::System][Resource::Streams] / 8);
    for (const ScopeKind kind : {ScopeKind::Transient, ScopeKind::Protocol, ScopeKind::Service, ScopeKind::Peer})
      ASSERT_TRUE(within(a[kind], a[ScopeKind::System])) << to_string(kind) << ", " << small.memory;
    ASSERT_TRUE(within(a[ScopeKind::AllowedTransient], a[ScopeKind::AllowedSystem]));
    ASSERT_TRUE(within(a[ScopeKind::ProtocolPeer], a[ScopeKind::Peer]));
    for (const Resource each : {Resource::Memory, Resource::Descriptors}) {
      const std::uint64_t sum = a[ScopeKind::System][each] + a[ScopeKind::AllowedSystem][each];
      ASSERT_EQ(sum, each == Resource::Memory ? small.memory : small.descriptors);
      ASSERT_LE(a[ScopeKind::Connection][each], std::max<std::uint64_t>(1, a[ScopeKind::Peer][each]));
    }
  }
}

TEST(Limits, of_one_gibibyte) {
  const LimitTable table = derive({kGiB, 4096});
  const Amounts& system = table[ScopeKind::System];
  EXPECT_EQ(system[Resource::Memory], kGiB - kGiB / 8);
  EXPECT_EQ(system[Resource::Connections], 14336u);
  EXPECT_EQ(system[Resource::InboundConnections], 10752u);
  EXPECT_EQ(system[Resource::Streams], 57344u);
  EXPECT_EQ(system[Resource::Descriptors], 3584u);
  EXPECT_EQ(table[ScopeKind::Transient][Resource::Connections], 3584u);
  EXPECT_EQ(table[ScopeKind::Peer][Resource::InboundConnections], 8u);
  EXPECT_EQ(table[ScopeKind::Connection][Resource::Memory], 56u << 20);
}

TEST(Limits, settings_change_single_limits) {
  LimitTable table = derive({kGiB, 1024});
  EXPECT_TRUE(
      apply_settings(
          {"system.connections=7", "peer.memory=3MiB", "protocol:/a/1.0.0.streams=5", "stream.memory=unlimited"}, table)
          .empty());
  EXPECT_EQ(table[ScopeKind::System][Resource::Connections], 7u);
  EXPECT_EQ(table[ScopeKind::Peer][Resource::Memory], 3u << 20);
  EXPECT_EQ(table.of(ScopeKind::Protocol, "/a/1.0.0")[Resource::Streams], 5u);
  EXPECT_EQ(table.of(ScopeKind::Protocol, "/a/1.0.0")[Resource::Memory], table[ScopeKind::Protocol][Resource::Memory]);
  EXPECT_NE(table.of(ScopeKind::Protocol, "/b")[Resource::Streams], 5u);
  EXPECT_EQ(table[ScopeKind::Stream][Resource::Memory], kUnlimited);
}

TEST(Limits, every_mistake_in_settings_is_told) {
  LimitTable table = derive({kGiB, 1024});
  const auto mistakes =
      apply_settings({"sistem.streams=1", "system.steams=1", "system.streams=x", "system.streams", "system:a.streams=1",
                      "peer.streams=1KiB", "peer.streams=", "peer.streams=99999999999999999999",
                      "peer.memory=17179869184GiB", "service:.streams=1", "peer.streams=1"},
                     table);
  ASSERT_EQ(mistakes.size(), 10u);
  EXPECT_EQ(mistakes[0].detail(),
            "resource.limits: \"sistem.streams=1\": the scope is not one of system, transient, allowed_system, "
            "allowed_transient, service, service_peer, protocol, protocol_peer, peer, connection, stream");
  EXPECT_EQ(mistakes[4].detail(), "resource.limits: \"system:a.streams=1\": there is only one scope system");
  EXPECT_EQ(table[ScopeKind::Peer][Resource::Streams], 1u) << "what is right is applied";
}

}  // namespace
}  // namespace starling::resource
