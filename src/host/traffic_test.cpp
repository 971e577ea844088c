#include "starling/host/traffic.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace starling::host {
namespace {

using std::literals::chrono_literals::operator""s;
using transport::ConnectionInfo;
using transport::ConnectionStats;
using transport::Direction;

PeerId peer(std::uint8_t number) {
  const std::uint8_t bytes[] = {0, 1, number};  // an identity multihash
  return *PeerId::from_bytes(bytes);
}

ConnectionInfo connection(std::uint8_t number, const char* address = "/ip4/192.0.2.1/tcp/4001") {
  ConnectionInfo info;
  info.remote_peer = peer(number);
  info.remote_address = *Multiaddr::from_string(address);
  return info;
}

ConnectionStats moved(std::uint64_t in, std::uint64_t out) {
  ConnectionStats stats;
  stats.bytes_in = in;
  stats.bytes_out = out;
  return stats;
}

TimePoint at(Duration time) { return TimePoint(time); }
void nothing(const Traffic::Add&) {}

TEST(FlowRate, a_steady_flow_is_approached_and_silence_decays) {
  FlowRate rate;
  Flow total;
  for (int second = 0; second <= 60; ++second) {
    rate.sample(total, at(second * 1s), 10s);
    total += {1000, 500};
  }
  EXPECT_NEAR(rate.in(), 1000, 5);
  EXPECT_NEAR(rate.out(), 500, 3);
  FlowRate silent = rate;
  silent.sample({60'000, 30'000}, at(70s), 10s);
  EXPECT_NEAR(silent.in(), 1000 * 0.368, 5);
}

TEST(FlowRate, irregular_looks_give_the_same_as_regular_ones) {
  FlowRate often, seldom;
  for (int second = 0; second <= 100; ++second) often.sample({std::uint64_t(second) * 100, 0}, at(second * 1s), 20s);
  for (const int second : {0, 1, 50, 100}) seldom.sample({std::uint64_t(second) * 100, 0}, at(second * 1s), 20s);
  EXPECT_NEAR(often.in(), seldom.in(), 0.5);
}

TEST(FlowRate, two_looks_at_the_same_time_change_nothing) {
  FlowRate rate;
  rate.sample({0, 0}, at(1s), 10s);
  rate.sample({100, 0}, at(2s), 10s);
  const double before = rate.in();
  rate.sample({200, 0}, at(2s), 10s);
  EXPECT_EQ(rate.in(), before);
}

TEST(Traffic, streams_charge_their_protocol_and_are_counted_while_they_live) {
  Traffic traffic({.max_peers = 4, .rate_time = 10s});
  {
    StreamAccount a = traffic.open_stream("/ping/1", Direction::Inbound);
    StreamAccount b = traffic.open_stream("/ping/1", Direction::Outbound);
    a.read(10);
    b.wrote(20);
    StreamAccount moved_to = std::move(a);
    moved_to.read(5);
    EXPECT_EQ(traffic.protocols().at("/ping/1").live_inbound, 1u);
    EXPECT_EQ(traffic.protocols().at("/ping/1").live_outbound, 1u);
  }
  const ProtocolTraffic& ping = traffic.protocols().at("/ping/1");
  EXPECT_EQ(ping.bytes.in, 15u);
  EXPECT_EQ(ping.bytes.out, 20u);
  EXPECT_EQ(ping.live_inbound + ping.live_outbound, 0u);
}

TEST(Traffic, assigning_over_an_account_ends_the_one_that_was_there) {
  Traffic traffic({.max_peers = 4, .rate_time = 10s});
  StreamAccount a = traffic.open_stream("/a", Direction::Inbound);
  {
    StreamAccount b = traffic.open_stream("/b", Direction::Inbound);
    a = std::move(b);
  }
  EXPECT_EQ(traffic.protocols().at("/a").live_inbound, 0u);
  EXPECT_EQ(traffic.protocols().at("/b").live_inbound, 1u);
}

TEST(Traffic, protocols_beyond_the_bound_are_summed_up) {
  Traffic traffic({.max_peers = 4, .rate_time = 10s});
  for (std::size_t i = 0; i < Traffic::kMaxProtocols + 10; ++i)
    traffic.open_stream("/p/" + std::to_string(i), Direction::Outbound).wrote(1);
  EXPECT_EQ(traffic.protocols().size(), Traffic::kMaxProtocols + 1);
  EXPECT_EQ(traffic.protocols().find(Traffic::kOther)->second.bytes.out, 10u);
  traffic.open_stream("/p/0", Direction::Outbound).wrote(1);
  EXPECT_EQ(traffic.protocols().at("/p/0").bytes.out, 2u);
}

TEST(Traffic, open_and_closed_connections_add_up) {
  Traffic traffic({.max_peers = 4, .rate_time = 10s});
  traffic.connected(connection(1));
  traffic.connected(connection(1, "/ip4/192.0.2.1/udp/4001/quic-v1"));
  traffic.disconnected(connection(1), moved(100, 10));
  traffic.sample(
      at(1s), [](const Traffic::Add& add) { add(connection(1, "/ip4/192.0.2.1/udp/4001/quic-v1"), moved(1000, 1)); });
  EXPECT_EQ(traffic.peers().at(peer(1)).total.in, 1100u);
  EXPECT_EQ(traffic.transports().at("tcp").total.in, 100u);
  EXPECT_EQ(traffic.transports().at("quic-v1").total.in, 1000u);
  EXPECT_EQ(traffic.total().all(), 1111u);
}

TEST(Traffic, of_disconnected_peers_those_with_most_bytes_are_kept_and_nothing_is_lost) {
  Traffic traffic({.max_peers = 2, .rate_time = 10s});
  for (const auto& [number, bytes] : {std::pair{1, 50}, {2, 10}, {3, 70}, {4, 60}}) {
    traffic.connected(connection(std::uint8_t(number)));
    traffic.disconnected(connection(std::uint8_t(number)), moved(std::uint64_t(bytes), 0));
  }
  EXPECT_EQ(traffic.peers().size(), 2u);
  EXPECT_TRUE(traffic.peers().contains(peer(3)));
  EXPECT_TRUE(traffic.peers().contains(peer(4)));
  EXPECT_EQ(traffic.other_peers().in, 60u);
  traffic.sample(at(1s), nothing);
  EXPECT_EQ(traffic.total().in, 190u);
}

TEST(Traffic, a_peer_that_comes_back_is_not_forgotten_while_it_is_there) {
  Traffic traffic({.max_peers = 1, .rate_time = 10s});
  traffic.connected(connection(1));
  traffic.disconnected(connection(1), moved(1, 0));
  traffic.connected(connection(1));
  traffic.connected(connection(2));
  traffic.disconnected(connection(2), moved(100, 0));
  EXPECT_TRUE(traffic.peers().contains(peer(1)));
  traffic.disconnected(connection(1), moved(1, 0));
  EXPECT_FALSE(traffic.peers().contains(peer(1)));
  EXPECT_EQ(traffic.other_peers().in, 2u);
}

TEST(Traffic, no_disconnected_peer_is_kept_with_a_bound_of_none) {
  Traffic traffic({.max_peers = 0, .rate_time = 10s});
  traffic.connected(connection(1));
  traffic.disconnected(connection(1), moved(7, 0));
  EXPECT_TRUE(traffic.peers().empty());
  EXPECT_EQ(traffic.other_peers().in, 7u);
}

TEST(Traffic, transports_are_named_by_what_is_on_top) {
  for (const auto& [address, name] : {std::pair{"/ip4/192.0.2.1/tcp/1", "tcp"},
                                      {"/ip4/192.0.2.1/udp/1/quic-v1", "quic-v1"},
                                      {"/ip4/192.0.2.1/tcp/1/ws", "ws"},
                                      {"/ip4/192.0.2.1/tcp/1/tls/ws", "wss"},
                                      {"/ip4/192.0.2.1/tcp/1/wss", "wss"},
                                      {"/ip4/192.0.2.1", "other"}})
    EXPECT_EQ(transport_name(*Multiaddr::from_string(address)), name) << address;
}

}  // namespace
}  // namespace starling::host
