#include "starling/names/servers.hpp"

#include <gtest/gtest.h>

namespace starling::names {
namespace {

TEST(NameServers, are_addresses_with_or_without_a_port) {
  const auto text = [](const char* given) {
    const auto server = parse_server(given);
    return server ? server->to_string() : "";
  };
  EXPECT_EQ(text("1.2.3.4"), "1.2.3.4:53");
  EXPECT_EQ(text("1.2.3.4:5353"), "1.2.3.4:5353");
  EXPECT_EQ(text("::1"), "[::1]:53");
  EXPECT_EQ(text("[2001:db8::1]:5"), "[2001:db8::1]:5");
}

TEST(NameServers, anything_else_is_refused_with_the_ways_to_write_one) {
  for (const char* wrong : {"", ":", "dns.example", "1.2.3.4:", "1.2.3.4:0", "1.2.3.4:65536", "1.2.3.4:5x", "[::1]",
                            "[1.2.3.4]:53", "1.2.3.4:5:6", "[::1:53", "::1]:53"}) {
    const auto server = parse_server(wrong);
    ASSERT_FALSE(server) << wrong;
    EXPECT_EQ(server.error(), ErrorCode::InvalidArgument);
    EXPECT_NE(server.error().detail().find("[::1]:53"), std::string::npos);
  }
}

TEST(DohUrls, have_a_host_and_perhaps_a_port_and_a_path) {
  const auto text = [](const char* given) {
    const auto url = parse_doh_url(given);
    return url ? url->to_string() : "";
  };
  EXPECT_EQ(text("https://dns.example"), "https://dns.example/dns-query");
  EXPECT_EQ(text("https://dns.example/"), "https://dns.example/dns-query");
  EXPECT_EQ(text("https://dns.example:8443/q?x=1"), "https://dns.example:8443/q?x=1");
  EXPECT_EQ(text("https://dns.example/dns-query{?dns}"), "https://dns.example/dns-query");
  EXPECT_EQ(text("https://1.1.1.1/dns-query"), "https://1.1.1.1/dns-query");
  EXPECT_EQ(text("https://[2001:db8::1]:444"), "https://[2001:db8::1]:444/dns-query");
  EXPECT_EQ(text("https://localhost:443/q"), "https://localhost/q");
  EXPECT_EQ(parse_doh_url("https://[::1]/q")->host, "::1");
}

TEST(DohUrls, anything_else_is_refused) {
  for (const char* wrong :
       {"", "https://", "http://dns.example/", "https:///q", "https://dns.example:0/", "https://dns.example:x/",
        "https://u@dns.example/", "https://dns.example/#x", "https://dns.example/a b", "https://dns.example/{dns}",
        "https://::1/", "https://[1.2.3.4]/", "https://[dns.example]/", "https://a..b/", "https://dns.example?x",
        "https://b\xc3\xbc.example/", "https://[::1", "https://dns.example\r\nX:/"})
    EXPECT_FALSE(parse_doh_url(wrong)) << wrong;
  EXPECT_FALSE(parse_doh_url("https://dns.example/" + std::string(2100, 'a')));
}

TEST(NameRoutes, pair_a_suffix_with_servers) {
  const auto doh = parse_route("ETH.=https://dns.example/q");
  ASSERT_TRUE(doh);
  EXPECT_EQ(doh->suffix, "eth");
  EXPECT_EQ(std::get<DohUrl>(doh->servers).host, "dns.example");
  const auto plain = parse_route(".=1.1.1.1 [::1]:5353");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->suffix, ".");
  EXPECT_EQ(std::get<1>(plain->servers).size(), 2u);
  for (const char* wrong :
       {"", "eth", "=1.1.1.1", "eth=", "eth=dns.example", "eth=1.1.1.1 ", "eth=1.1.1.1,1.1.1.2", "eth=http://x/"})
    EXPECT_FALSE(parse_route(wrong)) << wrong;
}

}  // namespace
}  // namespace starling::names
