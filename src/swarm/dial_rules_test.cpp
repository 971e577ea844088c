#include "swarm/dial_rules.hpp"

#include <gtest/gtest.h>

#include "starling/io/sim_network.hpp"
#include "support/swarm_options.hpp"
#include "support/transport_ends.hpp"

namespace starling::swarm {
namespace {

using namespace starling::testing;

Multiaddr address(const std::string& text) { return *Multiaddr::from_string(text); }

/// A server at 11.0.0.1 and fd00:1::1, which listens on TCP 4001 everywhere and on QUIC 4002 at one address.
class DialRulesTest : public ::testing::Test {
 protected:
  void SetUp() override { networks_.refresh(world_.now()); }
  std::optional<Skip> judge(const std::string& text, AddressSource source = AddressSource::Dht,
                            DialOrigin origin = DialOrigin::Background) {
    const DialRules rules{networks_, backoff_, nullptr, listening_,
                          [](const Multiaddr& each) { return !each.has(Protocol::WebTransport); }};
    return swarm::judge(rules, peer_, address(text), source, origin, world_.now());
  }
  SkipReason reason(const std::string& text, AddressSource source = AddressSource::Dht) {
    const auto skip = judge(text, source);
    return skip ? skip->reason : SkipReason::None;
  }

  io::SimWorld world_;
  io::SimHost& host_ = world_.add_host(
      {.addresses = {*io::IpAddress::from_string("11.0.0.1"), *io::IpAddress::from_string("fd00:1::1")}});
  LocalNetworks networks_{host_.world().network, 60s, {}};
  BackoffTable backoff_{swarm_options().backoff};
  std::vector<Multiaddr> listening_ = {address("/ip4/0.0.0.0/tcp/4001"), address("/ip4/11.0.0.1/udp/4002/quic-v1")};
  const PeerId peer_ = peer_of(test_key(1));
};

TEST_F(DialRulesTest, each_special_network_is_out_of_scope_unless_it_is_ours) {
  for (const char* far : {"10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "169.254.0.1", "192.0.2.1",
                          "198.18.0.1", "224.0.0.1", "255.255.255.255"})
    EXPECT_EQ(reason("/ip4/" + std::string(far) + "/tcp/1"), SkipReason::OutOfScope) << far;
  for (const char* far : {"fd00:2::1", "fec0::1", "ff02::1", "2001:db8::1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1"})
    EXPECT_EQ(reason("/ip6/" + std::string(far) + "/tcp/1"), SkipReason::OutOfScope) << far;
  EXPECT_EQ(reason("/ip6/fd00:1::2/tcp/1"), SkipReason::None);
  EXPECT_EQ(reason("/ip4/127.0.0.1/tcp/1"), SkipReason::None);
  EXPECT_EQ(reason("/ip4/8.8.8.8/tcp/1"), SkipReason::None);
  EXPECT_EQ(reason("/ip6/2600::1/tcp/1"), SkipReason::None);
}

TEST_F(DialRulesTest, only_the_user_and_the_local_network_vouch_for_a_private_address) {
  using enum AddressSource;
  for (const AddressSource source : {Unknown, Identify, Record, Connection, Dht, Resolved})
    EXPECT_EQ(reason("/ip4/10.0.0.1/tcp/1", source), SkipReason::OutOfScope) << to_string(source);
  EXPECT_EQ(reason("/ip4/10.0.0.1/tcp/1", User), SkipReason::None);
  EXPECT_EQ(reason("/ip4/10.0.0.1/tcp/1", Mdns), SkipReason::None);
}

TEST_F(DialRulesTest, nobody_dials_unspecified_addresses_or_link_local_ones_without_an_interface) {
  for (const char* never : {"/ip4/0.0.0.0/tcp/1", "/ip6/::/tcp/1", "/ip6/fe80::1/tcp/1"})
    EXPECT_EQ(reason(never, AddressSource::User), SkipReason::OutOfScope) << never;
}

TEST_F(DialRulesTest, an_address_that_this_node_listens_at_is_its_own) {
  for (const char* own : {"/ip4/11.0.0.1/tcp/4001", "/ip4/127.0.0.1/tcp/4001", "/ip4/11.0.0.1/udp/4002/quic-v1"})
    EXPECT_EQ(reason(own, AddressSource::User), SkipReason::OwnAddress) << own;
  for (const char* other : {"/ip4/11.0.0.1/tcp/4002", "/ip4/11.0.0.1/udp/4001/quic-v1", "/ip4/11.0.0.2/tcp/4001",
                            "/ip4/127.0.0.1/udp/4002/quic-v1", "/ip6/fd00:1::1/tcp/4001"})
    EXPECT_EQ(reason(other, AddressSource::User), SkipReason::None) << other;
}

TEST_F(DialRulesTest, without_a_transport_the_address_is_named) {
  const auto skip = judge("/ip4/8.8.8.8/udp/1/quic-v1/webtransport");
  ASSERT_TRUE(skip);
  EXPECT_EQ(skip->reason, SkipReason::NoTransport);
  EXPECT_NE(skip->error.message().find("webtransport"), std::string::npos);
}

TEST_F(DialRulesTest, back_off_holds_the_node_but_no_user) {
  const char* text = "/ip4/8.8.8.8/tcp/1";
  backoff_.failed(peer_, address(text), Error(ErrorCode::Timeout, Op::Connect, Origin::Timeout, "slow"), world_.now());
  const auto skip = judge(text);
  ASSERT_TRUE(skip);
  EXPECT_EQ(skip->reason, SkipReason::BackedOff);
  EXPECT_EQ(skip->retry_after, 5s);
  EXPECT_NE(skip->error.message().find("slow"), std::string::npos) << skip->error.message();
  EXPECT_FALSE(judge(text, AddressSource::Dht, DialOrigin::User));
}

TEST(DialRules, raw_transports_stand_in_for_what_runs_on_the_same_port) {
  const std::vector<Multiaddr> addresses = {
      address("/ip4/8.8.8.8/tcp/443"),           address("/ip4/8.8.8.8/tcp/443/ws"),
      address("/ip4/8.8.8.8/tcp/444/wss"),       address("/ip4/8.8.4.4/tcp/443/ws"),
      address("/ip4/8.8.8.8/udp/1/quic-v1"),     address("/ip4/8.8.8.8/udp/1/quic-v1/webtransport"),
      address("/dns4/a.example/tcp/443/tls/ws"), address("/ip4/8.8.8.8/udp/2/quic-v1/webtransport")};
  std::vector<AddressTraits> traits;
  for (const Multiaddr& each : addresses) traits.push_back(traits_of(each));
  EXPECT_EQ(have_better(traits), (std::vector<bool>{false, true, false, false, false, true, false, false}));
}

TEST(DialRules, only_failures_that_are_not_ours_count_against_an_address) {
  const auto counts = [](ErrorCode code, Origin origin) {
    return counts_for_backoff(Error(code, Op::Connect, origin, ""));
  };
  EXPECT_TRUE(counts(ErrorCode::ConnectionRefused, Origin::Remote));
  EXPECT_TRUE(counts(ErrorCode::Timeout, Origin::Timeout));
  EXPECT_TRUE(counts(ErrorCode::Unreachable, Origin::Local));
  EXPECT_FALSE(counts(ErrorCode::OutOfDescriptors, Origin::Limit));
  EXPECT_FALSE(counts(ErrorCode::Cancelled, Origin::Cancelled));
  EXPECT_FALSE(counts(ErrorCode::Closed, Origin::Local));
}

}  // namespace
}  // namespace starling::swarm
