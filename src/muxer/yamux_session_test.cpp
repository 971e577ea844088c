// The yamux session against frames made by hand: openings, acknowledgements, codes, and every violation.
#include "muxer/yamux_session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "muxer/reset_codes.hpp"
#include "muxer/yamux_testing.hpp"

namespace starling::muxer::yamux {
namespace {

using testing::bytes_of;
using ::testing::ElementsAre;
using testing::pattern;

constexpr std::uint32_t kTheirs = 1;  // the remote of Bench dialed

Config dialer() { return {.initiator = true}; }

TEST(YamuxSession, start_sends_a_ping) {
  YamuxSession session(dialer());
  session.start(TimePoint{});
  EXPECT_EQ(to_hex(session.output().view()), "000200010000000000000001");
}

TEST(YamuxSession, ids_are_odd_for_the_dialer_and_even_for_the_listener) {
  Bench listening, dialing(dialer());
  EXPECT_EQ(*dialing.session.open_stream(), 1u);
  EXPECT_EQ(*dialing.session.open_stream(), 3u);
  EXPECT_EQ(*listening.session.open_stream(), 2u);
  EXPECT_EQ(*listening.session.open_stream(), 4u);
}

TEST(YamuxSession, stream_opens_with_a_window_update_and_syn) {
  Bench bench(dialer());
  const StreamId id = *bench.session.open_stream();
  bench.session.send(id, bytes_of("hi"));
  bench.session.close_write(id);
  EXPECT_EQ(to_hex(bench.session.output().view()),
            "000100010000000100000000"
            "0000000000000001000000026869"
            "000100040000000100000000");
}

TEST(YamuxSession, accepted_stream_is_acknowledged_at_once) {
  Bench bench;
  ASSERT_TRUE(bench.feed(frame(Type::WindowUpdate, kSyn, kTheirs, 0)));
  EXPECT_THAT(bench.seen.accepted, ElementsAre(kTheirs));
  EXPECT_THAT(bench.sent(), ElementsAre(Header{Type::WindowUpdate, kAck, kTheirs, 0}));
}

TEST(YamuxSession, acknowledgement_rides_on_the_first_data) {
  Bench bench;
  bench.seen.data_hook = [&](StreamId id, Bytes) { bench.session.send(id, bytes_of("pong")); };
  ASSERT_TRUE(bench.feed(data(kSyn, kTheirs, bytes_of("ping"))));
  EXPECT_THAT(bench.sent(), ElementsAre(Header{Type::Data, kAck, kTheirs, 4}));
  bench.session.send(kTheirs, bytes_of("more"));
  EXPECT_THAT(bench.sent(), ElementsAre(Header{Type::Data, 0, kTheirs, 4}));
}

TEST(YamuxSession, syn_with_credit_widens_our_send_window) {
  Bench bench;
  ASSERT_TRUE(bench.feed(frame(Type::WindowUpdate, kSyn, kTheirs, 1000)));
  EXPECT_EQ(bench.session.send(kTheirs, pattern(kInitialWindow + 2000)), kInitialWindow + 1000);
}

TEST(YamuxSession, syn_with_fin_opens_a_half_closed_stream) {
  for (const Type type : {Type::Data, Type::WindowUpdate}) {
    Bench bench;
    ASSERT_TRUE(bench.feed(frame(type, kSyn | kFin, kTheirs, 0)));
    EXPECT_TRUE(bench.seen.streams[kTheirs].remote_closed);
    EXPECT_EQ(bench.session.send(kTheirs, bytes_of("x")), 1u);
    bench.session.close_write(kTheirs);
    EXPECT_EQ(bench.session.stats().inbound_streams, 0u);
  }
}

TEST(YamuxSession, data_with_syn_and_fin_is_a_whole_stream) {
  Bench bench;
  ASSERT_TRUE(bench.feed(data(kSyn | kFin, kTheirs, bytes_of("all"))));
  EXPECT_EQ(bench.seen.text(kTheirs), "all");
  EXPECT_TRUE(bench.seen.streams[kTheirs].remote_closed);
}

TEST(YamuxSession, syn_with_rst_opens_nothing) {
  Bench bench;
  ByteVector bytes = data(kSyn | kRst, kTheirs, bytes_of("skipped"));
  append(bytes, frame(Type::WindowUpdate, kSyn | kRst, 3, 0));
  append(bytes, data(kSyn, 5, bytes_of("next")));
  ASSERT_TRUE(bench.feed(bytes));
  EXPECT_THAT(bench.seen.accepted, ElementsAre(5));
  EXPECT_EQ(bench.seen.text(5), "next");
}

TEST(YamuxSession, reset_carries_its_code) {
  Bench bench;
  bench.feed(data(kSyn, kTheirs, {})).value();
  bench.sent();
  bench.session.reset(kTheirs, 0x1003);
  EXPECT_THAT(bench.sent(), ElementsAre(Header{Type::WindowUpdate, kRst, kTheirs, 0x1003}));
}

TEST(YamuxSession, reset_by_window_update_tells_its_code_and_by_data_none) {
  Bench bench;
  bench.feed(data(kSyn, 1, {})).value();
  bench.feed(data(kSyn, 3, {})).value();
  ByteVector bytes = frame(Type::WindowUpdate, kRst, 1, 0x1004);
  append(bytes, data(kRst, 3, bytes_of("junk")));
  ASSERT_TRUE(bench.feed(bytes));
  EXPECT_EQ(bench.seen.streams[1].reset, 0x1004u);
  EXPECT_EQ(bench.seen.streams[3].reset, 0u);
  EXPECT_EQ(bench.session.stats().inbound_streams, 0u);
}

TEST(YamuxSession, refusals_name_their_reason) {
  Config config = Bench::listener();
  config.max_inbound_streams = 1;
  Bench bench(config);
  bench.feed(data(kSyn, 1, {})).value();
  bench.sent();
  bench.feed(data(kSyn, 3, bytes_of("unread"))).value();
  EXPECT_THAT(bench.sent(), ElementsAre(Header{Type::WindowUpdate, kRst, 3, kStreamResourceLimit}));
  bench.session.go_away(0x1006);
  bench.feed(data(kSyn, 5, {})).value();
  EXPECT_THAT(bench.sent(),
              ElementsAre(Header{Type::GoAway, 0, 0, 0x1006}, Header{Type::WindowUpdate, kRst, 5, kStreamShutdown}));
}

TEST(YamuxSession, go_away_of_the_remote_ends_our_opening_but_not_our_streams) {
  Bench bench;
  bench.feed(data(kSyn, kTheirs, {})).value();
  ASSERT_TRUE(bench.feed(frame(Type::GoAway, 0, 0, 0x1005)));
  EXPECT_EQ(bench.seen.go_away, 0x1005u);
  const auto refused = bench.session.open_stream();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::GoAway);
  EXPECT_EQ(refused.error().origin(), Origin::Remote);
  EXPECT_EQ(bench.session.send(kTheirs, bytes_of("still")), 5u);
}

TEST(YamuxSession, backlog_of_unacknowledged_streams_is_bounded) {
  Config config = dialer();
  config.accept_backlog = 3;
  Bench bench(config);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(bench.session.open_stream());
  const auto fourth = bench.session.open_stream();
  ASSERT_FALSE(fourth);
  EXPECT_EQ(fourth.error().code(), ErrorCode::StreamLimit);
  EXPECT_EQ(fourth.error().detail(), "accept_backlog");
  ASSERT_TRUE(bench.feed(data(kAck, 3, bytes_of("x"))));
  ASSERT_TRUE(bench.feed(data(kAck, 3, bytes_of("x")))) << "acknowledged twice counts once";
  EXPECT_EQ(bench.seen.openable, 1);
  EXPECT_TRUE(bench.session.open_stream());
  EXPECT_FALSE(bench.session.open_stream());
  ASSERT_TRUE(bench.feed(frame(Type::WindowUpdate, kRst, 1, 0))) << "a refusal makes room, too";
  EXPECT_TRUE(bench.session.open_stream());
  bench.session.reset(5, 0);
  EXPECT_TRUE(bench.session.open_stream());
}

TEST(YamuxSession, stream_ids_run_out) {
  Bench bench(dialer(), 0xFFFFFFFDu);
  EXPECT_EQ(*bench.session.open_stream(), 0xFFFFFFFDu);
  EXPECT_EQ(*bench.session.open_stream(), 0xFFFFFFFFu);
  const auto none = bench.session.open_stream();
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code(), ErrorCode::StreamLimit);
  Bench listening(Bench::listener(), 0xFFFFFFFEu);
  EXPECT_TRUE(listening.session.open_stream());
  EXPECT_FALSE(listening.session.open_stream());
}

TEST(YamuxSession, id_used_again_names_a_new_stream) {
  Bench bench;
  bench.feed(data(kSyn | kFin, kTheirs, bytes_of("old"))).value();
  bench.session.close_write(kTheirs);
  bench.feed(data(kSyn, kTheirs, bytes_of("new"))).value();
  ASSERT_EQ(bench.seen.accepted.size(), 2u);
  const StreamId again = bench.seen.accepted[1];
  EXPECT_NE(again, kTheirs);
  EXPECT_EQ(bench.seen.text(again), "new");
  bench.sent();
  EXPECT_EQ(bench.session.send(kTheirs, bytes_of("to nobody")), 0u);
  EXPECT_EQ(bench.session.send(again, bytes_of("answer")), 6u);
  EXPECT_THAT(bench.sent(), ElementsAre(Header{Type::Data, 0, kTheirs, 6}));
}

// go-yamux numbers a stream before it queues its SYN, so two openings may pass each other.
TEST(YamuxSession, openings_may_come_out_of_order) {
  Bench bench;
  for (const std::uint32_t id : {5u, 1u, 3u, 9u, 7u}) ASSERT_TRUE(bench.feed(data(kSyn, id, bytes_of("x"))));
  EXPECT_EQ(bench.session.stats().inbound_streams, 5u);
  for (const StreamId id : bench.seen.accepted) EXPECT_EQ(bench.session.send(id, bytes_of("y")), 1u);
  bench.session.reset(bench.seen.accepted[1], 0);
  EXPECT_EQ(bench.sent().back(), (Header{Type::WindowUpdate, kRst, 1, 0}));
}

TEST(YamuxSession, frames_for_unknown_streams_are_passed_over) {
  Bench bench;
  ByteVector bytes = data(0, 7, pattern(300));
  append(bytes, data(kFin, 8, pattern(3)));
  append(bytes, frame(Type::WindowUpdate, 0, 7, 5));
  append(bytes, frame(Type::WindowUpdate, kRst, 8, 5));
  append(bytes, frame(Type::WindowUpdate, kAck | kFin, 2, UINT32_MAX));
  append(bytes, data(kSyn, 9, bytes_of("after")));
  ASSERT_TRUE(bench.feed(bytes));
  EXPECT_EQ(bench.session.stats().discarded_bytes, 303u);
  EXPECT_EQ(bench.seen.text(9), "after");
  EXPECT_THAT(bench.sent(), ElementsAre(Header{Type::WindowUpdate, kAck, 9, 0}));
}

TEST(YamuxSession, data_after_fin_is_discarded_within_the_window) {
  Bench bench;
  bench.feed(data(kSyn | kFin, kTheirs, bytes_of("end"))).value();
  ASSERT_TRUE(bench.feed(data(kFin, kTheirs, bytes_of("after"))));
  EXPECT_EQ(bench.seen.text(kTheirs), "end");
  EXPECT_EQ(bench.session.stats().discarded_bytes, 5u);
  bench.expect_fault(frame(Type::Data, 0, kTheirs, kInitialWindow - 7));
}

TEST(YamuxViolation, bad_headers) {
  for (const char* hex :
       {"010000000000000100000000", "000400000000000100000000", "000000100000000100000000", "000000010000000000000000",
        "000200010000000100000000", "000200000000000000000000", "000300000000000200000000"}) {
    Bench bench;
    bench.expect_fault(from_hex(hex).value());
  }
}

TEST(YamuxViolation, stream_id_of_our_own_side) {
  Bench listening, dialing(dialer());
  listening.expect_fault(frame(Type::WindowUpdate, kSyn, 2, 0));
  dialing.expect_fault(frame(Type::WindowUpdate, kSyn, 1, 0));
}

TEST(YamuxViolation, stream_opened_twice) {
  Bench bench;
  bench.feed(data(kSyn, kTheirs, {})).value();
  bench.expect_fault(data(kSyn, kTheirs, {}));
}

// CVE-2026-32314 (GHSA-vxx9-2994-q338): the first frame of a stream is larger than the window.
TEST(YamuxViolation, syn_with_data_beyond_the_window_opens_nothing) {
  Bench exact;
  ASSERT_TRUE(exact.feed(data(kSyn, kTheirs, pattern(kInitialWindow))));
  EXPECT_EQ(exact.seen.streams[kTheirs].data.size(), kInitialWindow);
  Bench bench;
  bench.expect_fault(frame(Type::Data, kSyn, kTheirs, kInitialWindow + 1));
  EXPECT_TRUE(bench.seen.accepted.empty());
  EXPECT_EQ(bench.session.stats().inbound_streams, 0u);
}

TEST(YamuxViolation, data_beyond_the_window) {
  Bench bench;
  bench.seen.consume = false;
  bench.feed(data(kSyn, kTheirs, pattern(kInitialWindow - 1))).value();
  ASSERT_TRUE(bench.feed(data(0, kTheirs, bytes_of("1"))));
  ASSERT_TRUE(bench.feed(data(0, kTheirs, {})));
  bench.expect_fault(frame(Type::Data, 0, kTheirs, 1));
}

// CVE-2026-31814: credits that overflow the send window.
TEST(YamuxViolation, window_overflow) {
  Bench bench;
  ASSERT_TRUE(bench.feed(frame(Type::WindowUpdate, kSyn, kTheirs, UINT32_MAX - kInitialWindow)));
  bench.expect_fault(frame(Type::WindowUpdate, 0, kTheirs, 1));
  Bench at_once;
  at_once.expect_fault(frame(Type::WindowUpdate, kSyn, kTheirs, UINT32_MAX - kInitialWindow + 1));
  EXPECT_TRUE(at_once.seen.accepted.empty());
}

// CVE-2024-32984: pings, or openings, whose answers nobody reads.
TEST(YamuxViolation, acknowledgements_nobody_reads_cut_the_peer) {
  Config config = Bench::listener();
  config.max_control_output = 5 * kHeaderSize;
  Bench bench(config);
  ByteVector bytes;
  for (std::uint32_t i = 0; i < 5; ++i) append(bytes, data(kSyn, 1 + 2 * i, {}));
  ASSERT_TRUE(bench.feed(bytes));
  bench.expect_fault(data(kSyn, 11, {}), ErrorCode::LimitExceeded);
}

TEST(YamuxViolation, frames_before_the_fault_count) {
  Bench bench;
  ByteVector bytes = data(kSyn, kTheirs, bytes_of("good"));
  append(bytes, from_hex("ff0000000000000000000000").value());
  append(bytes, data(0, kTheirs, bytes_of("never seen")));
  bench.expect_fault(bytes);
  EXPECT_EQ(bench.seen.text(kTheirs), "good");
}

}  // namespace
}  // namespace starling::muxer::yamux
