// Strangers on the UDP port: floods of first packets from one and from many addresses, packets for connections that
// never were, unknown versions, garbage. An honest peer keeps talking over QUIC meanwhile.
#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdio>
#include <functional>

#include "hostile/processor_budget.hpp"
#include "starling/io/sim_network.hpp"
#include "support/transport_ends.hpp"

namespace starling::testing {
namespace {

constexpr std::size_t kMemoryBudget = 48u << 20;  // bytes more, the attackers' and the simulator's included

std::size_t heap_in_use() {
  const struct mallinfo2 info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

/// A first packet that nothing is wrong with as far as can be seen without its keys.
ByteVector initial_packet(Random& random) {
  ByteVector packet(1200);
  random.fill(packet);
  packet[0] = 0xc3;
  put_u32_be(packet.data() + 1, 1);  // version
  packet[5] = 8;                     // destination id
  packet[14] = 8;                    // source id
  packet[23] = 0;                    // no token
  put_u16_be(packet.data() + 24, 0x4000 | std::uint16_t(packet.size() - 26));
  return packet;
}

ByteVector random_packet(Random& random, std::uint8_t first, std::size_t size) {
  ByteVector packet(size);
  random.fill(packet);
  packet[0] = first;
  return packet;
}

class QuicFloods : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!transport::quic_available()) GTEST_SKIP() << "a build without QUIC";
    auto options = quic_options();
    options.max_pending_inbound = 64;
    options.retry_above = 16;
    server_ = make(2, victim_.world(), options);
    client_ = make(1, honest_.world(), quic_options());
    listener_ = std::move(*server_->listen(transport::quic_multiaddr(victim_.at(4001))));
    before_ = heap_in_use();
  }
  void TearDown() override {
    if (client_) run(end());
  }
  static std::unique_ptr<transport::QuicTransport> make(std::uint64_t key, io::World world,
                                                        const transport::QuicOptions& options) {
    return std::move(*transport::make_quic_transport(world, test_key(key), options));
  }
  void run(io::Task<void> task) { io::run_task(world_.reactor(), std::move(task)); }
  io::Task<void> end() {
    if (dialer_) co_await dialer_->close();
    if (acceptor_) co_await acceptor_->close();
    co_await listener_->close();
  }

  /// Sends `packets` a millisecond of each attacker's packets for `seconds` while the honest peer connects and talks.
  void endure(int attackers, int packets, const std::function<ByteVector(Random&)>& make_packet) {
    for (int i = 0; i < attackers; ++i) {
      io::SimHost& host = world_.add_host();
      sockets_.push_back(std::move(*host.world().network.bind_datagram({io::IpAddress(), 0})));
    }
    const ProcessorBudget processor(world_);
    io::TaskGroup flood(world_.reactor());
    flood.spawn(attack(packets, make_packet));
    run(pause_for(world_.reactor(), 300ms));
    run(be_honest());
    run([](io::TaskGroup& group) -> io::Task<void> { co_await group.close(); }(flood));
    sockets_.clear();
    const std::size_t heap = heap_in_use(), grown = heap - std::min(heap, before_);
    const double seconds = processor.used_seconds();
    std::printf("  memory +%zu of %zu KiB, %llu KiB passed, %.2f of %.2f s of one core\n", grown >> 10,
                kMemoryBudget >> 10, (unsigned long long)(processor.bytes() >> 10), seconds,
                processor.allowed_seconds());
    EXPECT_LE(grown, kMemoryBudget);
    EXPECT_LE(seconds, processor.allowed_seconds());
    EXPECT_EQ(exchanges_, 20);
    EXPECT_LE(slowest_, 500ms);
  }
  io::Task<void> attack(int packets, const std::function<ByteVector(Random&)>& make_packet) {
    for (;;) {
      for (auto& socket : sockets_)
        for (int i = 0; i < packets; ++i) (void)socket->try_send(make_packet(*random_), victim_.at(4001));
      if (!co_await io::sleep_for(world_.reactor(), 2ms)) co_return;
    }
  }
  io::Task<void> be_honest() {
    io::TaskGroup accepting(world_.reactor());
    accepting.spawn(start_next(*listener_, acceptor_));
    auto dialed = co_await client_->dial(listener_->address(), {peer_of(test_key(2)), nullptr});
    EXPECT_TRUE(dialed) << dialed.error().message();
    if (dialed) {
      dialer_ = std::make_unique<Live>(std::move(*dialed));
      co_await accepting.join();
      for (int i = 0; i < 20; ++i) co_await exchange();
    }
    co_await accepting.close();
  }
  io::Task<void> exchange() {
    const TimePoint start = world_.now();
    auto near = dialer_->connection->open_stream();
    if (!near || !co_await send_and_close(**near, as_bytes("question"))) co_return;
    const auto far = co_await acceptor_->next_stream();
    if (far == nullptr || !co_await receive(*far) || !co_await send_and_close(*far, as_bytes("answer"))) co_return;
    if (text_of(co_await receive(**near)) == "answer") ++exchanges_;
    slowest_ = std::max(slowest_, world_.now() - start);
  }

  io::SimWorld world_{3};
  io::SimHost &victim_ = world_.add_host({.datagram_receive_bytes = 4u << 20}), &honest_ = world_.add_host();
  std::unique_ptr<Random> random_ = seeded_random(9);
  std::unique_ptr<transport::QuicTransport> server_, client_;
  std::unique_ptr<transport::TransportListener> listener_;
  std::unique_ptr<Live> dialer_, acceptor_;
  std::vector<std::unique_ptr<io::DatagramSocket>> sockets_;
  std::size_t before_ = 0;
  int exchanges_ = 0;
  Duration slowest_{};
};

TEST_F(QuicFloods, first_packets_from_one_address) {
  endure(/*attackers=*/1, /*packets=*/10, initial_packet);
  EXPECT_GE(server_->counters().accepted, 17u);
  EXPECT_GE(server_->counters().handshakes_failed + server_->counters().retries_sent, 17u);
}

TEST_F(QuicFloods, first_packets_from_many_addresses) { endure(/*attackers=*/100, /*packets=*/1, initial_packet); }

TEST_F(QuicFloods, packets_for_connections_that_never_were) {
  endure(10, 5, [](Random& random) { return random_packet(random, 0x41, 100); });
  EXPECT_GE(server_->counters().resets_sent, 1u);
  EXPECT_GE(server_->counters().replies_suppressed, 100u);
}

TEST_F(QuicFloods, unknown_versions) {
  endure(10, 5, [](Random& random) {
    ByteVector packet = random_packet(random, 0xc0, 1200);
    put_u32_be(packet.data() + 1, 0x1a2a3a4a);
    packet[5] = packet[14] = 8;
    return packet;
  });
  EXPECT_GE(server_->counters().versions_sent, 1u);
}

TEST_F(QuicFloods, garbage) {
  endure(10, 5, [](Random& random) { return random_packet(random, std::uint8_t(random.next_u64()), 300); });
}

}  // namespace
}  // namespace starling::testing
