// Reading and writing through a Stream, over a connection between two hosts.
#include "starling/host/stream.hpp"

#include <gtest/gtest.h>

#include "starling/multiformats/varint.hpp"
#include "support/sim_hosts.hpp"

namespace starling::host {
namespace {

using namespace starling::testing;

class Streams : public TwoHosts {
 protected:
  /// b sends `bytes` on every stream of "/x" and ends its side; a stream of it at a.
  Stream from_b(ByteVector bytes) {
    b().handle("/x", [bytes](Stream stream) -> io::Task<void> {
      (void)co_await stream.write(bytes);
      (void)co_await stream.close();
    });
    connect();
    auto stream = run(a().open_stream(b().id(), {"/x"}));
    EXPECT_TRUE(stream);
    return std::move(*stream);
  }
  static ByteVector message(std::size_t size, std::uint64_t claimed) {
    ByteVector bytes;
    append_varint(bytes, claimed);
    append(bytes, pattern(size));
    return bytes;
  }
};

TEST_F(Streams, a_message_arrives_whole_at_its_largest_permitted_size) {
  Stream stream = from_b(message(100'000, 100'000));
  const auto got = run(stream.read_message(100'000));
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(*got, pattern(100'000));
}

TEST_F(Streams, a_message_above_its_largest_size_is_refused_before_it_is_read) {
  Stream stream = from_b(message(10, 1001));
  EXPECT_EQ(run(stream.read_message(1000)).error(), ErrorCode::TooLarge);
}

TEST_F(Streams, a_message_that_ends_early_is_told_from_one_that_is_empty) {
  Stream stream = from_b(message(10, 11));
  EXPECT_EQ(run(stream.read_message(1000)).error(), ErrorCode::EndOfStream);
}

TEST_F(Streams, an_empty_message_is_a_message) {
  Stream stream = from_b(message(0, 0));
  EXPECT_TRUE(run(stream.read_message(1000))->empty());
  EXPECT_EQ(run(stream.read_message(1000)).error(), ErrorCode::EndOfStream);
}

TEST_F(Streams, a_length_that_never_ends_is_malformed) {
  Stream stream = from_b(ByteVector(20, 0xff));
  EXPECT_NE(run(stream.read_message(1000)).error(), ErrorCode::EndOfStream);
}

TEST_F(Streams, messages_written_are_messages_read) {
  ByteVector got;
  b().handle("/x", [&](Stream stream) -> io::Task<void> {
    for (int i = 0; i < 2; ++i)
      if (const auto each = co_await stream.read_message(70'000)) append(got, *each);
    (void)co_await stream.close();
  });
  connect();
  Stream stream = std::move(*run(a().open_stream(b().id(), {"/x"})));
  EXPECT_TRUE(run(stream.write_message(pattern(70'000))));
  EXPECT_TRUE(run(stream.write_message({})));
  EXPECT_TRUE(run(stream.close()));
  EXPECT_EQ(got, pattern(70'000));
}

TEST_F(Streams, closing_gives_up_on_a_peer_that_goes_on_sending) {
  b().handle("/x", [](Stream stream) -> io::Task<void> {
    const ByteVector piece(32'768);
    while (co_await stream.write(piece)) {
    }
  });
  connect();
  Stream stream = std::move(*run(a().open_stream(b().id(), {"/x"})));
  EXPECT_EQ(run(stream.close()).error(), ErrorCode::LimitExceeded);
}

/// Takes every stream and never says a word on it.
class Mute final : public transport::ConnectionEvents {
 public:
  void on_inbound_stream(std::unique_ptr<transport::RawStream> stream) override { held_.push_back(std::move(stream)); }
  void on_closed(const transport::CloseReason&) override { held_.clear(); }

 private:
  std::vector<std::unique_ptr<transport::RawStream>> held_;
};

TEST_F(Streams, a_lazily_opened_stream_that_nobody_answers_ends_by_the_negotiation_timeout) {
  HostOptions options = host_options();
  options.identify = false;
  restart(options);
  io::SimHost& machine = world_.add_host();
  End mute(machine.world(), 3);
  const Multiaddr address = mute.listen(machine.at(1));
  Mute events;
  std::unique_ptr<transport::Connection> connection;
  io::TaskGroup accepting(world_.reactor());
  const auto accept = [&]() -> io::Task<void> {
    connection = std::move(*co_await mute.listener->accept());
    connection->start(events);
  };
  accepting.spawn(accept());
  ASSERT_TRUE(run(a().connect(mute.id, {address})));
  run(accepting.join());
  Stream stream = std::move(*run(a().open_stream(mute.id, {"/x"})));
  const TimePoint start = world_.now();
  const auto got = run(stream.peek());
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error(), ErrorCode::Timeout);
  EXPECT_EQ(got.error().op(), Op::Negotiate);
  EXPECT_EQ(world_.now() - start, options.negotiate_timeout);
  connection->close(transport::CloseReason::local(transport::CloseCode::None));
  run(connection->join());
  run(mute.close());
}

}  // namespace
}  // namespace starling::host
