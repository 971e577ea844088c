#include "starling/multiformats/address_scope.hpp"

#include <gtest/gtest.h>

#include "starling/multiformats/ip_prefix.hpp"

namespace starling {
namespace {

AddressScope scope(const char* ip) { return scope_of(IpPrefix::from_string(ip)->bytes()); }
Multiaddr address(const char* text) { return *Multiaddr::from_string(text); }
TransportKind transport(const char* text) {
  const Multiaddr parsed = address(text);
  return traits_of(parsed).transport;
}

// Both ends of each block, and what lies just outside.
TEST(AddressScope, each_block_of_ip4_ends_where_it_should) {
  using enum AddressScope;
  const std::pair<const char*, AddressScope> table[] = {
      {"0.0.0.0", Unspecified},    {"0.0.0.1", Reserved},         {"1.0.0.0", Public},
      {"9.255.255.255", Public},   {"10.0.0.0", Private},         {"10.255.255.255", Private},
      {"11.0.0.0", Public},        {"100.63.255.255", Public},    {"100.64.0.0", Shared},
      {"100.127.255.255", Shared}, {"100.128.0.0", Public},       {"126.255.255.255", Public},
      {"127.0.0.0", Loopback},     {"127.255.255.255", Loopback}, {"128.0.0.0", Public},
      {"169.253.255.255", Public}, {"169.254.0.0", LinkLocal},    {"169.254.255.255", LinkLocal},
      {"169.255.0.0", Public},     {"172.15.255.255", Public},    {"172.16.0.0", Private},
      {"172.31.255.255", Private}, {"172.32.0.0", Public},        {"192.0.0.1", Reserved},
      {"192.0.1.0", Public},       {"192.0.2.255", Reserved},     {"192.167.255.255", Public},
      {"192.168.0.0", Private},    {"192.168.255.255", Private},  {"192.169.0.0", Public},
      {"198.17.255.255", Public},  {"198.18.0.0", Reserved},      {"198.19.255.255", Reserved},
      {"198.20.0.0", Public},      {"198.51.100.1", Reserved},    {"203.0.113.1", Reserved},
      {"223.255.255.255", Public}, {"224.0.0.1", Reserved},       {"239.255.255.255", Reserved},
      {"240.0.0.0", Reserved},     {"255.255.255.255", Reserved}};
  for (const auto& [ip, expected] : table) EXPECT_EQ(scope(ip), expected) << ip;
}

TEST(AddressScope, each_block_of_ip6_ends_where_it_should) {
  using enum AddressScope;
  const std::pair<const char*, AddressScope> table[] = {
      {"::", Unspecified},       {"::1", Loopback},         {"::2", Reserved},           {"100::1", Reserved},
      {"1fff:ffff::", Reserved}, {"2000::", Public},        {"2001:db7:ffff::", Public}, {"2001:db8::1", Reserved},
      {"2001:db9::", Public},    {"3ffe::1", Public},       {"3fff:fff::1", Reserved},   {"3fff:1000::1", Public},
      {"4000::", Reserved},      {"fbff:ffff::", Reserved}, {"fc00::", Private},         {"fdff:ffff::1", Private},
      {"fe00::", Reserved},      {"fe7f::1", Reserved},     {"fe80::1", LinkLocal},      {"febf:ffff::", LinkLocal},
      {"fec0::1", Private},      {"feff::1", Private},      {"ff02::1", Reserved}};
  for (const auto& [ip, expected] : table) EXPECT_EQ(scope(ip), expected) << ip;
}

// Otherwise ::ffff:10.0.0.1 would be the way around every filter.
TEST(AddressScope, an_ip4_address_inside_an_ip6_address_counts) {
  using enum AddressScope;
  const std::pair<const char*, AddressScope> table[] = {
      {"::ffff:10.0.0.1", Private},      {"::ffff:127.0.0.1", Loopback}, {"::ffff:8.8.8.8", Public},
      {"64:ff9b::192.168.1.1", Private}, {"64:ff9b::808:808", Public},   {"64:ff9b:1::8.8.8.8", Private},
      {"2002:0a00:0001::1", Private},    {"2002:808:808::1", Public}};
  for (const auto& [ip, expected] : table) EXPECT_EQ(scope(ip), expected) << ip;
}

TEST(AddressScope, only_four_or_sixteen_bytes_are_an_address) {
  const std::array<std::uint8_t, 17> bytes{10};
  for (std::size_t size = 0; size <= bytes.size(); ++size)
    EXPECT_EQ(scope_of(Bytes(bytes).first(size)) == AddressScope::None, size != 4 && size != 16) << size;
}

TEST(AddressTraits, the_last_layer_names_the_transport) {
  EXPECT_EQ(transport("/ip4/1.2.3.4/tcp/5"), TransportKind::Tcp);
  EXPECT_EQ(transport("/ip4/1.2.3.4/tcp/5/ws"), TransportKind::Ws);
  EXPECT_EQ(transport("/ip4/1.2.3.4/tcp/5/wss"), TransportKind::Wss);
  EXPECT_EQ(transport("/dns4/a.example/tcp/5/tls/ws"), TransportKind::Wss);
  EXPECT_EQ(transport("/ip4/1.2.3.4/tcp/5/tls/sni/a.example/ws"), TransportKind::Wss);
  EXPECT_EQ(transport("/ip4/1.2.3.4/udp/5/quic-v1"), TransportKind::Quic);
  EXPECT_EQ(transport("/ip4/1.2.3.4/udp/5/quic-v1/webtransport"), TransportKind::WebTransport);
  EXPECT_EQ(transport("/ip4/1.2.3.4/udp/5/webrtc-direct"), TransportKind::WebRtc);
  EXPECT_EQ(transport("/memory/7"), TransportKind::Memory);
  EXPECT_EQ(transport("/unix/tmp/socket"), TransportKind::Unix);
  for (const char* other : {"/ip4/1.2.3.4/udp/5", "/ip4/1.2.3.4/udp/5/quic", "/ip4/1.2.3.4"})
    EXPECT_EQ(transport(other), TransportKind::Other) << other;
}

TEST(AddressTraits, tells_ip_port_names_and_zones) {
  const Multiaddr v6 = address("/ip6zone/eth0/ip6/fe80::1/tcp/4001");
  const AddressTraits zoned = traits_of(v6);
  EXPECT_TRUE(zoned.ip6 && zoned.zoned && !zoned.ip4 && !zoned.named && !zoned.udp() && zoned.needs_descriptor());
  EXPECT_EQ(zoned.scope, AddressScope::LinkLocal);
  EXPECT_EQ(zoned.port, 4001);
  EXPECT_EQ(zoned.ip.size(), 16u);
  const Multiaddr name = address("/dns4/a.example/udp/443/quic-v1");
  const AddressTraits named = traits_of(name);
  EXPECT_TRUE(named.named && !named.ip4 && !named.ip6 && named.udp() && !named.needs_descriptor());
  EXPECT_EQ(named.scope, AddressScope::None);
  EXPECT_EQ(named.port, 443);
}

TEST(AddressTraits, of_a_relayed_address_tells_the_way_to_the_relay) {
  const Multiaddr relayed = address(
      "/ip4/10.0.0.1/udp/4001/quic-v1/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA/p2p-circuit/ip4/8.8.8.8/"
      "tcp/1");
  const AddressTraits traits = traits_of(relayed);
  EXPECT_TRUE(traits.relayed);
  EXPECT_EQ(traits.scope, AddressScope::Private);
  EXPECT_EQ(traits.transport, TransportKind::Quic);
  EXPECT_EQ(traits.port, 4001);
  EXPECT_FALSE(traits_of(Multiaddr()).relayed);
}

TEST(AddressTraits, local_means_near_its_host) {
  using enum AddressScope;
  for (const AddressScope near : {Loopback, LinkLocal, Private, Shared}) EXPECT_TRUE(is_local(near)) << to_string(near);
  for (const AddressScope far : {None, Unspecified, Reserved, Public}) EXPECT_FALSE(is_local(far)) << to_string(far);
  EXPECT_EQ(to_string(LinkLocal), "link-local");
  EXPECT_EQ(to_string(TransportKind::Unix), "unix");
}

}  // namespace
}  // namespace starling
