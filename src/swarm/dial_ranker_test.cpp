#include "swarm/dial_ranker.hpp"

#include <gtest/gtest.h>

#include <map>

#include "support/swarm_options.hpp"

namespace starling::swarm {
namespace {

using namespace starling::testing;
using Delays = std::vector<std::pair<std::string, Duration>>;

const std::string kRelay = "/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA/p2p-circuit";
const std::string kQuic6 = "/ip6/2600::1/udp/4001/quic-v1", kQuic4 = "/ip4/8.8.8.8/udp/4001/quic-v1";
const std::string kTcp6 = "/ip6/2600::1/tcp/4001", kTcp4 = "/ip4/8.8.8.8/tcp/4001";

/// In the order in which they start.
Delays rank(const std::vector<std::string>& texts) {
  std::vector<Multiaddr> addresses;
  for (const std::string& text : texts) addresses.push_back(*Multiaddr::from_string(text));
  std::vector<AddressTraits> traits;
  for (const Multiaddr& address : addresses) traits.push_back(traits_of(address));
  Delays ranked;
  for (const auto& [index, delay] : rank_addresses(traits, swarm_options().dial_delays))
    ranked.emplace_back(texts[index], delay);
  return ranked;
}

TEST(DialRanker, nothing_is_ranked_as_nothing_and_one_address_starts_at_once) {
  EXPECT_EQ(rank({}), Delays());
  for (const std::string& only : {kQuic6, kTcp4, kTcp4 + kRelay, std::string("/ip4/10.0.0.1/tcp/1")})
    EXPECT_EQ(rank({only}), (Delays{{only, 0ms}}));
}

TEST(DialRanker, quic_goes_before_tcp_and_ip6_before_ip4) {
  EXPECT_EQ(rank({kTcp4, kTcp6, kQuic4, kQuic6}),
            (Delays{{kQuic6, 0ms}, {kQuic4, 250ms}, {kTcp6, 500ms}, {kTcp4, 750ms}}));
}

TEST(DialRanker, after_a_race_of_the_families_the_rest_start_together) {
  const std::string more6 = "/ip6/2600::2/udp/4002/quic-v1", more4 = "/ip4/9.9.9.9/udp/4002/quic-v1";
  EXPECT_EQ(rank({more4, more6, kQuic4, kQuic6}),
            (Delays{{kQuic6, 0ms}, {kQuic4, 250ms}, {more6, 500ms}, {more4, 500ms}}));
}

TEST(DialRanker, of_one_family_the_lowest_port_starts_and_the_rest_follow_a_step_later) {
  const std::string high = "/ip4/8.8.8.8/udp/50000/quic-v1", higher = "/ip4/8.8.8.8/udp/60000/quic-v1";
  EXPECT_EQ(rank({higher, high, kQuic4}), (Delays{{kQuic4, 0ms}, {high, 250ms}, {higher, 250ms}}));
}

TEST(DialRanker, tcp_alone_is_staggered_like_quic) {
  const std::string more = "/ip4/8.8.8.8/tcp/4002";
  EXPECT_EQ(rank({more, kTcp4, kTcp6}), (Delays{{kTcp6, 0ms}, {kTcp4, 250ms}, {more, 500ms}}));
}

TEST(DialRanker, what_runs_on_top_of_a_transport_comes_after_it) {
  const std::string webtransport = kQuic4 + "/webtransport", ws = "/ip4/8.8.8.8/tcp/80/ws";
  EXPECT_EQ(rank({ws, webtransport, kTcp4, kQuic4}),
            (Delays{{kQuic4, 0ms}, {webtransport, 250ms}, {kTcp4, 500ms}, {ws, 750ms}}));
}

TEST(DialRanker, local_and_public_addresses_run_side_by_side_with_delays_of_their_own) {
  const std::string local_quic = "/ip4/192.168.1.5/udp/4001/quic-v1", local_tcp = "/ip4/192.168.1.5/tcp/4001";
  EXPECT_EQ(rank({kTcp4, kQuic4, local_tcp, local_quic}),
            (Delays{{local_quic, 0ms}, {kQuic4, 0ms}, {local_tcp, 30ms}, {kTcp4, 250ms}}));
}

TEST(DialRanker, relayed_addresses_are_late_only_behind_public_ones) {
  EXPECT_EQ(rank({kTcp4 + kRelay, kTcp6}), (Delays{{kTcp6, 0ms}, {kTcp4 + kRelay, 500ms}}));
  EXPECT_EQ(rank({kTcp4 + kRelay, "/ip4/10.0.0.1/tcp/1"}),
            (Delays{{"/ip4/10.0.0.1/tcp/1", 0ms}, {kTcp4 + kRelay, 0ms}}));
}

TEST(DialRanker, other_transports_start_a_second_after_the_last_of_quic_and_tcp) {
  const std::string webrtc = "/ip4/8.8.8.8/udp/4001/webrtc-direct", local = "/ip4/10.0.0.1/udp/4001/webrtc-direct";
  EXPECT_EQ(rank({webrtc, kTcp4, kQuic4, local}),
            (Delays{{kQuic4, 0ms}, {local, 100ms}, {kTcp4, 250ms}, {webrtc, 1250ms}}));
}

TEST(DialRanker, memory_and_unix_start_at_once_and_unresolved_names_last) {
  const std::string memory = "/memory/1", unix_socket = "/unix/tmp/a", name = "/dns4/a.example/tcp/443/wss";
  EXPECT_EQ(rank({name, kTcp4, kTcp6, unix_socket, memory}),
            (Delays{{memory, 0ms}, {unix_socket, 0ms}, {kTcp6, 0ms}, {kTcp4, 250ms}, {name, 1250ms}}));
  EXPECT_EQ(rank({name}), (Delays{{name, 0ms}}));
}

}  // namespace
}  // namespace starling::swarm
