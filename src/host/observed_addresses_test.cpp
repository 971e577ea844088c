#include "starling/host/observed_addresses.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "starling/base/random.hpp"

namespace starling::host {
namespace {

using namespace std::chrono_literals;
using Verdict = ObservationVerdict;

constexpr ObservedOptions kOptions{.activation_votes = 4,
                                   .max_external_per_listen = 3,
                                   .max_votes = 50,
                                   .max_votes_per_observer = 3,
                                   .observer_bits_v4 = 32,
                                   .observer_bits_v6 = 56,
                                   .keep = 30min};
constexpr TimePoint kStart{Duration(1s)};

Multiaddr address(std::string_view text) { return Multiaddr::from_string(text).value(); }
Multiaddr observer(std::uint32_t number) {
  return address("/ip4/8." + std::to_string(number >> 16 & 255) + "." + std::to_string(number >> 8 & 255) + "." +
                 std::to_string(number & 255) + "/tcp/4001");
}
Multiaddr external(std::uint32_t port) { return address("/ip4/9.9.9.9/tcp/" + std::to_string(port)); }

class ObservedAddressesTest : public ::testing::Test {
 protected:
  Verdict see(std::uint64_t connection, const Multiaddr& by, const Multiaddr& observed) {
    return observed_.observe({connection, local_, by, observed}, listening_, now_);
  }
  void see_by(std::uint64_t first, std::uint64_t count, const Multiaddr& observed) {
    for (std::uint64_t i = first; i < first + count; ++i)
      ASSERT_EQ(see(i, observer(std::uint32_t(i)), observed), Verdict::Counted);
  }
  std::vector<Multiaddr> active() {
    std::vector<Multiaddr> all;
    for (const ExternalAddress& each : observed_.external_of(local_))
      if (each.active) all.push_back(each.address);
    return all;
  }

  ObservedAddresses observed_{kOptions};
  Multiaddr local_ = address("/ip4/192.168.1.5/tcp/4001");
  std::vector<Multiaddr> listening_ = {address("/ip4/0.0.0.0/tcp/4001"), local_,
                                       address("/ip4/192.168.1.5/udp/4001/quic-v1")};
  TimePoint now_ = kStart;
};

TEST_F(ObservedAddressesTest, four_networks_make_an_address_believed) {
  see_by(1, 3, external(4001));
  EXPECT_THAT(active(), ::testing::IsEmpty());
  EXPECT_EQ(observed_.external_of(local_)[0].votes, 3u);
  see_by(4, 1, external(4001));
  EXPECT_THAT(active(), ::testing::ElementsAre(external(4001)));
}

TEST_F(ObservedAddressesTest, connections_of_one_network_are_one_vote) {
  for (std::uint64_t i = 0; i < 3; ++i) EXPECT_EQ(see(i, observer(1), external(4001)), Verdict::Counted);
  EXPECT_EQ(see(3, observer(1), external(4001)), Verdict::ObserverFull);
  EXPECT_EQ(observed_.external_of(local_)[0].votes, 1u);

  local_ = address("/ip6/fd00::5/tcp/4001");
  listening_ = {local_};
  const Multiaddr seen = address("/ip6/2a00:1::9/tcp/4001");
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(see(std::uint64_t(10 + i), address("/ip6/2a00:2:0:" + std::to_string(i) + "::1/tcp/1"), seen),
              Verdict::Counted);
  EXPECT_EQ(observed_.external_of(local_)[0].votes, 1u) << "one /56";
  EXPECT_EQ(see(20, address("/ip6/2a00:2:0:100::1/tcp/1"), seen), Verdict::Counted);
  EXPECT_EQ(observed_.external_of(local_)[0].votes, 2u);
}

TEST_F(ObservedAddressesTest, what_tells_nothing_is_not_counted) {
  const Multiaddr good = external(4001);
  EXPECT_EQ(see(1, address("/ip4/10.0.0.1/tcp/1"), good), Verdict::ObserverNotPublic);
  EXPECT_EQ(see(1, address("/ip4/127.0.0.1/tcp/1"), good), Verdict::ObserverNotPublic);
  EXPECT_EQ(see(1, observer(1).with(Protocol::P2pCircuit), good), Verdict::Relayed);
  EXPECT_EQ(see(1, observer(1), good.with(Protocol::P2pCircuit)), Verdict::Relayed);
  EXPECT_EQ(see(1, observer(1), address("/ip4/192.168.7.7/tcp/1")), Verdict::NotPublic);
  EXPECT_EQ(see(1, observer(1), address("/ip4/127.0.0.1/tcp/4001")), Verdict::NotPublic);
  EXPECT_EQ(see(1, observer(1), address("/ip4/9.9.9.9/tcp/0")), Verdict::NotPublic);
  EXPECT_EQ(see(1, observer(1), address("/dns4/example.org/tcp/1")), Verdict::NotPublic);
  EXPECT_EQ(see(1, observer(1), address("/ip4/9.9.9.9/udp/4001/quic-v1")), Verdict::OtherKind);
  EXPECT_EQ(see(1, observer(1), address("/ip6/2a00::1/tcp/4001")), Verdict::OtherKind);
  local_ = address("/ip4/192.168.1.5/tcp/50001");
  EXPECT_EQ(see(1, observer(1), good), Verdict::NotListening);
  EXPECT_EQ(observed_.votes(), 0u);
  EXPECT_EQ(observed_.count(Verdict::NotPublic), 4u);
}

TEST_F(ObservedAddressesTest, a_vote_changes_and_leaves_with_its_connection) {
  see_by(1, 1, external(1));
  EXPECT_EQ(see(1, observer(1), external(1)), Verdict::Repeated);
  EXPECT_EQ(see(1, observer(1), external(2)), Verdict::Counted);
  ASSERT_EQ(observed_.external_of(local_).size(), 1u);
  EXPECT_EQ(observed_.external_of(local_)[0].address, external(2));
  EXPECT_TRUE(observed_.disconnected(1, now_));
  EXPECT_FALSE(observed_.disconnected(1, now_));
  EXPECT_TRUE(observed_.external_of(local_).empty());
  EXPECT_EQ(observed_.votes(), 0u);
}

TEST_F(ObservedAddressesTest, a_believed_address_outlives_its_votes_for_a_while) {
  see_by(1, 4, external(4001));
  for (std::uint64_t i = 1; i <= 4; ++i) observed_.disconnected(i, now_);
  EXPECT_THAT(active(), ::testing::ElementsAre(external(4001)));
  EXPECT_EQ(observed_.next_expiry(), now_ + 30min);
  now_ += 30min;
  observed_.expire(now_);
  EXPECT_THAT(active(), ::testing::IsEmpty());
  EXPECT_EQ(observed_.next_expiry(), kNever);
}

TEST_F(ObservedAddressesTest, a_host_that_moved_drops_its_old_address_when_the_new_one_is_believed) {
  see_by(1, 4, external(1));
  for (std::uint64_t i = 1; i <= 4; ++i) observed_.disconnected(i, now_);
  see_by(11, 3, external(2));
  EXPECT_THAT(active(), ::testing::ElementsAre(external(1)));
  see_by(14, 1, external(2));
  EXPECT_THAT(active(), ::testing::ElementsAre(external(2)));
}

TEST_F(ObservedAddressesTest, at_most_three_external_addresses_those_with_most_votes) {
  for (std::uint32_t port = 1; port <= 5; ++port) see_by(100 * port, 3 + port, external(port));
  EXPECT_THAT(active(), ::testing::ElementsAre(external(5), external(4), external(3)));
  EXPECT_EQ(observed_.external_of(local_).size(), 5u) << "the others can be looked at";
}

TEST_F(ObservedAddressesTest, what_follows_the_port_comes_from_the_listen_address) {
  local_ = address("/ip4/192.168.1.5/udp/4001/quic-v1");
  see_by(1, 4, address("/ip4/9.9.9.9/udp/555/quic-v1"));
  EXPECT_EQ(observed_.external_of(address("/ip4/192.168.1.5/udp/4001/quic-v1/webtransport"))[0].address,
            address("/ip4/9.9.9.9/udp/555/quic-v1/webtransport"));
  EXPECT_TRUE(observed_.external_of(address("/ip4/192.168.1.5/tcp/4001")).empty());
}

TEST_F(ObservedAddressesTest, agreement_tells_the_kind_of_mapping) {
  EXPECT_EQ(observed_.mapping(Protocol::Tcp), NatMapping::Unknown);
  see_by(1, 5, external(1));
  EXPECT_EQ(observed_.mapping(Protocol::Tcp), NatMapping::EndpointIndependent);
  EXPECT_EQ(observed_.mapping(Protocol::Udp), NatMapping::Unknown);
  for (std::uint32_t port = 100; port < 110; ++port) see_by(port, 1, external(port));
  EXPECT_EQ(observed_.mapping(Protocol::Tcp), NatMapping::EndpointDependent);
  local_ = address("/ip4/9.9.9.9/tcp/4001");
  listening_ = {local_};
  see_by(200, 30, external(4001));
  EXPECT_EQ(observed_.mapping(Protocol::Tcp), NatMapping::None);
}

TEST_F(ObservedAddressesTest, votes_are_bounded_in_all_and_per_network) {
  see_by(1, 50, external(4001));
  EXPECT_EQ(see(99, observer(99), external(4001)), Verdict::Full);
  observed_.disconnected(1, now_);
  EXPECT_EQ(see(99, observer(99), external(4001)), Verdict::Counted);
  EXPECT_EQ(observed_.votes(), 50u);
}

// Four networks in concert make us believe one address after the other: what they leave behind is bounded.
TEST_F(ObservedAddressesTest, abandoned_addresses_are_bounded) {
  for (std::uint32_t port = 1; port <= 100; ++port) {
    see_by(1, 4, external(port));
    for (std::uint64_t i = 1; i <= 4; ++i) observed_.disconnected(i, now_);
    now_ += 1s;
  }
  EXPECT_EQ(observed_.external_of(local_).size(), 3u);
  now_ += 30min;
  observed_.expire(now_);
  EXPECT_TRUE(observed_.external_of(local_).empty());
}

TEST_F(ObservedAddressesTest, whatever_happens_votes_and_expiry_agree_with_the_connections) {
  const auto random = seeded_random(7);
  for (int step = 0; step < 20'000; ++step) {
    const std::uint64_t connection = random->below(80);
    if (random->below(3) == 0)
      observed_.disconnected(connection, now_);
    else
      (void)see(connection, observer(std::uint32_t(random->below(20))), external(1 + std::uint32_t(random->below(6))));
    now_ += Duration(random->below(std::uint64_t(Duration(10s).count())));
    if (random->below(50) == 0) observed_.expire(now_);
    ASSERT_LE(observed_.votes(), kOptions.max_votes);
    std::size_t voteless = 0;
    for (const ExternalAddress& each : observed_.external_of(local_)) voteless += each.votes == 0;
    ASSERT_LE(voteless, kOptions.max_external_per_listen);
    ASSERT_EQ(voteless > 0, observed_.next_expiry() != kNever);
  }
  for (std::uint64_t connection = 0; connection < 80; ++connection) observed_.disconnected(connection, now_);
  observed_.expire(now_ + 30min);
  EXPECT_EQ(observed_.votes(), 0u);
  EXPECT_TRUE(observed_.external_of(local_).empty());
}

}  // namespace
}  // namespace starling::host
