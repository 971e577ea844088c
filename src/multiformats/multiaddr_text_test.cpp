// Text of multiaddrs against the published data, and value by value at the edges.
#include <gtest/gtest.h>

#include "multiformats/multiaddr_vectors.hpp"
#include "starling/base/random.hpp"
#include "starling/multiformats/multiaddr.hpp"

namespace starling {
namespace {

Multiaddr address(std::string_view text) { return Multiaddr::from_string(text).value(); }
std::string canonical(std::string_view text) {
  const auto parsed = Multiaddr::from_string(text);
  return parsed ? parsed->to_string() : parsed.error().message();
}
bool accepted(std::string_view text) { return Multiaddr::from_string(text).has_value(); }
ErrorCode text_error(std::string_view text) {
  const auto parsed = Multiaddr::from_string(text);
  return parsed ? ErrorCode::Internal : parsed.error().code();
}

TEST(MultiaddrText, published_texts_have_their_published_bytes) {
  for (const auto& [text, hex] : multiformats::kTextsWithBytes) {
    const auto parsed = Multiaddr::from_string(text);
    ASSERT_TRUE(parsed) << parsed.error().message();
    EXPECT_EQ(to_hex(parsed->bytes()), hex) << text;
    const auto decoded = Multiaddr::from_bytes(from_hex(hex).value());
    ASSERT_TRUE(decoded) << decoded.error().message();
    EXPECT_EQ(*decoded, *parsed);
    EXPECT_EQ(decoded->to_string(), text);
  }
}

TEST(MultiaddrText, published_valid_texts_are_accepted_and_stable) {
  for (const std::string_view text : multiformats::kValidTexts) {
    const auto parsed = Multiaddr::from_string(text);
    ASSERT_TRUE(parsed) << parsed.error().message();
    EXPECT_EQ(address(parsed->to_string()), *parsed) << text;
    EXPECT_EQ(Multiaddr::from_bytes(parsed->bytes()).value(), *parsed) << text;
  }
}

TEST(MultiaddrText, published_invalid_texts_are_refused) {
  for (const std::string_view text : multiformats::kInvalidTexts) EXPECT_FALSE(accepted(text)) << text;
}

// Each of these once made another implementation accept what it could not write back.
TEST(MultiaddrText, inputs_found_by_the_fuzzers_of_others_are_refused) {
  for (const char* text : {"/garlic32/2222222222222222222222222222222222222222222222222222222",
                           "/p2p/BAfZA2jA222222222222222222222222222222222222222222222222222222222",
                           "/p2p/BAfZBAjA222222222222222222222222222222222222222222222222222222222",
                           "/garlic32/222222222222222222222222222222222222222222222\r\r\r\r\r\r\r",
                           "/p2p/Qm11ps1111111111111111111111111111111", "/sni//sni/0", "/onion/222222222222222=:1"})
    EXPECT_FALSE(accepted(text)) << text;
}

TEST(MultiaddrText, final_slashes_are_ignored) {
  EXPECT_EQ(canonical("/ip4/127.0.0.1/tcp/1234/"), "/ip4/127.0.0.1/tcp/1234");
  EXPECT_EQ(canonical("/tls///"), "/tls");
}

TEST(MultiaddrText, nothing_but_slashes_is_no_address) {
  EXPECT_EQ(text_error(""), ErrorCode::Malformed);
  EXPECT_EQ(text_error("/"), ErrorCode::Truncated);
  EXPECT_EQ(text_error("////"), ErrorCode::Truncated);
  EXPECT_EQ(text_error("tcp/80"), ErrorCode::Malformed);
  EXPECT_EQ(text_error("//tcp/80"), ErrorCode::UnknownCode);
  EXPECT_EQ(text_error("/ip4/1.2.3.4//tcp/80"), ErrorCode::UnknownCode);
}

TEST(MultiaddrText, errors_name_the_part_and_its_place) {
  const auto bad_value = Multiaddr::from_string("/ip4/1.2.3.4/tcp/65536");
  ASSERT_FALSE(bad_value);
  EXPECT_EQ(bad_value.error().code(), ErrorCode::Malformed);
  EXPECT_EQ(bad_value.error().detail(), "multiaddr, character 17, \"65536\", the number is too large");
  EXPECT_EQ(Multiaddr::from_string("/ip4/1.2.3.4/tpc/1").error().detail(),
            "multiaddr, character 13, \"tpc\", no protocol of that name");
  EXPECT_EQ(Multiaddr::from_string("/ip4/1.2.3.4/tcp").error().code(), ErrorCode::Truncated);
}

TEST(MultiaddrText, errors_do_not_repeat_control_characters_or_long_input) {
  EXPECT_EQ(Multiaddr::from_string("/\x1B[2J/1").error().detail(), "multiaddr, character 1, no protocol of that name");
  EXPECT_LT(Multiaddr::from_string("/" + std::string(4000, 'a')).error().detail().size(), 200u);
}

TEST(MultiaddrText, ports_are_16_bits) {
  EXPECT_EQ(canonical("/tcp/65535"), "/tcp/65535");
  EXPECT_EQ(canonical("/udp/0"), "/udp/0");
  EXPECT_EQ(canonical("/tcp/00080"), "/tcp/80");
  for (const char* text : {"/tcp/65536", "/udp/-1", "/dccp/+1", "/sctp/1a", "/tcp/0x10", "/tcp/ 1",
                           "/tcp/99999999999999999999", "/tcp//udp/1"})
    EXPECT_FALSE(accepted(text)) << text;
}

TEST(MultiaddrText, ip6_text_is_canonical) {
  EXPECT_EQ(canonical("/ip6/2001:DB8:0:0:1:0:0:1"), "/ip6/2001:db8::1:0:0:1");
  EXPECT_EQ(canonical("/ip6/::ffff:1.2.3.4"), "/ip6/::ffff:1.2.3.4");
  EXPECT_EQ(canonical("/ip6/::ffff:102:304"), "/ip6/::ffff:1.2.3.4");
  EXPECT_FALSE(accepted("/ip6/fe80::1%eth0"));
  EXPECT_FALSE(accepted("/ip6/1.2.3.4"));
}

TEST(MultiaddrText, prefix_lengths_end_at_128) {
  EXPECT_TRUE(accepted("/ip6/2001:db8::/ipcidr/128"));
  EXPECT_FALSE(accepted("/ip6/2001:db8::/ipcidr/129"));
}

TEST(MultiaddrText, zones_are_printable_names) {
  EXPECT_EQ(canonical("/ip6zone/x%y/ip6/fe80::1"), "/ip6zone/x%y/ip6/fe80::1");
  EXPECT_FALSE(accepted("/ip6zone//ip6/fe80::1"));
  EXPECT_FALSE(accepted("/ip6zone/a\nb/ip6/fe80::1"));
}

TEST(MultiaddrText, dns_names_are_bounded_and_printable) {
  EXPECT_EQ(canonical("/dns4/_dnsaddr.example-1.com/tcp/80"), "/dns4/_dnsaddr.example-1.com/tcp/80");
  EXPECT_EQ(canonical("/dns/b\xC3\xBC"
                      "cher.example"),
            "/dns/b\xC3\xBC"
            "cher.example");
  EXPECT_TRUE(accepted("/dns6/" + std::string(254, 'a')));
  EXPECT_FALSE(accepted("/dns6/" + std::string(255, 'a')));
  for (const char* text : {"/dns", "/dns//tcp/80", "/dns4/a b", "/dns4/a\x01", "/dnsaddr/\xFF", "/sni/a\tb"})
    EXPECT_FALSE(accepted(text)) << text;
}

TEST(MultiaddrText, memory_is_a_number_of_64_bits) {
  EXPECT_EQ(canonical("/memory/18446744073709551615"), "/memory/18446744073709551615");
  EXPECT_FALSE(accepted("/memory/18446744073709551616"));
  EXPECT_FALSE(accepted("/memory/92233720368547758081"));
}

TEST(MultiaddrText, unix_takes_the_rest_of_the_text) {
  const Multiaddr unix = address("/ip4/1.2.3.4/unix/a/tcp/80");
  EXPECT_EQ(unix.components().size(), 2u);
  EXPECT_EQ(unix.value_text(Protocol::Unix), "/a/tcp/80");
  EXPECT_EQ(unix.to_string(), "/ip4/1.2.3.4/unix/a/tcp/80");
  EXPECT_EQ(canonical("/unix//a"), "/unix//a");
  EXPECT_EQ(canonical("/unix/a/"), "/unix/a");
  EXPECT_FALSE(accepted("/unix"));
  EXPECT_FALSE(accepted("/unix/"));
  EXPECT_FALSE(accepted(std::string_view("/unix/a\0b", 9)));
}

TEST(MultiaddrText, http_paths_are_percent_encoded) {
  const std::pair<std::string_view, std::string_view> vectors[] = {
      // multiaddr, protocols/http-path.md, Examples
      {"user", "/http-path/user"},
      {"api/v0/login", "/http-path/api%2Fv0%2Flogin"},
      {"tmp/foo/../bar", "/http-path/tmp%2Ffoo%2F..%2Fbar"},
      {"a%20space", "/http-path/a%2520space"},
      {"a%2Fslash", "/http-path/a%252Fslash"},
  };
  for (const auto& [path, text] : vectors) {
    EXPECT_EQ(as_text(address(text).value(Protocol::HttpPath).value()), path);
    EXPECT_EQ(canonical(text), text);
  }
  EXPECT_EQ(canonical("/http-path/a+b%20c%2f"), "/http-path/a%2Bb%20c%2F");
}

TEST(MultiaddrText, http_paths_hold_any_bytes_but_not_none) {
  ByteVector all(256);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = std::uint8_t(i);
  const Multiaddr made = Multiaddr().with(Protocol::HttpPath, all);
  ASSERT_FALSE(made.empty());
  EXPECT_EQ(address(made.to_string()), made);
  for (const char* text : {"/http-path", "/http-path//tls", "/http-path/%", "/http-path/%2", "/http-path/%2g",
                           "/http-path/%%20", "/http-path/a/b"})
    EXPECT_FALSE(accepted(text)) << text;
}

TEST(MultiaddrText, onion_addresses_take_either_case) {
  EXPECT_EQ(canonical("/onion/AAIMAQ4YGG2IEGCI:80"), "/onion/aaimaq4ygg2iegci:80");
  EXPECT_FALSE(accepted("/onion/aaimaq4ygg2iegci:65536"));
  EXPECT_FALSE(accepted("/onion/aaimaq4ygg2iegci:80:80"));
  EXPECT_FALSE(accepted("/onion/aaimaq4ygg2iegci:0"));
}

TEST(MultiaddrText, garlic64_is_read_with_and_without_padding) {
  const Multiaddr made = Multiaddr().with(Protocol::Garlic64, ByteVector(391, 0xFB));
  std::string text = made.to_string();
  ASSERT_TRUE(text.ends_with("=="));
  EXPECT_EQ(address(text), made);
  text.resize(text.size() - 2);
  EXPECT_EQ(address(text), made);
  EXPECT_TRUE(Multiaddr().with(Protocol::Garlic64, ByteVector(385)).empty());
  EXPECT_FALSE(Multiaddr().with(Protocol::Garlic64, ByteVector(386)).empty());
}

TEST(MultiaddrText, garlic32_has_32_bytes_or_35_and_more) {
  for (std::size_t size = 0; size < 40; ++size)
    EXPECT_EQ(!Multiaddr().with(Protocol::Garlic32, ByteVector(size)).empty(), size == 32 || size >= 35) << size;
}

TEST(MultiaddrText, both_forms_of_a_peer_id_are_the_same_address) {
  constexpr std::string_view kEd25519 = "/p2p/12D3KooWCryG7Mon9orvQxcS1rYZjotPgpwoJNHHKcLLfE4Hf5mV";
  EXPECT_EQ(canonical("/p2p/k51qzi5uqu5dhb6l8spkdx7yxafegfkee5by8h7lmjh2ehc2sgg34z7c15vzqs"), kEd25519);
  EXPECT_EQ(canonical("/p2p/bafzaajaiaejcalj543iwv2d7pkjt7ykvefrkfu7qjfi6sduakhso4lay6abn2d5u"), kEd25519);
  constexpr std::string_view kSha256 = "/p2p/QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC";
  EXPECT_EQ(canonical("/p2p/bafzbeigvf25ytwc3akrijfecaotc74udrhcxzh2cx3we5qqnw5vgrei4bm"), kSha256);
  EXPECT_EQ(canonical("/ipfs/QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC"), kSha256);
}

TEST(MultiaddrText, a_cid_of_content_is_no_peer_id) {
  EXPECT_FALSE(accepted("/p2p/bafybeigvf25ytwc3akrijfecaotc74udrhcxzh2cx3we5qqnw5vgrei4bm"));
  EXPECT_FALSE(accepted("/p2p/bafkreibme22gw2h7y2h7tg2fhqotaqjucnbc24deqo72b6mkl2egezxhvy"));
}

TEST(MultiaddrText, certificate_hashes_are_read_in_any_base_and_written_in_base64url) {
  EXPECT_EQ(canonical("/certhash/b2uaraocy6yrdblb4sfptaddgimjmmpy"), "/certhash/u1QEQOFj2IjCsPJFfMAxmQxLGPw");
  EXPECT_EQ(canonical("/certhash/zQmbWTwYGcmdyK9CYfNBcfs9nhZs17a6FQ4Y8oea278xx41"),
            canonical(canonical("/certhash/zQmbWTwYGcmdyK9CYfNBcfs9nhZs17a6FQ4Y8oea278xx41")));
  EXPECT_FALSE(accepted("/certhash/uEiAA"));
  EXPECT_FALSE(accepted("/certhash/QmbWTwYGcmdyK9CYfNBcfs9nhZs17a6FQ4Y8oea278xx41"));
}

TEST(MultiaddrText, old_and_new_names_of_secure_websockets_stay_distinct) {
  EXPECT_EQ(canonical("/dns4/a.example/tcp/443/wss"), "/dns4/a.example/tcp/443/wss");
  EXPECT_EQ(canonical("/dns4/a.example/tcp/443/tls/ws"), "/dns4/a.example/tcp/443/tls/ws");
  EXPECT_EQ(canonical("/tcp/443/tls/sni/a.example/ws"), "/tcp/443/tls/sni/a.example/ws");
}

TEST(MultiaddrText, too_long_texts_are_refused) {
  EXPECT_EQ(text_error(std::string(10 * Multiaddr::kMaxSize + 1, '/')), ErrorCode::TooLarge);
  std::string many;
  for (std::size_t i = 0; i < Multiaddr::kMaxSize / 2; ++i) many += "/tls";
  EXPECT_TRUE(accepted(many));
  EXPECT_EQ(text_error(many + "/tls"), ErrorCode::TooLarge);
}

TEST(MultiaddrText, the_longest_texts_read_back) {
  for (const char* text : {"/p2p-websocket-star", "/http-path/%2F", "/ip6/::ffff:255.255.255.255", "/sni/a"}) {
    const Multiaddr one = address(text);
    Multiaddr many = one;
    while (many.bytes().size() + one.bytes().size() <= Multiaddr::kMaxSize) many = many.with(one);
    EXPECT_EQ(address(many.to_string()), many) << text;
  }
}

TEST(MultiaddrText, random_texts_made_of_valid_parts_round_trip_or_are_refused) {
  const auto random = seeded_random(7);
  constexpr std::string_view kParts[] = {
      "ip4", "1.2.3.4",   "ip6", "::1", "tcp",    "80",    "p2p-circuit",         "unix", "a",
      "tls", "http-path", "%2F", "dns", "memory", "onion", "aaimaq4ygg2iegci:80", "",     "wss"};
  int valid = 0;
  for (int i = 0; i < 50'000; ++i) {
    std::string text;
    for (auto parts = random->below(7); parts > 0; --parts)
      text.append("/").append(kParts[random->below(std::size(kParts))]);
    const auto parsed = Multiaddr::from_string(text);
    if (!parsed) continue;
    ++valid;
    ASSERT_EQ(address(parsed->to_string()), *parsed) << text;
    ASSERT_EQ(Multiaddr::from_bytes(parsed->bytes()).value(), *parsed) << text;
  }
  EXPECT_GT(valid, 100);
}

}  // namespace
}  // namespace starling
