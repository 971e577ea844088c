// Vectors: RFC 4291 §2.2, RFC 5952 §1 to §5.
#include "multiformats/ip_text.hpp"

#include <gtest/gtest.h>

#include "starling/base/random.hpp"

namespace starling::multiformats {
namespace {

std::string canonical(std::string_view text) {
  const auto bytes = parse_ip6(text);
  std::string out;
  if (bytes) append_ip6(*bytes, out);
  return out;
}

TEST(IpText, ip6_is_written_as_rfc_5952_says) {
  const std::pair<std::string_view, std::string_view> vectors[] = {
      {"2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
      {"2001:DB8::1", "2001:db8::1"},
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
      {"2001:db8:0:0:1::1", "2001:db8::1:0:0:1"},
      {"2001:db8:0000:1:1:1:1:0001", "2001:db8:0:1:1:1:1:1"},
      {"0:0:0:0:0:0:0:0", "::"},
      {"0:0:0:0:0:0:0:1", "::1"},
      {"1:0:0:0:0:0:0:0", "1::"},
      {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
      {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
      {"FF01::101", "ff01::101"},
      {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
      {"::FFFF:c000:0201", "::ffff:192.0.2.1"},
      {"::13.1.68.3", "::d01:4403"},
      {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
      {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
  };
  for (const auto& [text, expected] : vectors) EXPECT_EQ(canonical(text), expected) << text;
}

TEST(IpText, texts_that_are_no_ip6_are_refused) {
  for (const char* text : {"",
                           ":",
                           ":::",
                           "::1::",
                           "1",
                           "1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:8:9",
                           "1:2:3:4::5:6:7:8",
                           "::1:2:3:4:5:6:7:8",
                           ":1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:",
                           "12345::",
                           "g::",
                           "-1::",
                           "+1::",
                           "::1%eth0",
                           "1.2.3.4",
                           "1.2.3.4::",
                           "::1.2.3.4:1",
                           "::1.2.3",
                           "::01.2.3.4",
                           "1:2:3:4:5:6:7:1.2.3.4",
                           " ::1",
                           "::1 ",
                           "1: 2::",
                           "0x1::",
                           "::1::2"})
    EXPECT_FALSE(parse_ip6(text)) << text;
}

TEST(IpText, texts_that_are_no_ip4_are_refused) {
  for (const char* text :
       {"", "1", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "256.0.0.1", "01.2.3.4", "1.2.3.00", "1.2.3.-4",
        "1.2.3.+4", "1.2.3.4 ", "0x1.2.3.4", "1.2.3.4/", "::1", "1.2.3.1000"})
    EXPECT_FALSE(parse_ip4(text)) << text;
}

TEST(IpText, ip4_edges_parse) {
  EXPECT_EQ(parse_ip4("0.0.0.0"), (Ip4Bytes{0, 0, 0, 0}));
  EXPECT_EQ(parse_ip4("255.255.255.255"), (Ip4Bytes{255, 255, 255, 255}));
}

TEST(IpText, random_addresses_round_trip) {
  const auto random = seeded_random(6);
  for (int i = 0; i < 5000; ++i) {
    Ip6Bytes ip6;
    random->fill(ip6);
    for (int zeroed = int(random->below(9)); zeroed > 0; --zeroed) put_u16_be(&ip6[2 * random->below(8)], 0);
    std::string text;
    append_ip6(ip6, text);
    EXPECT_EQ(parse_ip6(text), ip6) << text;
    text.clear();
    append_ip4(Bytes(ip6).first(4), text);
    EXPECT_EQ(parse_ip4(text), (Ip4Bytes{ip6[0], ip6[1], ip6[2], ip6[3]})) << text;
  }
}

}  // namespace
}  // namespace starling::multiformats
