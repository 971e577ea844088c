// UDP of the simulated network: delay, loss, order, sizes, bounds.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "io/stream_testing.hpp"
#include "starling/io/sim_network.hpp"

namespace starling::io {
namespace {

using namespace std::chrono_literals;
using namespace testing;

struct TwoSockets {
  explicit TwoSockets(SimLink link = {}, SimHostOptions from_options = {}, SimHostOptions to_options = {})
      : world(7), from(world.add_host(from_options)), to(world.add_host(to_options)) {
    world.set_default_link(link);
    sender = *from.world().network.bind_datagram(from.at(0));
    receiver = *to.world().network.bind_datagram({IpAddress(), 9000});
  }
  /// First bytes of the datagrams waiting, in their order.
  std::vector<int> received() {
    std::vector<int> all;
    std::uint8_t buffer[2000];
    while (auto got = receiver->try_receive(buffer)) all.push_back(got->size > 0 ? buffer[0] : -1);
    return all;
  }
  void send(int first_byte, std::size_t size = 100) {
    ByteVector content(size, std::uint8_t(first_byte));
    EXPECT_TRUE(sender->try_send(content, to.at(9000)));
  }
  SimWorld world;
  SimHost& from;
  SimHost& to;
  std::unique_ptr<DatagramSocket> sender, receiver;
};

TEST(SimUdp, a_datagram_takes_the_latency_and_names_its_sender) {
  TwoSockets two(SimLink{.latency = 30ms});
  const TimePoint start = two.world.now();
  two.send(1);
  struct Wait {
    static Task<Status> readable(DatagramSocket& socket) { co_return co_await socket.readable(); }
  };
  ASSERT_TRUE(run_task(two.world.reactor(), Wait::readable(*two.receiver)));
  EXPECT_EQ(two.world.now() - start, 30ms);
  std::uint8_t buffer[10];
  auto got = two.receiver->try_receive(buffer);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->size, 10u) << "what does not fit is cut off";
  EXPECT_EQ(got->from, two.sender->local());
  EXPECT_EQ(code_of(two.receiver->try_receive(buffer)), ErrorCode::WouldBlock);
}

TEST(SimUdp, without_jitter_the_order_is_kept_and_with_it_is_not) {
  for (const Duration jitter : {Duration(0), Duration(20ms)}) {
    TwoSockets two(SimLink{.jitter = jitter});
    for (int i = 0; i < 50; ++i) two.send(i);
    two.world.run_for(1s);
    const std::vector<int> all = two.received();
    EXPECT_EQ(all.size(), 50u);
    EXPECT_EQ(std::is_sorted(all.begin(), all.end()), jitter == Duration(0));
  }
}

TEST(SimUdp, loses_its_share) {
  TwoSockets two(SimLink{.datagram_loss = 0.25});
  for (int i = 0; i < 1000; ++i) two.send(i & 0xff);
  two.world.run_for(1s);
  EXPECT_NEAR(double(two.received().size()), 750, 50);
  EXPECT_EQ(two.world.counters().datagrams + two.world.counters().datagrams_lost, 1000u);
}

TEST(SimUdp, datagrams_above_the_mtu_vanish) {
  TwoSockets two(SimLink{.mtu_bytes = 1280});
  two.send(1, 1280 - 28);
  two.send(2, 1280 - 27);
  two.world.run_for(1s);
  EXPECT_EQ(two.received(), std::vector<int>{1});
}

TEST(SimUdp, a_receiver_who_does_not_read_loses_what_comes_after_its_bound) {
  TwoSockets two({}, {}, {.datagram_receive_bytes = 10 * 164});
  for (int i = 0; i < 20; ++i) two.send(i);
  two.world.run_for(1s);
  EXPECT_EQ(two.received(), (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(two.world.counters().datagrams_lost, 10u);
}

TEST(SimUdp, a_full_upload_makes_the_sender_wait) {
  TwoSockets two({}, {.upload_bytes_per_second = 100'000, .datagram_send_bytes = 10'000});
  const ByteVector content(1000, 1);
  int sent = 0;
  while (two.sender->try_send(content, two.to.at(9000))) ++sent;
  EXPECT_EQ(sent, 11);
  const TimePoint start = two.world.now();
  struct Wait {
    static Task<Status> writable(DatagramSocket& socket) { co_return co_await socket.writable(); }
  };
  ASSERT_TRUE(run_task(two.world.reactor(), Wait::writable(*two.sender)));
  EXPECT_EQ(two.world.now() - start, 60ms);
  EXPECT_TRUE(two.sender->try_send(content, two.to.at(9000)));
}

TEST(SimUdp, a_narrow_link_drops_what_would_wait_too_long) {
  TwoSockets two(SimLink{.bytes_per_second = 100'000, .datagram_queue = 50ms});
  for (int i = 0; i < 20; ++i) two.send(i, 1000);
  two.world.run_for(1s);
  EXPECT_EQ(two.received(), (std::vector<int>{0, 1, 2, 3, 4, 5}));
}

TEST(SimUdp, nobody_there_is_silence_and_no_such_host_an_error) {
  TwoSockets two;
  EXPECT_TRUE(two.sender->try_send(as_bytes("x"), two.to.at(1)));
  EXPECT_EQ(code_of(two.sender->try_send(as_bytes("x"), {IpAddress::v4({9, 9, 9, 9}), 1})), ErrorCode::Unreachable);
  EXPECT_EQ(code_of(two.sender->try_send(ByteVector(70'000), two.to.at(1))), ErrorCode::TooLarge);
}

TEST(SimUdp, a_port_is_bound_once) {
  TwoSockets two;
  Network& network = two.to.world().network;
  EXPECT_EQ(code_of(network.bind_datagram(two.to.at(9000))), ErrorCode::AddressInUse);
  two.receiver->close();
  EXPECT_TRUE(network.bind_datagram(two.to.at(9000)));
}

TEST(SimUdp, loopback_reaches_the_own_host_only) {
  TwoSockets two;
  auto local = two.from.world().network.bind_datagram({IpAddress(), 9000});
  ASSERT_TRUE(local);
  ASSERT_TRUE((*local)->try_send(as_bytes("me"), {IpAddress::v4({127, 0, 0, 1}), 9000}));
  two.world.run_for(1s);
  std::uint8_t buffer[10];
  auto got = (*local)->try_receive(buffer);
  ASSERT_TRUE(got);
  EXPECT_TRUE(got->from.address.is_loopback());
  EXPECT_TRUE(two.received().empty());
}

}  // namespace
}  // namespace starling::io
