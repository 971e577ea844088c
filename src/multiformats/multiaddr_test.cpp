// Multiaddr in binary: validation, components, composition. Its text is tested in multiaddr_text_test.cpp.
#include "starling/multiformats/multiaddr.hpp"

#include <gtest/gtest.h>

#include <unordered_set>

#include "starling/base/random.hpp"
#include "starling/multiformats/multibase.hpp"

namespace starling {
namespace {

constexpr Protocol kAllProtocols[] = {
    Protocol::Ip4,
    Protocol::Tcp,
    Protocol::Dccp,
    Protocol::Ip6,
    Protocol::Ip6Zone,
    Protocol::IpCidr,
    Protocol::Dns,
    Protocol::Dns4,
    Protocol::Dns6,
    Protocol::DnsAddr,
    Protocol::Sctp,
    Protocol::Udp,
    Protocol::WebRtc,
    Protocol::WebRtcDirect,
    Protocol::P2pWebRtcStar,
    Protocol::P2pWebRtcDirect,
    Protocol::Udt,
    Protocol::P2pStardust,
    Protocol::P2pWebSocketStar,
    Protocol::P2pCircuit,
    Protocol::Utp,
    Protocol::Unix,
    Protocol::P2p,
    Protocol::Https,
    Protocol::Onion,
    Protocol::Onion3,
    Protocol::Garlic64,
    Protocol::Garlic32,
    Protocol::Tls,
    Protocol::Sni,
    Protocol::Noise,
    Protocol::Quic,
    Protocol::QuicV1,
    Protocol::WebTransport,
    Protocol::CertHash,
    Protocol::Ws,
    Protocol::Wss,
    Protocol::Http,
    Protocol::HttpPath,
    Protocol::Memory,
};

Multiaddr address(std::string_view text) { return Multiaddr::from_string(text).value(); }
ErrorCode bytes_error(Bytes bytes) {
  const auto decoded = Multiaddr::from_bytes(bytes);
  return decoded ? ErrorCode::Internal : decoded.error().code();
}
ErrorCode hex_error(std::string_view hex) { return bytes_error(from_hex(hex).value()); }

TEST(Multiaddr, every_protocol_has_a_name_that_leads_back) {
  for (const Protocol protocol : kAllProtocols) {
    EXPECT_FALSE(to_string(protocol).empty());
    EXPECT_EQ(protocol_from_name(to_string(protocol)), protocol);
  }
  EXPECT_EQ(protocol_from_name("ipfs"), Protocol::P2p);
  EXPECT_EQ(protocol_from_name("nonsense"), std::nullopt);
  EXPECT_EQ(to_string(Protocol(3)), "");
}

TEST(Multiaddr, empty_bytes_are_refused_and_the_default_is_empty) {
  EXPECT_EQ(bytes_error({}), ErrorCode::Truncated);
  EXPECT_TRUE(Multiaddr().empty());
  EXPECT_EQ(Multiaddr().to_string(), "");
  EXPECT_TRUE(Multiaddr().components().empty());
}

TEST(Multiaddr, every_shortened_form_of_one_component_is_truncated) {
  for (const char* text : {"/ip4/1.2.3.4", "/ip6/::1", "/dns4/example.com", "/memory/7", "/onion/aaimaq4ygg2iegci:80",
                           "/p2p/QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC"}) {
    const Multiaddr whole = address(text);
    for (std::size_t size = 0; size < whole.bytes().size(); ++size)
      EXPECT_EQ(bytes_error(whole.bytes().first(size)), ErrorCode::Truncated) << text << ' ' << size;
  }
}

TEST(Multiaddr, unknown_codes_are_refused) {
  EXPECT_EQ(hex_error("01020304"), ErrorCode::UnknownCode);
  EXPECT_EQ(hex_error("00"), ErrorCode::UnknownCode);
  EXPECT_EQ(hex_error("047f000001ffffffffffffffff7f"), ErrorCode::UnknownCode);
}

TEST(Multiaddr, long_forms_of_numbers_are_refused) {
  EXPECT_EQ(hex_error("840001020304"), ErrorCode::NotCanonical);
  EXPECT_EQ(hex_error("35810061"), ErrorCode::NotCanonical);
}

TEST(Multiaddr, lengths_beyond_the_input_are_truncated) {
  EXPECT_EQ(hex_error("35ffffffffffffffff7f61"), ErrorCode::Truncated);
  EXPECT_EQ(hex_error("35ffffffffffffffffff01"), ErrorCode::TooLarge);
}

// Bytes that other implementations' fuzzers found to be accepted without having a text.
TEST(Multiaddr, bytes_found_by_the_fuzzers_of_others_are_refused) {
  using std::string_view_literals::operator""sv;
  for (const std::string_view bytes : {"\xa5\x03&\x12$000000000000000000000000000000000000"sv,
                                       "\x90\x03\x06"
                                       "000000"sv,
                                       "\x90\x03\x03/00!00"sv,
                                       "\xbd\x03"
                                       "00000000000000000000000000000000000\x00\x00"sv,
                                       "\x90\x03\x06"
                                       "000000\x90\x03\x06"
                                       "000000"sv,
                                       "7*000000000000000000000000000000000000000000/"sv, "\xd2\x03\x00"sv, "7\x00"sv,
                                       "\xbc\x03"
                                       "0000000000\x00\x00"sv,
                                       "\x84\xe0\xff\x00"sv, "\x90\x03\x06/0000/"sv,
                                       "\xa5\x03\x03"
                                       "0\x01"
                                       "0"sv})
    EXPECT_FALSE(Multiaddr::from_bytes(as_bytes(bytes))) << to_hex(as_bytes(bytes));
}

TEST(Multiaddr, values_are_checked_in_binary_too) {
  for (const char* hex : {"350161"
                          "3500",
                          "2a012f", "350100", "3501ff", "350120", "2b81", "9003012f", "900302612f", "9003022f00",
                          "e10300", "d2030112", "a503020000",
                          "a50304"
                          "1102abcd",
                          "bc03"
                          "00000000000000000000"
                          "0000"})
    EXPECT_EQ(hex_error(hex), ErrorCode::Malformed) << hex;
}

TEST(Multiaddr, peer_ids_are_sha2_256_or_short_identity) {
  const auto peer = [](std::uint8_t function, std::size_t size) {
    ByteVector value = {function, std::uint8_t(size)};
    value.resize(2 + size);
    return !Multiaddr().with(Protocol::P2p, value).empty();
  };
  for (std::size_t size = 0; size < 64; ++size) {
    EXPECT_EQ(peer(0x12, size), size == 32);
    EXPECT_EQ(peer(0x00, size), size >= 1 && size <= 42);
    EXPECT_FALSE(peer(0x13, size));
  }
}

TEST(Multiaddr, nothing_follows_a_path) {
  EXPECT_EQ(hex_error("9003022f61"
                      "c003"),
            ErrorCode::Malformed);
}

TEST(Multiaddr, errors_name_the_byte) {
  const auto decoded = Multiaddr::from_bytes(from_hex("0401020304"
                                                      "2b81")
                                                 .value());
  EXPECT_EQ(decoded.error().detail(), "multiaddr, byte 5: a prefix length is at most 128");
  EXPECT_EQ(decoded.error().origin(), Origin::Remote);
}

TEST(Multiaddr, size_is_bounded) {
  ByteVector bytes;
  while (bytes.size() < Multiaddr::kMaxSize) append(bytes, from_hex("c003").value());
  EXPECT_TRUE(Multiaddr::from_bytes(bytes));
  append(bytes, from_hex("c003").value());
  EXPECT_EQ(bytes_error(bytes), ErrorCode::TooLarge);
}

TEST(Multiaddr, components_come_in_order_with_their_values) {
  const Multiaddr whole = address("/ip4/1.2.3.4/utp/ip6/::1/udp/2/udt/dns/a.example");
  const auto parts = whole.components();
  ASSERT_EQ(parts.size(), 6u);
  const Protocol order[] = {Protocol::Ip4, Protocol::Utp, Protocol::Ip6, Protocol::Udp, Protocol::Udt, Protocol::Dns};
  const std::string_view texts[] = {"1.2.3.4", "", "::1", "2", "", "a.example"};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    EXPECT_EQ(parts[i].protocol, order[i]);
    EXPECT_EQ(parts[i].value_text(), texts[i]);
  }
  EXPECT_EQ(to_hex(parts[3].value), "0002");
  EXPECT_EQ(as_text(parts[5].value), "a.example");
}

TEST(Multiaddr, values_are_those_of_the_first_such_component) {
  const Multiaddr relayed = address("/ip4/1.2.3.4/tcp/1/p2p-circuit/ip4/5.6.7.8/tcp/2");
  EXPECT_EQ(relayed.value_text(Protocol::Ip4), "1.2.3.4");
  EXPECT_EQ(relayed.port(Protocol::Tcp), 1);
  EXPECT_EQ(to_hex(relayed.value(Protocol::Ip4).value()), "01020304");
  EXPECT_EQ(relayed.value_text(Protocol::P2pCircuit), "");
  EXPECT_TRUE(relayed.has(Protocol::P2pCircuit));
  EXPECT_FALSE(relayed.has(Protocol::Udp));
  EXPECT_EQ(relayed.value(Protocol::Udp), std::nullopt);
  EXPECT_EQ(relayed.value_text(Protocol::Udp), std::nullopt);
  EXPECT_EQ(relayed.port(Protocol::Udp), std::nullopt);
  EXPECT_EQ(relayed.port(Protocol::Ip4), std::nullopt);
}

TEST(Multiaddr, with_joins_addresses) {
  EXPECT_EQ(address("/ip4/1.2.3.4").with(address("/tcp/80/ws")).to_string(), "/ip4/1.2.3.4/tcp/80/ws");
  EXPECT_EQ(Multiaddr().with(address("/tls")), address("/tls"));
  EXPECT_EQ(address("/tls").with(Multiaddr()), address("/tls"));
}

TEST(Multiaddr, with_adds_a_component) {
  const std::uint8_t port[] = {0x1F, 0x90};
  EXPECT_EQ(address("/ip4/1.2.3.4").with(Protocol::Tcp, port).to_string(), "/ip4/1.2.3.4/tcp/8080");
  EXPECT_EQ(address("/tcp/1").with(Protocol::Tls).with(Protocol::Ws).to_string(), "/tcp/1/tls/ws");
  EXPECT_EQ(Multiaddr().with(Protocol::Dns, as_bytes("a.example")).to_string(), "/dns/a.example");
}

TEST(Multiaddr, with_yields_the_empty_address_rather_than_an_invalid_one) {
  const ByteVector three(3);
  EXPECT_TRUE(address("/tls").with(Protocol::Tcp, three).empty());
  EXPECT_TRUE(address("/tls").with(Protocol::Tls, three).empty());
  EXPECT_TRUE(address("/tls").with(Protocol::Dns).empty());
  EXPECT_TRUE(address("/tls").with(Protocol(3)).empty());
  EXPECT_TRUE(address("/unix/a").with(Protocol::Tls).empty());
  EXPECT_TRUE(address("/unix/a").with(address("/tls")).empty());
  EXPECT_EQ(address("/unix/a").with(Multiaddr()), address("/unix/a"));
}

TEST(Multiaddr, with_keeps_the_size_bound) {
  const Multiaddr half = Multiaddr().with(Protocol::HttpPath, ByteVector(Multiaddr::kMaxSize / 2 - 4, 'a'));
  ASSERT_EQ(half.bytes().size(), Multiaddr::kMaxSize / 2);
  const Multiaddr full = half.with(half);
  EXPECT_EQ(full.bytes().size(), Multiaddr::kMaxSize);
  EXPECT_TRUE(Multiaddr::from_bytes(full.bytes()));
  EXPECT_TRUE(full.with(Protocol::Tls).empty());
  EXPECT_TRUE(Multiaddr().with(Protocol::HttpPath, ByteVector(Multiaddr::kMaxSize + 1)).empty());
}

TEST(Multiaddr, without_last_removes_only_that_protocol) {
  const Multiaddr whole = address("/ip4/1.2.3.4/tcp/80/ws");
  EXPECT_EQ(whole.without_last(Protocol::Ws), address("/ip4/1.2.3.4/tcp/80"));
  EXPECT_EQ(whole.without_last(Protocol::Tcp), whole);
  EXPECT_TRUE(address("/ws").without_last(Protocol::Ws).empty());
  EXPECT_TRUE(Multiaddr().without_last(Protocol::Ws).empty());
}

TEST(Multiaddr, split_at_cuts_before_the_first_such_component) {
  const Multiaddr relayed = address("/ip4/1.2.3.4/tcp/1/p2p-circuit/tls/p2p-circuit");
  const auto [relay, target] = relayed.split_at(Protocol::P2pCircuit);
  EXPECT_EQ(relay, address("/ip4/1.2.3.4/tcp/1"));
  EXPECT_EQ(target, address("/p2p-circuit/tls/p2p-circuit"));
  EXPECT_EQ(relay.with(target), relayed);
  EXPECT_EQ(relayed.split_at(Protocol::Udp).first, relayed);
  EXPECT_TRUE(relayed.split_at(Protocol::Udp).second.empty());
  EXPECT_TRUE(relayed.split_at(Protocol::Ip4).first.empty());
}

TEST(Multiaddr, orders_and_hashes_by_its_bytes) {
  const std::unordered_set<Multiaddr> set = {address("/tcp/1"), address("/tcp/2"), address("/tcp/1/"),
                                             address("/udp/1")};
  EXPECT_EQ(set.size(), 3u);
  EXPECT_LT(address("/tcp/1"), address("/tcp/2"));
  EXPECT_LT(address("/tcp/1"), address("/tcp/1/tls"));
}

// Values at random, most of them refused; what is accepted is written and read back in both forms.
TEST(Multiaddr, random_components_round_trip) {
  const auto random = seeded_random(8);
  constexpr std::size_t kSizes[] = {0, 1, 2, 4, 8, 12, 16, 32, 34, 37, 38, 40, 386, 400};
  for (int i = 0; i < 200; ++i) {
    Multiaddr built;
    for (const Protocol protocol : kAllProtocols) {
      if (protocol == Protocol::Unix) continue;
      for (const std::size_t size : kSizes) {
        ByteVector value(size);
        random->fill(value);
        if (protocol == Protocol::P2p && size >= 2) value[0] = 0, value[1] = std::uint8_t(size - 2);
        if (i % 2 == 0)
          for (auto& byte : value) byte = std::uint8_t('a' + byte % 26);
        const Multiaddr longer = built.with(protocol, value);
        if (longer.bytes().size() > 2048) break;
        if (!longer.empty()) built = longer;
      }
    }
    ASSERT_EQ(Multiaddr::from_bytes(built.bytes()).value(), built);
    ASSERT_EQ(address(built.to_string()), built);
  }
}

// Any change of a valid address is either refused or again an address with a stable text.
TEST(Multiaddr, damaged_bytes_are_refused_or_stable) {
  const auto random = seeded_random(9);
  const Multiaddr whole = address(
      "/ip6zone/eth0/ip6/fe80::1/udp/4001/quic-v1/webtransport/certhash/uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g"
      "/p2p/12D3KooWCryG7Mon9orvQxcS1rYZjotPgpwoJNHHKcLLfE4Hf5mV/http-path/a%2Fb");
  for (int i = 0; i < 50'000; ++i) {
    ByteVector bytes = to_vector(whole.bytes());
    for (auto changes = 1 + random->below(3); changes > 0; --changes)
      bytes[random->below(bytes.size())] = std::uint8_t(random->next_u64());
    const auto decoded = Multiaddr::from_bytes(bytes);
    if (decoded) {
      ASSERT_EQ(address(decoded->to_string()), *decoded);
    }
  }
}

}  // namespace
}  // namespace starling
