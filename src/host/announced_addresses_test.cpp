#include "starling/host/announced_addresses.hpp"

#include <gtest/gtest.h>

namespace starling::host {
namespace {

using namespace std::chrono_literals;

constexpr ObservedOptions kObserved{.activation_votes = 2,
                                    .max_external_per_listen = 1,
                                    .max_votes = 50,
                                    .max_votes_per_observer = 3,
                                    .observer_bits_v4 = 32,
                                    .observer_bits_v6 = 56,
                                    .keep = 30min};

Multiaddr address(std::string_view text) { return Multiaddr::from_string(text).value(); }
io::Interface interface(const char* name, std::string_view ip) {
  return {name, io::IpAddress::from_string(ip).value(), 24};
}

class AnnouncedAddressesTest : public ::testing::Test {
 protected:
  AnnounceRules rules(const AnnounceTexts& texts, std::size_t max = 20, std::size_t bytes = 2000) {
    auto parsed = parse_announce_rules(texts, max, bytes);
    EXPECT_TRUE(parsed) << parsed.error().message();
    return parsed.value_or(AnnounceRules{});
  }
  // "address: reason" each, in order.
  std::string plan(const AnnounceRules& with) {
    std::string text;
    for (const AnnouncedAddress& each : plan_announcement(bound_, interfaces_, observed_, with))
      text += each.address.to_string() + ": " + std::string(to_string(each.reason)) + "\n";
    return text;
  }
  void see(std::uint64_t connection, const char* local, const char* observed) {
    const Multiaddr observer = address("/ip4/8.8.8." + std::to_string(connection) + "/tcp/1");
    ASSERT_EQ(
        observed_.observe({connection, address(local), observer, address(observed)}, {{address(local)}}, TimePoint{}),
        ObservationVerdict::Counted);
  }

  std::vector<Multiaddr> bound_ = {address("/ip4/0.0.0.0/tcp/4001")};
  std::vector<io::Interface> interfaces_ = {interface("lo", "127.0.0.1"), interface("eth0", "192.168.1.5"),
                                            interface("eth0", "fe80::1"), interface("eth0", "2a00::5")};
  ObservedAddresses observed_{kObserved};
};

TEST_F(AnnouncedAddressesTest, an_unspecified_address_becomes_one_for_each_interface) {
  bound_.push_back(address("/ip6/::/udp/4001/quic-v1"));
  bound_.push_back(address("/ip4/192.168.1.5/tcp/8080/ws"));
  EXPECT_EQ(plan(rules({})),
            "/ip4/127.0.0.1/tcp/4001: interface\n"
            "/ip4/192.168.1.5/tcp/4001: interface\n"
            "/ip6/fe80::1/udp/4001/quic-v1: link-local\n"
            "/ip6/2a00::5/udp/4001/quic-v1: interface\n"
            "/ip4/192.168.1.5/tcp/8080/ws: listening\n");
  EXPECT_EQ(plan_announcement(bound_, interfaces_, observed_, rules({}))[1].detail, "eth0");
}

TEST_F(AnnouncedAddressesTest, without_an_interface_an_unspecified_address_is_not_announced) {
  interfaces_.clear();
  EXPECT_EQ(plan(rules({})), "/ip4/0.0.0.0/tcp/4001: no interface\n");
}

TEST_F(AnnouncedAddressesTest, observed_addresses_come_with_their_votes) {
  see(1, "/ip4/192.168.1.5/tcp/4001", "/ip4/9.9.9.9/tcp/1");
  see(2, "/ip4/192.168.1.5/tcp/4001", "/ip4/9.9.9.9/tcp/1");
  see(3, "/ip4/192.168.1.5/tcp/4001", "/ip4/9.9.9.9/tcp/1");
  see(4, "/ip4/192.168.1.5/tcp/4001", "/ip4/9.9.9.9/tcp/2");
  see(5, "/ip4/192.168.1.5/tcp/4001", "/ip4/9.9.9.9/tcp/2");
  see(6, "/ip4/192.168.1.5/tcp/4001", "/ip4/9.9.9.9/tcp/3");
  EXPECT_EQ(plan(rules({})),
            "/ip4/127.0.0.1/tcp/4001: interface\n"
            "/ip4/192.168.1.5/tcp/4001: interface\n"
            "/ip4/9.9.9.9/tcp/1: observed\n"
            "/ip4/9.9.9.9/tcp/2: outvoted\n"
            "/ip4/9.9.9.9/tcp/3: too few votes\n");
  EXPECT_EQ(plan_announcement(bound_, interfaces_, observed_, rules({}))[4].detail, "1 of 2 networks see it");
}

TEST_F(AnnouncedAddressesTest, networks_and_addresses_can_be_forbidden) {
  const AnnounceRules forbid = rules({{}, {}, {"127.0.0.0/8", "/ip4/192.168.0.0/ipcidr/16"}});
  EXPECT_EQ(plan(forbid), "/ip4/127.0.0.1/tcp/4001: forbidden\n/ip4/192.168.1.5/tcp/4001: forbidden\n");
  EXPECT_EQ(plan(rules({{}, {}, {"/ip4/192.168.1.5/tcp/4001"}})),
            "/ip4/127.0.0.1/tcp/4001: interface\n/ip4/192.168.1.5/tcp/4001: forbidden\n");
}

TEST_F(AnnouncedAddressesTest, configured_addresses_replace_or_join_those_that_are_found) {
  EXPECT_EQ(plan(rules({{"/dns4/example.org/tcp/443/wss"}, {"/ip4/9.9.9.9/tcp/1"}, {"9.9.9.9"}})),
            "/ip4/127.0.0.1/tcp/4001: replaced\n"
            "/ip4/192.168.1.5/tcp/4001: replaced\n"
            "/dns4/example.org/tcp/443/wss: configured\n"
            "/ip4/9.9.9.9/tcp/1: configured\n")
      << "what the user names is announced, whatever no_announce says";
  EXPECT_EQ(plan(rules({{"/ip4/192.168.1.5/tcp/4001"}, {}, {}})),
            "/ip4/127.0.0.1/tcp/4001: replaced\n/ip4/192.168.1.5/tcp/4001: configured\n");
}

TEST_F(AnnouncedAddressesTest, when_there_are_too_many_the_farthest_reaching_stay) {
  interfaces_.push_back(interface("eth1", "5.6.7.8"));
  EXPECT_EQ(plan(rules({}, 2)),
            "/ip4/127.0.0.1/tcp/4001: over the limit\n"
            "/ip4/192.168.1.5/tcp/4001: interface\n"
            "/ip4/5.6.7.8/tcp/4001: interface\n");
  EXPECT_EQ(plan(rules({}, 20, 8)),
            "/ip4/127.0.0.1/tcp/4001: over the limit\n"
            "/ip4/192.168.1.5/tcp/4001: over the limit\n"
            "/ip4/5.6.7.8/tcp/4001: interface\n");
}

TEST(AnnounceRulesTest, mistakes_name_the_key_and_the_text) {
  const auto detail = [](const AnnounceTexts& texts) {
    const auto rules = parse_announce_rules(texts, 1, 1);
    return rules ? std::string() : rules.error().detail();
  };
  EXPECT_TRUE(detail({{"/ip4/1.2.3"}, {}, {}}).starts_with("announce.announce: '/ip4/1.2.3'"));
  EXPECT_TRUE(detail({{}, {"x"}, {}}).starts_with("announce.append: 'x'"));
  EXPECT_TRUE(detail({{}, {}, {"10.0.0.0/99"}}).starts_with("announce.no_announce: '10.0.0.0/99'"));
  EXPECT_EQ(detail({{}, {}, {"10.0.0.0/8", "/ip6/fd00::/ipcidr/8", "/ip4/1.2.3.4/tcp/1"}}), "");
}

}  // namespace
}  // namespace starling::host
