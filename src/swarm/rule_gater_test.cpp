#include "starling/swarm/rule_gater.hpp"

#include <gtest/gtest.h>

namespace starling::swarm {
namespace {

const std::string kPeer = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA";
const std::string kOther = "12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo";

PeerId peer(const std::string& text) { return *PeerId::from_string(text); }
Multiaddr at(std::string_view text) { return *Multiaddr::from_string(text); }
io::IpAddress ip(std::string_view text) { return *io::IpAddress::from_string(text); }

RuleGater with(std::string_view rules) {
  RuleGater gater;
  gater.set(*parse_rules(rules));
  return gater;
}

TEST(GateRules, read_as_they_are_written) {
  const std::string text = "deny ip 192.0.2.0/24\nallow peer " + kPeer +
                           "\ndeny address /ip4/192.0.2.7/tcp/4001\nallow ip 2001:db8::/32\ndeny ip 192.0.2.9/32\n";
  const auto rules = parse_rules("# who may come\n\n  " + text + "# deny ip 0.0.0.0/0");
  ASSERT_TRUE(rules);
  EXPECT_EQ(to_text(*rules), text);
  EXPECT_EQ(GateRule::from_string("deny ip 192.0.2.77/24")->to_string(), "deny ip 192.0.2.0/24");
}

TEST(GateRules, mistakes_name_line_and_reason) {
  EXPECT_EQ(parse_rules("\nforbid ip 1.2.3.4").error().detail(),
            "line 2: \"forbid ip 1.2.3.4\": a rule begins with allow or deny");
  for (const char* text :
       {"", "allow", "deny ip", "deny ip 1.2.3.4/33", "deny ip 1.2.3/8", "deny ip ::/129", "deny peer x",
        "deny address nowhere", "deny port 1", "deny ip 1.2.3.4/", "deny ip 1.2.3.4/8x"})
    EXPECT_EQ(GateRule::from_string(text).error(), ErrorCode::InvalidArgument) << text;
}

TEST(Gater, denied_peers_networks_and_addresses_do_not_pass) {
  RuleGater gater = with("deny peer " + kPeer + "\ndeny ip 192.0.2.0/24\ndeny address /ip4/10.0.0.1/tcp/4001");
  EXPECT_EQ(gater.may_dial(peer(kPeer), at("/ip4/1.2.3.4/tcp/1")).error().detail(),
            kPeer + " at /ip4/1.2.3.4/tcp/1: rule \"deny peer " + kPeer + "\"");
  EXPECT_FALSE(gater.may_dial(peer(kOther), at("/ip4/192.0.2.1/udp/1/quic-v1")));
  EXPECT_FALSE(gater.may_dial(peer(kOther), at("/ip4/10.0.0.1/tcp/4001/ws"))) << "and what is behind it";
  EXPECT_TRUE(gater.may_dial(peer(kOther), at("/ip4/10.0.0.1/tcp/4002")));
  EXPECT_FALSE(gater.may_arrive(ip("192.0.2.9")));
  EXPECT_TRUE(gater.may_arrive(ip("192.0.3.9")));
  EXPECT_FALSE(gater.may_connect(peer(kPeer), at("/ip4/1.2.3.4/tcp/1")));
  EXPECT_TRUE(gater.may_connect(peer(kOther), at("/memory/1")));
  EXPECT_EQ(gater.counters().refused_dials, 3u);
  EXPECT_EQ(gater.counters().refused_arrivals, 1u);
  EXPECT_EQ(gater.counters().refused_connections, 1u);
}

TEST(Gater, an_allow_rule_beats_every_deny_rule) {
  RuleGater gater = with("deny ip 0.0.0.0/0\nallow peer " + kPeer + "\nallow ip 10.0.0.0/8");
  EXPECT_TRUE(gater.may_arrive(ip("1.2.3.4"))) << "it may be the allowed peer";
  EXPECT_TRUE(gater.may_connect(peer(kPeer), at("/ip4/1.2.3.4/tcp/1")));
  EXPECT_FALSE(gater.may_connect(peer(kOther), at("/ip4/1.2.3.4/tcp/1")));
  EXPECT_TRUE(gater.may_connect(peer(kOther), at("/ip4/10.2.3.4/tcp/1")));
  gater.set(*parse_rules("deny ip 0.0.0.0/0\nallow ip 10.0.0.0/8"));
  EXPECT_FALSE(gater.may_arrive(ip("1.2.3.4"))) << "nobody from there may pass, whoever it is";
  EXPECT_TRUE(gater.may_arrive(ip("10.0.0.1")));
}

TEST(Gater, without_rules_everybody_passes) {
  RuleGater gater;
  EXPECT_TRUE(gater.may_arrive(ip("1.2.3.4")) && gater.may_dial(peer(kPeer), at("/dns4/a.example/tcp/1")));
}

}  // namespace
}  // namespace starling::swarm
