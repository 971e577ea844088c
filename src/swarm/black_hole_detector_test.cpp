#include "swarm/black_hole_detector.hpp"

#include <gtest/gtest.h>

namespace starling::swarm {
namespace {

using enum BlackHoleState;

const BlackHoleOptions kOptions{.window = 100, .min_successes = 5};

BlackHoleCounter counter_with(int successes, int failures) {
  BlackHoleCounter counter(kOptions);
  for (int i = 0; i < successes; ++i) counter.record(true);
  for (int i = 0; i < failures; ++i) counter.record(false);
  return counter;
}

TEST(BlackHoleCounter, nothing_is_blocked_before_the_window_is_full) {
  BlackHoleCounter counter = counter_with(0, 99);
  EXPECT_EQ(counter.request(), Probing);
  counter.record(false);
  EXPECT_EQ(counter.request(), Blocked);
}

TEST(BlackHoleCounter, as_many_successes_as_asked_for_keep_it_open_and_one_less_does_not) {
  EXPECT_EQ(counter_with(5, 95).request(), Allowed);
  EXPECT_EQ(counter_with(4, 96).request(), Blocked);
}

TEST(BlackHoleCounter, only_the_last_dials_count) {
  BlackHoleCounter counter = counter_with(5, 95);
  counter.record(false);  // the first success leaves the window
  EXPECT_EQ(counter.status().successes, 4u);
  EXPECT_EQ(counter.request(), Blocked);
  EXPECT_EQ(counter.status().results, 100u);
}

TEST(BlackHoleCounter, every_hundredth_request_is_a_probe_while_blocked) {
  BlackHoleCounter counter = counter_with(0, 100);
  int probes = 0;
  for (int request = 1; request <= 300; ++request) {
    const BlackHoleState state = counter.request();
    EXPECT_EQ(state, request % 100 == 0 ? Probing : Blocked) << request;
    probes += state == Probing;
    counter.record(false);
  }
  EXPECT_EQ(probes, 3);
  EXPECT_EQ(counter.status().until_probe, 100u);
}

TEST(BlackHoleCounter, one_success_while_blocked_opens_it) {
  BlackHoleCounter counter = counter_with(0, 150);
  EXPECT_EQ(counter.status().state, Blocked);
  counter.record(true);
  EXPECT_EQ(counter.status().state, Probing);
  EXPECT_EQ(counter.status().results, 0u);
  for (int i = 0; i < 99; ++i) {
    EXPECT_EQ(counter.request(), Probing);
    counter.record(false);
  }
}

struct Addresses {
  explicit Addresses(const std::vector<const char*>& texts) {
    for (const char* text : texts) kept.push_back(*Multiaddr::from_string(text));
    for (const Multiaddr& each : kept) traits.push_back(traits_of(each));
  }
  std::vector<Multiaddr> kept;
  std::vector<AddressTraits> traits;
};

using Verdicts = std::vector<std::optional<std::string>>;

const Addresses kAll({"/ip4/8.8.8.8/udp/1/quic-v1", "/ip6/2600::1/udp/1/quic-v1", "/ip4/8.8.8.8/tcp/1",
                      "/ip6/2600::1/tcp/1", "/ip4/10.0.0.1/udp/1/quic-v1", "/ip6/fd00::1/tcp/1"});

void fail_all(BlackHoleDetector& detector, const char* text, int times) {
  const Addresses one({text});
  for (int i = 0; i < times; ++i) detector.record(one.traits[0], false);
}

TEST(BlackHoleDetector, blocked_udp_leaves_out_public_udp_addresses_only) {
  BlackHoleDetector detector(kOptions);
  fail_all(detector, "/ip4/8.8.8.8/udp/1/quic-v1", 100);
  EXPECT_EQ(detector.udp().state, Blocked);
  EXPECT_EQ(detector.ip6().state, Probing);
  // IPv6 is still being probed, so its UDP address goes out.
  EXPECT_EQ(detector.judge(kAll.traits), (Verdicts{"UDP", {}, {}, {}, {}, {}}));
}

TEST(BlackHoleDetector, blocked_ip6_leaves_out_public_ip6_addresses_only) {
  BlackHoleDetector detector(kOptions);
  fail_all(detector, "/ip6/2600::1/tcp/1", 100);
  const Addresses udp({"/ip4/8.8.8.8/udp/1/quic-v1"});
  for (int i = 0; i < 100; ++i) detector.record(udp.traits[0], true);
  EXPECT_EQ(detector.udp().state, Allowed);
  EXPECT_EQ(detector.judge(kAll.traits), (Verdicts{{}, "IPv6", {}, "IPv6", {}, {}}));
}

TEST(BlackHoleDetector, the_probe_of_one_kind_goes_out_although_the_other_is_blocked) {
  BlackHoleDetector detector(kOptions);
  fail_all(detector, "/ip6/2600::1/udp/1/quic-v1", 100);  // both are blocked now
  const Addresses ip6({"/ip6/2600::1/tcp/1"}), both({"/ip6/2600::1/udp/1/quic-v1"});
  for (int i = 0; i < 99; ++i) EXPECT_EQ(detector.judge(ip6.traits), Verdicts{"IPv6"});
  EXPECT_EQ(detector.judge(both.traits), Verdicts{std::nullopt}) << "the hundredth of IPv6, the first of UDP";
}

TEST(BlackHoleDetector, local_and_relayed_dials_say_nothing) {
  BlackHoleDetector detector(kOptions);
  fail_all(detector, "/ip4/10.0.0.1/udp/1/quic-v1", 500);
  fail_all(detector, "/ip6/2600::1/udp/1/quic-v1/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA/p2p-circuit",
           500);
  EXPECT_EQ(detector.udp().results, 0u);
  EXPECT_EQ(detector.ip6().results, 0u);
}

TEST(BlackHoleDetector, a_new_network_is_judged_anew) {
  BlackHoleDetector detector(kOptions);
  fail_all(detector, "/ip6/2600::1/udp/1/quic-v1", 100);
  detector.reset();
  EXPECT_EQ(detector.judge(kAll.traits), Verdicts(6));
}

}  // namespace
}  // namespace starling::swarm
