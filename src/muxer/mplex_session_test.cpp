// The mplex session against messages made by hand.
#include "muxer/mplex_session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "muxer/muxer_testing.hpp"

namespace starling::muxer::mplex {
namespace {

using testing::bytes_of;
using ::testing::ElementsAre;
using testing::pattern;

ByteVector message(Flag flag, std::uint64_t stream, Bytes payload = {}) {
  ByteVector bytes(kMaxHeaderSize);
  bytes.resize(encode({flag, stream, payload.size()}, bytes.data()));
  append(bytes, payload);
  return bytes;
}

class Bench {
 public:
  explicit Bench(Config config = {.initiator = false}, std::uint64_t first_id = 0) : session(config, first_id) {
    seen.session = &session;
    seen.now = &now;
  }
  Status feed(Bytes bytes) { return session.receive(bytes, now, seen); }
  std::string sent() {
    std::string hex = to_hex(session.output().view());
    session.output().clear();
    return hex;
  }
  void expect_fault(Bytes bytes, ErrorCode code = ErrorCode::ProtocolViolation) {
    const Status status = feed(bytes);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code(), code);
    EXPECT_EQ(status.error().origin(), Origin::Remote);
  }

  TimePoint now{};
  MplexSession session;
  testing::Recorder seen;
};

TEST(MplexFrame, header_is_two_varints) {
  EXPECT_EQ(to_hex(message(Flag::NewStream, 0)), "0000");
  EXPECT_EQ(to_hex(message(Flag::MessageInitiator, 1, bytes_of("hi"))), "0a026869");
  EXPECT_EQ(to_hex(message(Flag::ResetReceiver, 17)), "8d0100");
  EXPECT_EQ(to_hex(message(Flag::CloseInitiator, kLastId)), "fcffffffffffffff7f00");
}

TEST(MplexFrame, header_reads_back_from_single_bytes) {
  for (const std::uint64_t stream :
       {std::uint64_t(0), std::uint64_t(15), std::uint64_t(16), std::uint64_t(1) << 40, kLastId}) {
    for (const std::uint64_t length :
         {std::uint64_t(0), std::uint64_t(127), std::uint64_t(128), (std::uint64_t(1) << 63) - 1}) {
      ByteVector bytes(kMaxHeaderSize);
      bytes.resize(encode({Flag::CloseReceiver, stream, length}, bytes.data()));
      HeaderReader reader;
      for (std::size_t i = 0; i < bytes.size(); ++i) {
        Bytes one = Bytes(bytes).subspan(i, 1);
        EXPECT_EQ(reader.read(one), i + 1 == bytes.size() ? HeaderReader::State::Done : HeaderReader::State::More);
      }
      EXPECT_EQ(reader.take(), (Header{Flag::CloseReceiver, stream, length}));
    }
  }
}

TEST(MplexFrame, varints_are_canonical_and_at_most_nine_bytes) {
  for (const char* hex : {"8000", "818000", "ffffffffffffffffff01", "0080808080808080808001", "008000"}) {
    const ByteVector bytes = from_hex(hex).value();
    Bytes rest = bytes;
    EXPECT_EQ(HeaderReader().read(rest), HeaderReader::State::Malformed) << hex;
  }
}

TEST(MplexSession, our_streams_use_the_initiator_flags) {
  Bench bench;
  const StreamId id = *bench.session.open_stream();
  bench.session.send(id, bytes_of("x"));
  bench.session.close_write(id);
  bench.session.reset(id, 5);
  EXPECT_EQ(bench.sent(),
            "0000"
            "020178"
            "0400"
            "0600");
}

TEST(MplexSession, their_streams_use_the_receiver_flags) {
  Bench bench;
  bench.feed(message(Flag::NewStream, 5, bytes_of("a name"))).value();
  const StreamId id = bench.seen.accepted.at(0);
  bench.session.send(id, bytes_of("x"));
  bench.session.close_write(id);
  bench.session.reset(id, 5);
  EXPECT_EQ(bench.sent(),
            "290178"
            "2b00"
            "2d00");
}

TEST(MplexSession, name_of_a_stream_is_passed_over) {
  Bench bench;
  ByteVector bytes = message(Flag::NewStream, 0, bytes_of("name"));
  append(bytes, message(Flag::MessageInitiator, 0, bytes_of("data")));
  ASSERT_TRUE(bench.feed(bytes));
  EXPECT_EQ(bench.seen.text(bench.seen.accepted.at(0)), "data");
}

TEST(MplexSession, same_wire_id_from_both_sides_is_two_streams) {
  Bench bench;
  const StreamId ours = *bench.session.open_stream();
  bench.feed(message(Flag::NewStream, 0)).value();
  const StreamId theirs = bench.seen.accepted.at(0);
  ASSERT_NE(ours, theirs);
  bench.feed(message(Flag::MessageReceiver, 0, bytes_of("for ours"))).value();
  bench.feed(message(Flag::MessageInitiator, 0, bytes_of("for theirs"))).value();
  EXPECT_EQ(bench.seen.text(ours), "for ours");
  EXPECT_EQ(bench.seen.text(theirs), "for theirs");
  bench.feed(message(Flag::ResetReceiver, 0)).value();
  EXPECT_TRUE(bench.seen.streams[ours].reset);
  EXPECT_FALSE(bench.seen.streams[theirs].reset);
}

TEST(MplexSession, wire_id_used_again_names_a_new_stream) {
  Bench bench;
  for (int i = 0; i < 2; ++i) {
    bench.feed(message(Flag::NewStream, 9)).value();
    bench.feed(message(Flag::CloseInitiator, 9)).value();
    bench.session.close_write(bench.seen.accepted.back());
  }
  ASSERT_EQ(bench.seen.accepted.size(), 2u);
  EXPECT_NE(bench.seen.accepted[0], bench.seen.accepted[1]);
}

TEST(MplexSession, messages_for_unknown_streams_are_passed_over) {
  Bench bench;
  ByteVector bytes;
  for (std::uint8_t flag = 1; flag <= kLastFlag; ++flag) append(bytes, message(Flag(flag), 40, bytes_of("abc")));
  append(bytes, message(Flag::NewStream, 1));
  ASSERT_TRUE(bench.feed(bytes));
  EXPECT_EQ(bench.seen.accepted.size(), 1u);
  EXPECT_EQ(bench.session.stats().discarded_bytes, 18u);
  EXPECT_EQ(bench.sent(), "");
}

TEST(MplexSession, data_after_close_is_discarded) {
  Bench bench;
  bench.feed(message(Flag::NewStream, 1)).value();
  bench.feed(message(Flag::CloseInitiator, 1)).value();
  bench.feed(message(Flag::CloseInitiator, 1)).value();
  bench.feed(message(Flag::MessageInitiator, 1, bytes_of("late"))).value();
  EXPECT_EQ(bench.session.stats().discarded_bytes, 4u);
  EXPECT_EQ(bench.seen.misuse, "");
}

TEST(MplexSession, message_size_is_bounded) {
  Config config{.initiator = false};
  config.max_message_size = 100;
  Bench bench(config);
  bench.feed(message(Flag::NewStream, 1)).value();
  ASSERT_TRUE(bench.feed(message(Flag::MessageInitiator, 1, pattern(100))));
  bench.expect_fault(message(Flag::MessageInitiator, 1, pattern(101)), ErrorCode::MessageTooLarge);
  EXPECT_EQ(bench.seen.streams[bench.seen.accepted.at(0)].data.size(), 100u);
}

TEST(MplexSession, default_bound_is_one_mebibyte) {
  Bench bench;
  ASSERT_TRUE(bench.feed(message(Flag::MessageInitiator, 1, pattern(1u << 20))));
  bench.expect_fault(from_hex("0a818040").value(), ErrorCode::MessageTooLarge);
}

TEST(MplexSession, we_send_no_larger_messages_than_we_take) {
  Config config;
  config.max_message_size = 10;
  Bench bench(config);
  const StreamId id = *bench.session.open_stream();
  bench.sent();
  EXPECT_EQ(bench.session.send(id, pattern(25)), 25u);
  EXPECT_EQ(bench.session.output().size(), 25u + 3 * 2);
}

TEST(MplexSession, stream_ids_run_out) {
  Bench bench({}, kLastId);
  EXPECT_TRUE(bench.session.open_stream());
  const auto none = bench.session.open_stream();
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code(), ErrorCode::StreamLimit);
}

TEST(MplexViolation, unknown_flag) {
  Bench bench;
  bench.expect_fault(from_hex("0f00").value());
}

TEST(MplexViolation, stream_opened_twice) {
  Bench bench;
  bench.feed(message(Flag::NewStream, 3)).value();
  bench.expect_fault(message(Flag::NewStream, 3));
}

TEST(MplexViolation, varints) {
  for (const char* hex : {"8000", "ffffffffffffffffffff", "0a8000", "0affffffffffffffffff"}) {
    Bench bench;
    bench.expect_fault(from_hex(hex).value());
  }
}

}  // namespace
}  // namespace starling::muxer::mplex
