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

}  // namespace
}  // namespace starling::names
