// What only shows on the simulated network: limits, time-outs, crashes and closing of one connection.
#include <gtest/gtest.h>

#include <functional>

#include "starling/io/sim_network.hpp"
#include "support/transport_ends.hpp"
#include "transport/turn_sizes.hpp"

namespace starling::transport {
namespace {

using namespace starling::testing;
using By = CloseReason::By;

class OneConnection : public ::testing::Test {
 protected:
  void start(const Stack& stack = {}, const UpgraderOptions& options = upgrader_options()) {
    client_ = std::make_unique<End>(client_host_.world(), 1, stack, options);
    server_ = std::make_unique<End>(server_host_.world(), 2, stack, options);
    auto pair = run(connect(*client_, *server_, server_->listen(server_host_.at(4001))));
    ASSERT_TRUE(pair) << pair.error().message();
    dialer_ = std::move(pair->dialer);
    acceptor_ = std::move(pair->acceptor);
  }
  void TearDown() override {
    run(dialer_->close());
    run(acceptor_->close());
    run(server_->close());
    if (client_host_.running()) EXPECT_EQ(client_host_.open_descriptors(), 0u);
    if (server_host_.running()) EXPECT_EQ(server_host_.open_descriptors(), 0u);
    EXPECT_EQ(world_.reactor().armed_timers(), 0u);
  }
  template <typename T>
  T run(io::Task<T> task) {
    return io::run_task(world_.reactor(), std::move(task));
  }
  void run(io::Task<void> task) { io::run_task(world_.reactor(), std::move(task)); }

  struct StreamPair {
    std::unique_ptr<RawStream> near, far;
  };
  StreamPair open_pair() {
    StreamPair pair{std::move(*dialer_->connection->open_stream()), nullptr};
    EXPECT_TRUE(run(send(*pair.near, as_bytes("!"))));
    pair.far = run(acceptor_->next_stream());
    EXPECT_EQ(text_of(run(receive(*pair.far, 1))), "!");
    return pair;
  }

  io::SimWorld world_;
  io::SimHost &client_host_ = world_.add_host(), &server_host_ = world_.add_host();
  std::unique_ptr<End> client_, server_;
  std::unique_ptr<Live> dialer_, acceptor_;
};

TEST_F(OneConnection, a_reader_that_stops_keeps_its_stream_however_large_the_window_has_grown) {
  UpgraderOptions options = upgrader_options();
  options.max_stream_inbox = 512u << 10;
  start({}, options);
  auto [near, far] = open_pair();
  const ByteVector warm_up = pattern(32u << 20);
  std::optional<Status> sent;
  io::TaskGroup group(world_.reactor());
  group.spawn(keep(send(*near, warm_up), sent));
  EXPECT_TRUE(run(receive(*far, warm_up.size() / 2)));  // the window grows as the reader keeps up
  world_.run_for(10s);
  EXPECT_GT(far->peek().size(), options.max_stream_inbox);
  EXPECT_EQ(far->close_reason(), nullptr);
  EXPECT_TRUE(run(receive(*far, warm_up.size() / 2)));
  run(group.join());
  EXPECT_TRUE(*sent);
}

TEST_F(OneConnection, without_flow_control_a_reader_that_stops_loses_its_stream) {
  start({{"noise"}, {"mplex"}});
  auto [near, far] = open_pair();
  auto other = open_pair();
  std::optional<Status> sent;
  io::TaskGroup group(world_.reactor());
  const ByteVector flood = pattern(8u << 20);
  group.spawn(keep(send(*near, flood), sent));
  run(group.join());
  EXPECT_FALSE(*sent);
  ASSERT_NE(far->close_reason(), nullptr);
  EXPECT_EQ(far->close_reason()->code, std::uint32_t(ResetCode::ResourceLimit));
  EXPECT_LE(far->peek().size(), 2u << 20);
  EXPECT_TRUE(run(send(*other.near, as_bytes("fine")))) << "the connection goes on";
  EXPECT_EQ(text_of(run(receive(*other.far, 4))), "fine");
}

TEST_F(OneConnection, writers_wait_when_the_socket_takes_nothing_and_memory_stays_bounded) {
  start();
  world_.partition(client_host_, server_host_);
  std::vector<std::unique_ptr<RawStream>> streams;
  std::size_t taken = 0;
  for (int i = 0; i < 50; ++i) {
    streams.push_back(std::move(*dialer_->connection->open_stream()));
    const ByteVector data = pattern(100u << 10);
    for (int tries = 0; tries < 5; ++tries) {
      taken += streams.back()->try_write(data).value_or(0);
      world_.run_for(1ms);
    }
  }
  EXPECT_LE(taken, (256u << 10) + (256u << 10) + (64u << 10) + (100u << 10)) << "socket, sealed records, output buffer";
}

TEST_F(OneConnection, a_short_message_finds_room_beside_bulk_up_to_a_bound) {
  start();
  world_.partition(client_host_, server_host_);
  const ByteVector bulk = pattern(100u << 10), message = pattern(kShortMessage);
  std::vector<std::unique_ptr<RawStream>> streams;
  for (int i = 0; i < 20; ++i) {  // many, since each has a window of its own
    streams.push_back(std::move(*dialer_->connection->open_stream()));
    for (int tries = 0; tries < 5; ++tries) {
      (void)streams.back()->try_write(bulk);
      world_.run_for(1ms);
    }
  }
  const auto chat = std::move(*dialer_->connection->open_stream());
  EXPECT_EQ(chat->try_write(bulk).error(), ErrorCode::WouldBlock);
  EXPECT_EQ(chat->try_write(message).value_or(0), message.size());
  std::size_t taken = 0;
  while (const auto more = chat->try_write(message)) taken += *more;
  EXPECT_LT(taken, kShortMessagesRoom);
}

TEST_F(OneConnection, closing_while_the_socket_is_full_sends_everything_once_it_drains) {
  start();
  io::SimLink slow{.latency = 10ms, .bytes_per_second = 1'000'000};
  world_.set_link(client_host_, server_host_, slow);
  auto [near, far] = open_pair();
  const ByteVector data = pattern(200u << 10);
  ASSERT_TRUE(run(send_and_close(*near, data)));
  const TimePoint start = world_.now();
  dialer_->connection->close(CloseReason::local(CloseCode::Shutdown));
  run(dialer_->gone());
  EXPECT_LT(world_.now() - start, 500ms);
  run(acceptor_->gone());
  EXPECT_TRUE(run(receive(*far)) == data);
}

TEST_F(OneConnection, a_remote_that_takes_nothing_delays_closing_by_the_close_timeout_only) {
  start();
  auto [near, far] = open_pair();
  world_.partition(client_host_, server_host_);
  ASSERT_TRUE(run(send(*near, pattern(50u << 10))));
  const TimePoint start = world_.now();
  run(dialer_->close());
  EXPECT_EQ(world_.now() - start, client_->upgrader->options.close_timeout);
  world_.heal_all();
}

TEST_F(OneConnection, a_remote_that_vanishes_is_noticed_by_the_keep_alive) {
  start();
  auto [near, far] = open_pair();
  server_host_.crash(io::SimCrash::Silent);
  const TimePoint start = world_.now();
  const CloseReason reason = run(dialer_->gone());
  EXPECT_EQ(reason.by, By::Failure);
  ASSERT_TRUE(reason.error);
  EXPECT_EQ(*reason.error, ErrorCode::Timeout);
  const auto& muxer = client_->upgrader->options.muxer;
  EXPECT_LE(world_.now() - start, muxer.keep_alive_interval + muxer.keep_alive_timeout + 3s);
  EXPECT_EQ(near->at_end().error(), ErrorCode::ConnectionClosed);
}

TEST_F(OneConnection, an_address_that_goes_away_is_noticed_by_the_keep_alive_of_both_sides) {
  start();
  const TimePoint start = world_.now();
  client_host_.set_addresses({io::IpAddress::v4({11, 1, 1, 2})});
  for (const auto& side : {&dialer_, &acceptor_}) {
    const CloseReason reason = run((*side)->gone());
    ASSERT_TRUE(reason.error);
    EXPECT_EQ(*reason.error, ErrorCode::Timeout);
  }
  const auto& muxer = client_->upgrader->options.muxer;
  EXPECT_LE(world_.now() - start, muxer.keep_alive_interval + muxer.keep_alive_timeout + 3s);
}

TEST_F(OneConnection, a_remote_whose_process_died_is_noticed_by_the_next_write) {
  start();
  auto [near, far] = open_pair();
  server_host_.crash(io::SimCrash::Answering);
  world_.run_for(1ms);
  (void)near->try_write(as_bytes("anyone?"));
  const CloseReason reason = run(dialer_->gone());
  EXPECT_EQ(reason.by, By::Failure);
  EXPECT_NE(reason.to_string().find("failed"), std::string::npos);
  EXPECT_EQ(run(receive(*near)).error(), ErrorCode::ConnectionClosed);
}

TEST_F(OneConnection, streams_beyond_the_backlog_can_be_opened_when_the_remote_takes_earlier_ones) {
  UpgraderOptions options = upgrader_options();
  options.muxer.accept_backlog = 4;
  start({}, options);
  std::vector<std::unique_ptr<RawStream>> streams;
  for (int i = 0; i < 4; ++i) streams.push_back(std::move(*dialer_->connection->open_stream()));
  EXPECT_EQ(dialer_->connection->open_stream().error(), ErrorCode::StreamLimit);
  struct Steps {
    static io::Task<Status> wait(Connection& connection) { co_return co_await connection.openable(); }
  };
  const TimePoint start = world_.now();
  ASSERT_TRUE(run(Steps::wait(*dialer_->connection)));
  EXPECT_EQ(world_.now() - start, 20ms) << "one round trip";
  EXPECT_TRUE(dialer_->connection->open_stream());
}

/// An opener that waits for a place, and how it went.
class OpenerWaits : public OneConnection {
 protected:
  void SetUp() override {
    UpgraderOptions options = upgrader_options();
    options.muxer.max_outbound_streams = 2;
    start({}, options);
    first_ = open_pair();
    second_ = open_pair();
  }
  io::Task<Status> open() {
    for (;;) {
      auto stream = dialer_->connection->open_stream();
      if (stream) co_return Status{};
      if (!(stream.error() == ErrorCode::StreamLimit)) co_return std::unexpected(stream.error());
      STARLING_CO_CHECK(co_await dialer_->connection->openable());
    }
  }
  Status opened_after(const std::function<void()>& event) {
    std::optional<Status> opened;
    io::TaskGroup group(world_.reactor());
    group.spawn(keep(open(), opened));
    world_.run_for(1s);
    EXPECT_FALSE(opened);
    event();
    run(group.join());
    return *opened;
  }
  StreamPair first_, second_;
};

TEST_F(OpenerWaits, until_a_stream_is_dropped) {
  EXPECT_TRUE(opened_after([&] { first_.near.reset(); }));
}
TEST_F(OpenerWaits, until_a_stream_is_reset) {
  EXPECT_TRUE(opened_after([&] { second_.near->reset(ResetCode::None); }));
}
TEST_F(OpenerWaits, until_the_remote_resets_a_stream) {
  EXPECT_TRUE(opened_after([&] { second_.far->reset(ResetCode::None); }));
}
TEST_F(OpenerWaits, until_a_stream_is_closed_by_the_remote_last) {
  first_.near->close_write();
  EXPECT_TRUE(opened_after([&] { first_.far->close_write(); }));
}
TEST_F(OpenerWaits, until_a_stream_is_closed_by_us_last) {
  first_.far->close_write();
  EXPECT_TRUE(opened_after([&] { first_.near->close_write(); }));
}
TEST_F(OpenerWaits, until_the_connection_ends) {
  const Status opened = opened_after([&] { dialer_->connection->close(CloseReason::local(CloseCode::None)); });
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error(), ErrorCode::ConnectionClosed);
}

}  // namespace
}  // namespace starling::transport
