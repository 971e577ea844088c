// Private networks at the transport: equal keys connect, others find out within a round trip, both sides by name, and
// nothing leaves in the open. And what carries them: a socket that writes and reads through a channel.
#include <gtest/gtest.h>

#include "io/stream_testing.hpp"
#include "starling/io/sim_network.hpp"
#include "support/transport_ends.hpp"
#include "transport/channel_socket.hpp"

namespace starling::transport {
namespace {

using namespace starling::testing;

security::PrivateNetworkKey psk(std::uint64_t seed) {
  return security::PrivateNetworkKey::generate(*seeded_random(seed));
}

class PrivateNetworks : public ::testing::Test {
 protected:
  void SetUp() override {
    world_.set_default_link({.latency = 30ms});
    server_.upgrader->private_network = psk(1);
    client_.upgrader->private_network = psk(1);
  }
  void TearDown() override {
    io::run_task(world_.reactor(), server_.close());
    EXPECT_EQ(client_host_.open_descriptors() + server_host_.open_descriptors(), 0u);
  }
  Result<LivePair> connect_ends() {
    return io::run_task(world_.reactor(), connect(client_, server_, server_.listen(server_host_.at(1))));
  }
  io::SimWorld world_;
  io::SimHost &client_host_ = world_.add_host(), &server_host_ = world_.add_host();
  End client_{client_host_.world(), 1}, server_{server_host_.world(), 2};
};

TEST_F(PrivateNetworks, connect_and_carry_streams_with_equal_keys) {
  auto pair = connect_ends();
  ASSERT_TRUE(pair) << pair.error().message();
  auto stream = pair->dialer->connection->open_stream();
  ASSERT_TRUE(stream);
  const ByteVector sent = pattern(700'000);
  std::optional<Status> done;
  io::TaskGroup group(world_.reactor());
  group.spawn(keep(send_and_close(**stream, sent), done));
  const auto far = io::run_task(world_.reactor(), pair->acceptor->next_stream());
  EXPECT_TRUE(io::run_task(world_.reactor(), receive(*far)) == sent);
  io::run_task(world_.reactor(), group.join());
  io::run_task(world_.reactor(), pair->dialer->close());
  EXPECT_EQ(io::run_task(world_.reactor(), pair->acceptor->gone()).by, CloseReason::By::Remote);
}

TEST_F(PrivateNetworks, a_wrong_key_fails_within_a_round_trip_by_name) {
  client_.upgrader->private_network = psk(2);
  const Multiaddr address = server_.listen(server_host_.at(1));
  const TimePoint start = world_.now();
  const auto dialed = io::run_task(world_.reactor(), client_.transport->dial(address, {server_.id, nullptr}));
  ASSERT_FALSE(dialed);
  EXPECT_NE(dialed.error().message().find("private network key differs"), std::string::npos)
      << dialed.error().message();
  EXPECT_LE(world_.now() - start, 2 * 60ms) << "one to connect, one to find out";
  EXPECT_EQ(server_.upgrader->counters.failed_negotiation, 1u);
}

TEST_F(PrivateNetworks, a_dialer_without_a_key_gets_nothing_it_can_read) {
  client_.upgrader->private_network.reset();
  const Multiaddr address = server_.listen(server_host_.at(1));
  EXPECT_FALSE(io::run_task(world_.reactor(), client_.transport->dial(address, {server_.id, nullptr})));
  EXPECT_EQ(server_.upgrader->counters.failed_negotiation, 1u);
}

TEST_F(PrivateNetworks, a_listener_without_a_key_is_told_apart_when_it_hangs_up) {
  server_.upgrader->private_network.reset();
  const Multiaddr address = server_.listen(server_host_.at(1));
  const auto dialed = io::run_task(world_.reactor(), client_.transport->dial(address, {server_.id, nullptr}));
  ASSERT_FALSE(dialed);
  EXPECT_EQ(dialed.error().code(), ErrorCode::PrivateNetworkMismatch) << dialed.error().message();
}

io::Task<Result<ByteVector>> first_bytes(io::Listener& listener, std::size_t size) {
  STARLING_CO_TRY(auto socket, co_await listener.accept());
  ByteVector all(size);
  for (std::size_t have = 0; have < size;) {
    STARLING_CO_TRY(const std::size_t got, co_await io::testing::read_some(*socket, MutableBytes(all).subspan(have)));
    if (got == 0) break;
    have += got;
  }
  co_return all;
}

TEST_F(PrivateNetworks, not_even_the_first_words_leave_in_the_open) {
  auto listener = server_host_.world().network.listen(server_host_.at(9), {}).value();
  std::optional<Result<ByteVector>> seen;
  std::optional<Result<std::unique_ptr<Connection>>> dialed;
  io::TaskGroup group(world_.reactor());
  group.spawn(keep(first_bytes(*listener, 24 + 20), seen));
  group.spawn(keep(client_.transport->dial(tcp_multiaddr(server_host_.at(9)), {}), dialed));
  io::run_task(world_.reactor(), group.join());
  ASSERT_TRUE(*seen);
  EXPECT_EQ(as_text(**seen).find("multistream"), std::string_view::npos);
  EXPECT_FALSE(*dialed);
}

// A channel that turns bits over, and answers "?" with "!".
class Inverting final : public security::Channel {
 public:
  Status seal(Bytes plaintext, ByteQueue& wire) override {
    if (std::exchange(asked_, false)) wire.append(as_bytes("!"));
    for (const std::uint8_t byte : plaintext) wire.append(Bytes{std::array{std::uint8_t(~byte)}});
    return {};
  }
  Status open(ByteQueue& wire, security::PlaintextSink& sink) override {
    ByteVector plain;
    for (const std::uint8_t byte : wire.view()) plain.push_back(std::uint8_t(~byte));
    wire.clear();
    asked_ |= !plain.empty() && plain[0] == '?';
    return sink.on_plaintext(plain);
  }
  Status close(ByteQueue& wire) override {
    wire.append(as_bytes("bye"));
    return {};
  }
  bool remote_closed() const override { return false; }

 private:
  bool asked_ = false;
};

class ChannelSockets : public ::testing::Test {
 protected:
  void SetUp() override {
    auto pair =
        io::run_task(world_.reactor(), io::testing::make_pair(a_.world().network, *listener_, b_.at(1))).value();
    near_ = std::make_unique<ChannelSocket>(world_.reactor(), std::move(pair.client), std::make_unique<Inverting>());
    far_ = std::move(pair.server);
  }
  template <typename T>
  T run(io::Task<T> task) {
    return io::run_task(world_.reactor(), std::move(task));
  }
  static io::Task<Status> write(io::StreamSocket& to, Bytes bytes) {
    co_return co_await io::testing::write_all(to, bytes);
  }
  static io::Task<Result<ByteVector>> read(io::StreamSocket& from, std::size_t size, std::size_t piece) {
    ByteVector all(size);
    std::size_t have = 0;
    while (have < size) {
      const auto room = MutableBytes(all).subspan(have, std::min(piece, size - have));
      STARLING_CO_TRY(const std::size_t got, co_await io::testing::read_some(from, room));
      if (got == 0) break;
      have += got;
    }
    all.resize(have);
    co_return all;
  }
  io::SimWorld world_;
  io::SimHost &a_ = world_.add_host(), &b_ = world_.add_host();
  std::unique_ptr<io::Listener> listener_ = b_.world().network.listen(b_.at(1), {}).value();
  std::unique_ptr<io::StreamSocket> near_, far_;
};

ByteVector inverted(Bytes bytes) {
  ByteVector all = to_vector(bytes);
  for (std::uint8_t& byte : all) byte = std::uint8_t(~byte);
  return all;
}

TEST_F(ChannelSockets, write_more_than_the_socket_takes_at_once_and_lose_nothing) {
  const ByteVector data = pattern(1'000'000);
  std::optional<Status> done;
  io::TaskGroup group(world_.reactor());
  group.spawn(keep(write(*near_, data), done));
  world_.run_for(1s);
  EXPECT_FALSE(done) << "nobody reads yet";
  const auto got = run(read(*far_, data.size(), 10'000));
  ASSERT_TRUE(got);
  EXPECT_TRUE(*got == inverted(data));
  run([](io::TaskGroup& all) -> io::Task<bool> {
    co_await all.join();
    co_return true;
  }(group));
  EXPECT_TRUE(*done);
}

TEST_F(ChannelSockets, hand_out_what_they_decoded_in_pieces_as_small_as_asked_for) {
  const ByteVector data = pattern(5000);
  ASSERT_TRUE(run(write(*far_, inverted(data))));
  const auto got = run(read(*near_, data.size(), 3));
  ASSERT_TRUE(got);
  EXPECT_TRUE(*got == data);
}

TEST_F(ChannelSockets, wake_a_reader_for_what_is_decoded_already) {
  ASSERT_TRUE(run(write(*far_, inverted(as_bytes("abc")))));
  world_.run_for(1s);
  ByteVector one(1);
  ASSERT_EQ(near_->try_read(one).value(), 1u);
  EXPECT_TRUE(run([](io::StreamSocket& s) -> io::Task<Status> { co_return co_await s.readable(); }(*near_)));
  ByteVector rest(9);
  EXPECT_EQ(near_->try_read(rest).value(), 2u);
  EXPECT_EQ(near_->try_read(rest).error(), ErrorCode::WouldBlock);
}

TEST_F(ChannelSockets, send_the_channels_own_answers_when_they_read) {
  ASSERT_TRUE(run(write(*far_, inverted(as_bytes("?")))));
  ASSERT_TRUE(run(read(*near_, 1, 1)));
  EXPECT_EQ(text_of(run(read(*far_, 1, 1))), "!");
}

TEST_F(ChannelSockets, say_goodbye_and_end_the_stream_but_go_on_reading) {
  near_->shutdown_write();
  EXPECT_EQ(near_->try_write(as_bytes("x")).error(), ErrorCode::Closed);
  EXPECT_EQ(text_of(run(read(*far_, 10, 10))), "bye") << "and then the end";
  ASSERT_TRUE(run(write(*far_, inverted(as_bytes("late")))));
  EXPECT_EQ(text_of(run(read(*near_, 4, 4))), "late");
  far_->close();
  EXPECT_EQ(run(read(*near_, 1, 1)).value().size(), 0u);
}

TEST_F(ChannelSockets, wake_their_reader_when_closed) {
  std::optional<Result<ByteVector>> read_result;
  io::TaskGroup group(world_.reactor());
  group.spawn(keep(read(*near_, 1, 1), read_result));
  world_.run_for(1s);
  near_->close();
  io::run_task(world_.reactor(), group.join());
  EXPECT_EQ(read_result->error(), ErrorCode::Closed);
}

}  // namespace
}  // namespace starling::transport
