#include "starling/resource/prefix_limiter.hpp"

#include <gtest/gtest.h>

#include <set>

#include "starling/base/random.hpp"

namespace starling::resource {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kStart{};

PrefixOptions options() {
  return {.v4 = {{.bits = 32, .connections = 8, .per_second = 0.2, .burst = 16}},
          .v6 = {{.bits = 56, .connections = 8, .per_second = 0.2, .burst = 16},
                 {.bits = 48, .connections = 64, .per_second = 0.5, .burst = 80}},
          .max_prefixes = 100};
}

io::IpAddress ip(std::string_view text) { return *io::IpAddress::from_string(text); }

TEST(PrefixLimiter, an_address_has_its_number_of_connections_and_loopback_any) {
  PrefixLimiter limiter(options());
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(limiter.add(ip("192.0.2.1"), kStart));
  EXPECT_EQ(limiter.add(ip("192.0.2.1"), kStart).error().detail(),
            "192.0.2.1/32: 8 of 8 connections in use; this node's limit resource.ip4_32_connections");
  EXPECT_EQ(limiter.add(ip("::ffff:192.0.2.1"), kStart).error(), ErrorCode::LimitExceeded) << "the same, mapped";
  EXPECT_TRUE(limiter.add(ip("192.0.2.2"), kStart));
  limiter.remove(ip("192.0.2.1"));
  EXPECT_TRUE(limiter.add(ip("192.0.2.1"), kStart));
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(limiter.add(ip("127.0.0.1"), kStart) && limiter.add(ip("::1"), kStart));
  EXPECT_EQ(limiter.counters().refused_count, 2u);
}

TEST(PrefixLimiter, networks_of_ipv6_are_limited_at_both_lengths) {
  PrefixLimiter limiter(options());
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(limiter.add(ip("2001:db8:1:100::" + std::to_string(i + 1)), kStart));
  EXPECT_FALSE(limiter.add(ip("2001:db8:1:1ff::1"), kStart)) << "same /56";
  for (int net = 2; net < 9; ++net) {
    const std::string prefix = "2001:db8:1:" + std::to_string(net) + "00::";
    for (int i = 0; i < 8; ++i) EXPECT_TRUE(limiter.add(ip(prefix + "1"), kStart));
  }
  EXPECT_EQ(limiter.add(ip("2001:db8:1:900::1"), kStart).error().detail(),
            "2001:db8:1::/48: 64 of 64 connections in use; this node's limit resource.ip6_48_connections");
}

TEST(PrefixLimiter, new_connections_come_as_fast_as_the_bucket_fills) {
  PrefixLimiter limiter(options());
  const auto come_and_go = [&](TimePoint now) {
    const Status status = limiter.add(ip("192.0.2.1"), now);
    if (status) limiter.remove(ip("192.0.2.1"));
    return status;
  };
  for (int i = 0; i < 16; ++i) EXPECT_TRUE(come_and_go(kStart));
  EXPECT_EQ(come_and_go(kStart).error().message(),
            "accept: 192.0.2.1/32: more than 16 new connections at once; this node's limits resource.ip4_32_rate, "
            "resource.ip4_32_burst — too many new connections from one place in too short a time (RateLimited, limit); "
            "wait, or raise the rate named in the message");
  EXPECT_FALSE(come_and_go(kStart + 4900ms));
  EXPECT_TRUE(come_and_go(kStart + 5000ms));
  EXPECT_FALSE(come_and_go(kStart + 5000ms));
  for (int i = 0; i < 16; ++i) EXPECT_TRUE(come_and_go(kStart + 1h));
  EXPECT_FALSE(come_and_go(kStart + 1h));
}

// A flood from many prefixes: tables stay bounded, counts are exact.
TEST(PrefixLimiter, tables_are_bounded_and_empty_at_the_end) {
  PrefixLimiter limiter(options());
  const auto random = seeded_random(1);
  std::vector<io::IpAddress> open;
  for (int i = 0; i < 20000; ++i) {
    const auto part = [&] { return std::to_string(random->below(40)); };
    const io::IpAddress address =
        random->below(2) == 0 ? ip("10.0." + part() + "." + part()) : ip("2001:db8:" + part() + ":" + part() + "::1");
    if (limiter.add(address, kStart + i * 10ms)) open.push_back(address);
    if (random->below(3) > 0 && !open.empty()) {
      limiter.remove(open.back());
      open.pop_back();
    }
    ASSERT_LE(limiter.remembered(), 200u);
    ASSERT_LE(limiter.counted(), 2 * open.size());
  }
  for (const io::IpAddress& address : open) limiter.remove(address);
  EXPECT_EQ(limiter.counted(), 0u);
}

TEST(AllowRules, are_multiaddrs_with_a_prefix_and_a_peer) {
  const auto rule = [](std::string_view text) { return AllowRule::from_multiaddr(*Multiaddr::from_string(text)); };
  EXPECT_EQ(rule("/ip4/192.0.2.99/ipcidr/24")->to_string(), "192.0.2.0/24");
  EXPECT_EQ(rule("/ip4/192.0.2.99")->to_string(), "192.0.2.99/32");
  EXPECT_EQ(rule("/ip6/2001:db8::1/ipcidr/33")->to_string(), "2001:db8::/33");
  const std::string id = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA";
  EXPECT_EQ(rule("/ip4/192.0.2.1/p2p/" + id)->to_string(), "192.0.2.1/32 for " + id);
  EXPECT_EQ(rule("/ip4/192.0.2.1/tcp/1").error(), ErrorCode::InvalidArgument);
  EXPECT_EQ(rule("/tcp/1").error(), ErrorCode::InvalidArgument);
}

TEST(Networks, match_mapped_addresses_too) {
  const IpPrefix net = network_of(ip("::ffff:10.1.2.3"), 15);
  EXPECT_EQ(net.to_string(), "10.0.0.0/15");
  EXPECT_TRUE(contains(net, ip("10.1.255.255")) && contains(net, ip("::ffff:10.0.0.1")));
  EXPECT_FALSE(contains(net, ip("10.2.0.0")) || contains(net, ip("a00::")));
}

}  // namespace
}  // namespace starling::resource
