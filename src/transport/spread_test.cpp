// Connections on other reactors: where they go, what bounds them, and that they end, whoever ends them and when. What
// any connection must do is in transport_conformance_test.cpp, which runs over lanes, too.
#include "starling/transport/spread.hpp"

#include <gtest/gtest.h>

#include "starling/io/real.hpp"
#include "starling/io/sim_network.hpp"
#include "support/transport_ends.hpp"
#include "transport/carried.hpp"

namespace starling::transport {
namespace {

using namespace starling::testing;

constexpr std::size_t kWindow = 64u << 10;
constexpr std::size_t kOneRead = 256u << 10;  // what may be on its way beyond the window

using Lanes = std::vector<std::unique_ptr<io::Lane>>;

Lanes same_reactor_lanes(const io::World& world, std::size_t count) {
  Lanes lanes;
  while (lanes.size() < count) lanes.push_back(std::make_unique<io::Lane>(world.reactor, world));
  return lanes;
}

/// An end whose connections are spread.
struct SpreadEnd {
  SpreadEnd(io::World world, std::uint64_t number, Lanes lanes_in, const UpgraderOptions& options = upgrader_options())
      : lanes(std::move(lanes_in)), spread(world.reactor, lanes, kWindow), end(world, number, {}, options) {
    end.upgrader->spread = &spread;
  }
  io::Task<void> close() {
    co_await end.close();
    co_await spread.close();
  }
  Lanes lanes;
  Spread spread;
  End end;
};

class SpreadTest : public ::testing::Test {
 protected:
  explicit SpreadTest(std::uint64_t seed = 1) : world_({.seed = seed, .link = {}}) {}
  template <typename T>
  T run(io::Task<T> task) {
    return io::run_task(world_.reactor(), std::move(task));
  }
  void run(io::Task<void> task) { io::run_task(world_.reactor(), std::move(task)); }
  Result<LivePair> connect_once() { return run(testing::connect(client_.end, server_.end, address_)); }
  void close_all() {
    run(server_.close());
    run(client_.close());
    EXPECT_EQ(near_.open_descriptors() + far_.open_descriptors(), 0u);
  }

  io::SimWorld world_;
  io::SimHost &near_ = world_.add_host(), &far_ = world_.add_host();
  SpreadEnd client_{near_.world(), 1, same_reactor_lanes(near_.world(), 2)};
  SpreadEnd server_{far_.world(), 2, same_reactor_lanes(far_.world(), 2)};
  Multiaddr address_ = server_.end.listen(far_.at(4001));
};

TEST_F(SpreadTest, connections_go_to_the_least_busy_reactor_and_give_their_place_back) {
  std::vector<LivePair> pairs;
  for (int i = 0; i < 8; ++i) pairs.push_back(std::move(*connect_once()));
  EXPECT_EQ(client_.spread.connections(), (std::vector<std::size_t>{1, 4, 3})) << "home carries a part of each";
  EXPECT_EQ(server_.spread.connections(), (std::vector<std::size_t>{1, 4, 3}));
  for (LivePair& pair : pairs) {
    run(pair.dialer->close());
    run(pair.acceptor->gone());
  }
  pairs.clear();
  close_all();
  EXPECT_EQ(client_.spread.connections(), (std::vector<std::size_t>{0, 0, 0}));
  EXPECT_EQ(server_.spread.connections(), (std::vector<std::size_t>{0, 0, 0}));
}

TEST_F(SpreadTest, a_failed_handshake_is_counted_where_it_failed_and_leaves_nothing) {
  struct Parts {
    static io::Task<void> say(io::Network& network, io::Endpoint to, std::string_view text) {
      auto socket = std::move(*(co_await network.connect(to, {})));
      if (!text.empty()) EXPECT_TRUE(socket->try_write(as_bytes(text)));
      std::array<std::uint8_t, 256> bytes;
      for (;;) {  // until it hangs up
        const auto got = socket->try_read(bytes);
        if (got ? *got == 0 : !(got.error() == ErrorCode::WouldBlock)) co_return;
        if (!got && !co_await socket->readable()) co_return;
      }
    }
  };
  run(Parts::say(near_.world().network, far_.at(4001), "\x05hello"));
  EXPECT_EQ(server_.end.upgrader->counters.failed_negotiation, 1u);
  run(Parts::say(near_.world().network, far_.at(4001), ""));
  EXPECT_EQ(server_.end.upgrader->counters.timed_out, 1u);
  const auto wrong = run(client_.end.transport->dial(address_, {.expected_peer = peer_of(test_key(9))}));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().op(), Op::Secure);
  close_all();
  EXPECT_EQ(client_.spread.connections(), (std::vector<std::size_t>{0, 0, 0}));
}

TEST_F(SpreadTest, a_cancelled_dial_ends_on_the_lane_too) {
  auto silent = std::move(*far_.world().network.listen(far_.at(9), {}));
  const auto dialed = run(io::with_deadline(1s, io::timeout_error(Op::Dial, "test"),
                                            client_.end.transport->dial(client_.end.address(far_.at(9)), {})));
  ASSERT_FALSE(dialed);
  EXPECT_EQ(dialed.error(), ErrorCode::Timeout);
  silent.reset();
  close_all();
}

TEST_F(SpreadTest, a_connection_dropped_before_it_starts_is_let_go) {
  auto pair = connect_once();
  ASSERT_TRUE(pair);
  struct Parts {
    static io::Task<void> drop(Transport& transport, Multiaddr address) {
      EXPECT_TRUE(co_await transport.dial(std::move(address), {}));
    }
  };
  run(Parts::drop(*client_.end.transport, address_));
  run(pair->dialer->close());
  run(pair->acceptor->gone());
  pair->dialer.reset();
  pair->acceptor.reset();
  close_all();
}

TEST_F(SpreadTest, a_remote_that_vanishes_is_noticed_and_its_socket_goes) {
  auto pair = connect_once();
  ASSERT_TRUE(pair);
  far_.crash(io::SimCrash::Silent);
  const CloseReason reason = run(pair->dialer->gone());
  EXPECT_EQ(reason.by, CloseReason::By::Failure);
  ASSERT_TRUE(reason.error);
  EXPECT_EQ(*reason.error, ErrorCode::Timeout);
  (void)run(pair->acceptor->gone());
  pair->dialer.reset();
  pair->acceptor.reset();
  close_all();
}

TEST_F(SpreadTest, a_remote_that_crashes_ends_the_connection_with_the_networks_reason) {
  auto pair = connect_once();
  ASSERT_TRUE(pair);
  auto stream = std::move(*pair->dialer->connection->open_stream());
  far_.crash(io::SimCrash::Answering);
  ASSERT_TRUE(run(send(*stream, as_bytes("anybody?"))));
  const CloseReason reason = run(pair->dialer->gone());
  ASSERT_TRUE(reason.error);
  EXPECT_EQ(*reason.error, ErrorCode::ConnectionReset);
  EXPECT_EQ(stream->at_end().error(), ErrorCode::ConnectionClosed);
  stream.reset();
  (void)run(pair->acceptor->gone());
  pair->dialer.reset();
  pair->acceptor.reset();
  close_all();
}

std::uint64_t hash_of_a_busy_run(std::uint64_t seed) {
  struct Run final : SpreadTest {
    explicit Run(std::uint64_t seed) : SpreadTest(seed) {}
    void TestBody() override {
      std::vector<LivePair> pairs;
      for (int i = 0; i < 4; ++i) pairs.push_back(std::move(*connect_once()));
      for (LivePair& pair : pairs) {
        auto near = std::move(*pair.dialer->connection->open_stream());
        EXPECT_TRUE(run(send(*near, pattern(20'000))));
        const auto far = run(pair.acceptor->next_stream());
        EXPECT_TRUE(run(receive(*far, 20'000)));
      }
      for (LivePair& pair : pairs) {
        run(pair.dialer->close());
        run(pair.acceptor->gone());
      }
      pairs.clear();
      close_all();
    }
    std::uint64_t hash() const { return world_.trace_hash(); }
  } once(seed);
  once.TestBody();
  return once.hash();
}

TEST(SpreadDeterminism, lanes_in_a_simulated_world_run_the_same_for_the_same_seed) {
  EXPECT_EQ(hash_of_a_busy_run(7), hash_of_a_busy_run(7));
  EXPECT_NE(hash_of_a_busy_run(7), hash_of_a_busy_run(8));
}

// ---- the two ends of a crossing -------------------------------------------------------------------------------------

/// A byte stream from a carried end to a carried end, without muxers.
class CrossingTest : public SpreadTest {
 protected:
  struct Side {
    Side(SpreadEnd& end, io::Lane& lane, std::unique_ptr<io::StreamSocket> bare, Direction direction)
        : carried(lane, kWindow, *end.end.upgrader, std::move(bare), direction, Multiaddr(), options, taken),
          socket(
              std::make_unique<CarriedSocket>(lane.world().reactor, carried.crossing, io::Endpoint{}, io::Endpoint{})),
          work(lane.world().reactor) {
      work.spawn(lane.run(carried.carrier));
    }
    DialOptions options;
    std::size_t taken = 0;
    Carried carried;
    std::unique_ptr<CarriedSocket> socket;
    io::TaskGroup work;
  };

  void SetUp() override {
    struct Parts {
      static io::Task<void> both(io::Network& near, io::Network& far, io::Endpoint at,
                                 std::unique_ptr<io::StreamSocket>& dialed,
                                 std::unique_ptr<io::StreamSocket>& accepted) {
        const auto listener = std::move(*far.listen(at, {}));
        dialed = std::move(*(co_await near.connect(at, {})));
        accepted = std::move(*(co_await listener->accept()));
      }
    };
    run(Parts::both(near_.world().network, far_.world().network, far_.at(7), dialed_, accepted_));
  }
  void carry_both() {
    a_.emplace(client_, *client_.lanes[0], std::move(dialed_), Direction::Outbound);
    b_.emplace(server_, *server_.lanes[0], std::move(accepted_), Direction::Inbound);
    ASSERT_TRUE(run(a_->socket->until_negotiated()));
    ASSERT_TRUE(run(b_->socket->until_negotiated()));
    ASSERT_TRUE(a_->socket->negotiated().status);
    ASSERT_TRUE(b_->socket->negotiated().status);
    EXPECT_EQ(a_->socket->negotiated().remote_peer, server_.end.id);
  }
  void TearDown() override {
    for (auto* side : {&a_, &b_}) {
      if (!*side) continue;
      (*side)->socket.reset();
      run((*side)->work.join());
      settle();
      side->reset();
    }
    dialed_.reset();
    accepted_.reset();
    close_all();
  }
  void settle() { run(pause_for(world_.reactor(), 10s)); }
  /// As much as goes without anybody reading; returns the bytes.
  std::size_t fill(CarriedSocket& socket, const ByteVector& from) {
    std::size_t sent = 0;
    for (;;) {
      const auto took = socket.try_write(Bytes(from).subspan(sent));
      if (took) {
        EXPECT_LE(*took, kWindow);
        sent += *took;
        if (*took == 0) return sent;
        continue;
      }
      EXPECT_EQ(took.error(), ErrorCode::WouldBlock);
      const std::size_t before = sent;
      settle();
      if (const auto more = socket.try_write(Bytes(from).subspan(sent))) sent += *more;
      if (sent == before) return sent;
    }
  }
  static ByteVector drain(CarriedSocket& socket) {
    ByteVector all;
    std::array<std::uint8_t, 1000> piece;
    for (;;) {
      const auto got = socket.try_read(piece);
      if (!got || *got == 0) return all;
      append(all, Bytes(piece).first(*got));
    }
  }

  std::unique_ptr<io::StreamSocket> dialed_, accepted_;
  std::optional<Side> a_, b_;
};

TEST_F(CrossingTest, a_home_that_does_not_read_holds_a_window_and_the_writer_waits) {
  carry_both();
  const ByteVector bytes = pattern(4u << 20);
  const std::size_t sent = fill(*a_->socket, bytes);
  // Written: to its lane, sealed there, in the simulated sockets, at the other lane, and home.
  EXPECT_LT(sent, bytes.size());
  EXPECT_LE(sent, kWindow + kOneRead + (256u << 10) + 2 * kOneRead + kWindow);
  ByteVector got = drain(*b_->socket);
  EXPECT_GE(got.size(), kWindow);
  EXPECT_LE(got.size(), kWindow + kOneRead) << "what crossed without credit";
  while (got.size() < sent) {
    settle();
    const ByteVector more = drain(*b_->socket);
    ASSERT_FALSE(more.empty()) << "reading makes room again";
    append(got, more);
  }
  EXPECT_TRUE(equal(got, Bytes(bytes).first(sent)));
  EXPECT_TRUE(a_->socket->try_write(as_bytes("more")));
}

TEST_F(CrossingTest, what_is_moved_goes_as_a_whole_while_there_is_credit) {
  carry_both();
  const ByteVector bytes = pattern(300'000);
  ByteQueue out;
  out.append(bytes);
  EXPECT_EQ(*a_->socket->write_from(out), bytes.size());
  EXPECT_TRUE(out.empty());
  out.append(as_bytes("no credit"));
  EXPECT_EQ(a_->socket->write_from(out).error(), ErrorCode::WouldBlock);
  EXPECT_EQ(out.size(), 9u);
  EXPECT_EQ(a_->socket->try_write(out.view()).error(), ErrorCode::WouldBlock);
  ByteVector got;
  while (got.size() < bytes.size()) {
    settle();
    ByteQueue in;
    ASSERT_TRUE(b_->socket->read_into(in));
    append(got, in.view());
  }
  EXPECT_TRUE(got == bytes);
  EXPECT_EQ(*a_->socket->write_from(out), 9u);
}

TEST_F(CrossingTest, one_end_after_the_other_is_ended_and_what_was_written_before_arrives) {
  carry_both();
  ASSERT_TRUE(a_->socket->try_write(as_bytes("last")));
  a_->socket->shutdown_write();
  EXPECT_EQ(a_->socket->try_write(as_bytes("x")).error(), ErrorCode::Closed);
  settle();
  EXPECT_EQ(as_text(drain(*b_->socket)), "last");
  std::array<std::uint8_t, 8> piece;
  EXPECT_EQ(*b_->socket->try_read(piece), 0u);
  ASSERT_TRUE(b_->socket->try_write(as_bytes("answer")));
  settle();
  EXPECT_EQ(as_text(drain(*a_->socket)), "answer");
}

TEST_F(CrossingTest, a_forged_record_ends_the_stream_behind_what_was_good) {
  a_.emplace(client_, *client_.lanes[0], std::move(dialed_), Direction::Outbound);
  DialOptions options;
  Upgrade honest(*server_.end.upgrader, far_.world(), std::move(accepted_), Direction::Inbound, options);
  StageTimes times;
  ASSERT_TRUE(run(honest.run(Multiaddr(), times)));
  ByteQueue& wire = honest.wire_out();
  ASSERT_TRUE(honest.outcome().channel->seal(as_bytes("good"), wire));
  wire.append(ByteVector{0, 20});
  wire.append(pattern(20));
  ASSERT_TRUE(honest.socket()->try_write(wire.view()));
  settle();
  EXPECT_EQ(as_text(drain(*a_->socket)), "good");
  std::array<std::uint8_t, 8> piece;
  const auto got = a_->socket->try_read(piece);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error(), ErrorCode::DecryptFailed);
  EXPECT_EQ(a_->socket->try_write(as_bytes("x")).error(), got.error().code());
  honest.socket().reset();
}

// ---- threads --------------------------------------------------------------------------------------------------------

/// Pours and drinks until the connection ends.
io::Task<void> flood(RawStream& stream) {
  const ByteVector piece = pattern(32u << 10);
  while (co_await send(stream, piece)) continue;
}
io::Task<void> swallow(RawStream& stream) { (void)co_await receive(stream); }

TEST(SpreadThreads, busy_connections_are_closed_in_the_middle_of_everything) {
  const auto reactor = io::RealReactor::create();
  const auto network = reactor->make_network();
  const io::World world{*reactor, *network, system_random()};
  SpreadEnd client(world, 1, io::start_lanes(*reactor, 2)), server(world, 2, io::start_lanes(*reactor, 2));
  struct Parts {
    static io::Task<void> busy(SpreadEnd& client, SpreadEnd& server, Multiaddr address, int number) {
      auto pair = co_await testing::connect(client.end, server.end, std::move(address));
      EXPECT_TRUE(pair);
      auto near = std::move(*pair->dialer->connection->open_stream());
      EXPECT_TRUE(co_await send(*near, as_bytes("!")));
      const auto far = co_await pair->acceptor->next_stream();
      io::Reactor& home = client.end.upgrader->world.reactor;
      io::TaskGroup group(home);
      for (RawStream* each : {near.get(), far.get()}) {
        group.spawn(flood(*each));
        group.spawn(swallow(*each));
      }
      co_await pause_for(home, 5ms * number);
      if (number % 3 == 0) pair->acceptor->connection->close(CloseReason::local(CloseCode::Shutdown));
      pair->dialer->connection->close(CloseReason::local(CloseCode::Shutdown));
      (void)co_await pair->dialer->gone();
      (void)co_await pair->acceptor->gone();
      co_await group.join();
    }
    static io::Task<void> all(SpreadEnd& client, SpreadEnd& server, Multiaddr address) {
      // One dial at a time, so that each finds its own acceptor.
      for (int number = 0; number < 12; ++number) co_await busy(client, server, address, number);
      co_await server.close();
      co_await client.close();
    }
  };
  const Multiaddr address = server.end.listen({*io::IpAddress::from_string("127.0.0.1"), 0});
  io::run_task(*reactor, Parts::all(client, server, address));
}

TEST(SpreadThreads, handshakes_under_way_end_with_their_listener) {
  const auto reactor = io::RealReactor::create();
  const auto network = reactor->make_network();
  const io::World world{*reactor, *network, system_random()};
  SpreadEnd server(world, 2, io::start_lanes(*reactor, 2));
  struct Parts {
    static io::Task<void> all(io::Network& network, SpreadEnd& server, io::Endpoint at) {
      std::vector<std::unique_ptr<io::StreamSocket>> silent;
      for (int i = 0; i < 40; ++i) silent.push_back(std::move(*(co_await network.connect(at, {}))));
      while (server.end.upgrader->counters.accepted < 40) co_await pause_for(server.end.upgrader->world.reactor, 1ms);
      co_await server.close();
      EXPECT_EQ(server.spread.connections(), (std::vector<std::size_t>{0, 0, 0}));
      EXPECT_GE(server.end.upgrader->counters.evicted_pending, 40u - 16u);
    }
  };
  const Multiaddr address = server.end.listen({*io::IpAddress::from_string("127.0.0.1"), 0});
  io::run_task(*reactor, Parts::all(*network, server, *tcp_endpoint(address)));
}

}  // namespace
}  // namespace starling::transport
