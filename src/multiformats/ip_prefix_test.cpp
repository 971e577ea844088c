#include "starling/multiformats/ip_prefix.hpp"

#include <gtest/gtest.h>

namespace starling {
namespace {

IpPrefix prefix(const char* text) { return *IpPrefix::from_string(text); }
bool contains(const char* network, const char* ip) { return prefix(network).contains(prefix(ip).bytes()); }

TEST(IpPrefix, text_leads_back_and_bits_behind_the_prefix_are_cleared) {
  for (const char* text : {"10.0.0.0/8", "0.0.0.0/0", "192.0.2.7/32", "fd00::/8", "::/0", "2001:db8::1/128"})
    EXPECT_EQ(prefix(text).to_string(), text);
  EXPECT_EQ(prefix("10.1.2.3/9").to_string(), "10.0.0.0/9");
  EXPECT_EQ(prefix("10.255.2.3/9").to_string(), "10.128.0.0/9");
  EXPECT_EQ(prefix("10.1.2.3").length(), 32);
  EXPECT_EQ(prefix("::1").length(), 128);
}

TEST(IpPrefix, contains_what_starts_with_it_in_its_family) {
  EXPECT_TRUE(contains("10.0.0.0/8", "10.255.255.255"));
  EXPECT_FALSE(contains("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(contains("172.16.0.0/12", "172.31.255.255"));
  EXPECT_FALSE(contains("172.16.0.0/12", "172.32.0.0"));
  EXPECT_TRUE(contains("1.2.3.4/32", "1.2.3.4"));
  EXPECT_FALSE(contains("1.2.3.4/32", "1.2.3.5"));
  EXPECT_TRUE(contains("0.0.0.0/0", "255.255.255.255"));
  EXPECT_FALSE(contains("0.0.0.0/0", "::1"));
  EXPECT_TRUE(contains("fe80::/10", "febf:ffff::1"));
  EXPECT_FALSE(contains("fe80::/10", "fec0::1"));
  EXPECT_FALSE(prefix("0.0.0.0/0").contains({}));
}

TEST(IpPrefix, bad_texts_are_refused_with_the_text) {
  for (const char* bad : {"", "/", "10.0.0.0/", "10.0.0/8", "10.0.0.0/8x", "10.0.0.0/-1", "host/8", "1.2.3.4/8/8"}) {
    const auto parsed = IpPrefix::from_string(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error(), ErrorCode::Malformed) << bad;
  }
  EXPECT_EQ(IpPrefix::from_string("10.0.0.0/33").error(), ErrorCode::InvalidArgument);
  EXPECT_EQ(IpPrefix::from_string("::/129").error(), ErrorCode::InvalidArgument);
  EXPECT_EQ(IpPrefix::from_string("10.0.0.0/99999999999").error(), ErrorCode::Malformed);
}

}  // namespace
}  // namespace starling
