// Windows that grow, budgets that stop them, and the pings that measure the round trip.
#include "muxer/yamux_window.hpp"

#include <gtest/gtest.h>

#include <deque>

#include "muxer/yamux_testing.hpp"

namespace starling::muxer::yamux {
namespace {

using namespace std::chrono_literals;
constexpr std::uint32_t kMax = 16u << 20;

TEST(YamuxWindow, update_waits_until_half_was_consumed) {
  WindowBudget budget(0);
  ReceiveWindow window;
  window.deliver(kInitialWindow);
  window.consume(kInitialWindow / 2 - 1);
  EXPECT_EQ(window.next_update(TimePoint(1s), {0ns, kMax}, budget), 0u);
  window.consume(1);
  EXPECT_EQ(window.next_update(TimePoint(1s), {0ns, kMax}, budget), kInitialWindow / 2);
  EXPECT_EQ(window.credit, kInitialWindow / 2);
}

TEST(YamuxWindow, doubles_when_half_went_within_two_round_trips) {
  for (const auto& [elapsed, size] : {std::pair(199ms, 2 * kInitialWindow), std::pair(200ms, kInitialWindow)}) {
    WindowBudget budget(1u << 30);
    ReceiveWindow window;
    window.deliver(kInitialWindow);
    window.consume(kInitialWindow);
    EXPECT_EQ(window.next_update(TimePoint(elapsed), {100ms, kMax}, budget), size);
    EXPECT_EQ(window.size, size);
  }
}

TEST(YamuxWindow, does_not_grow_before_the_round_trip_is_known) {
  WindowBudget budget(1u << 30);
  ReceiveWindow window;
  window.deliver(kInitialWindow);
  window.consume(kInitialWindow);
  window.next_update(TimePoint(0s), {0ns, kMax}, budget);
  EXPECT_EQ(window.size, kInitialWindow);
}

TEST(YamuxWindow, grows_to_its_maximum_and_no_further) {
  WindowBudget budget(1u << 30);
  ReceiveWindow window;
  const std::uint32_t max = 3 * kInitialWindow;
  for (int i = 0; i < 10; ++i) {
    const std::uint32_t credit = window.credit;
    window.deliver(credit);
    window.consume(credit);
    window.next_update(TimePoint(0s), {1ms, max}, budget);
  }
  EXPECT_EQ(window.size, max);
  EXPECT_EQ(window.credit, max);
}

TEST(YamuxWindow, grows_by_what_the_budget_has_left) {
  WindowBudget budget(kInitialWindow + 1000);
  budget.take_initial();
  ReceiveWindow window;
  window.deliver(kInitialWindow);
  window.consume(kInitialWindow);
  EXPECT_EQ(window.next_update(TimePoint(0s), {1ms, kMax}, budget), kInitialWindow + 1000);
  EXPECT_EQ(budget.total(), kInitialWindow + 1000);
}

TEST(YamuxWindow, initial_windows_may_exceed_the_budget) {
  WindowBudget budget(1);
  budget.take_initial();
  budget.take_initial();
  EXPECT_EQ(budget.total(), 2 * kInitialWindow);
  EXPECT_EQ(budget.grow(1), 0u);
}

// A link with a delay each way and so much bandwidth that only the window limits the sender.
class Link {
 public:
  explicit Link(Config config = {}) : pair_(make_yamux, config, config) {}

  // Sends on `streams` streams for `time`; returns the bytes that arrived.
  std::size_t transfer(int streams, Duration time) {
    std::vector<StreamId> ids;
    for (int i = 0; i < streams; ++i) ids.push_back(*pair_.a.session->open_stream());
    const ByteVector payload(1u << 20);
    std::size_t received = 0;
    pair_.b.seen.data_hook = [&](StreamId id, Bytes piece) {
      received += piece.size();
      pair_.b.seen.streams[id].data.clear();
    };
    for (const TimePoint end = pair_.now + time; pair_.now < end; pair_.now += kStep) {
      for (const StreamId id : ids)
        while (pair_.a.session->send(id, payload) == payload.size()) {
        }
      deliver(pair_.a, to_b_, pair_.b);
      deliver(pair_.b, to_a_, pair_.a);
    }
    return received;
  }
  Stats receiver() const { return pair_.b.session->stats(); }
  testing::Pair& pair() { return pair_; }

 private:
  static constexpr Duration kStep = 5ms, kDelay = 50ms;
  struct Parcel {
    TimePoint due;
    ByteVector bytes;
  };
  void deliver(testing::Side& from, std::deque<Parcel>& wire, testing::Side& to) {
    ByteQueue& output = from.session->output();
    if (!output.empty()) wire.push_back({pair_.now + kDelay, to_vector(output.view())});
    output.clear();
    for (; !wire.empty() && wire.front().due <= pair_.now; wire.pop_front())
      ASSERT_TRUE(to.session->receive(wire.front().bytes, pair_.now, to.seen));
  }

  testing::Pair pair_;
  std::deque<Parcel> to_a_, to_b_;
};

TEST(YamuxGrowth, window_reaches_16_mib_at_100_ms) {
  Link link;
  link.transfer(1, 3s);
  EXPECT_GE(link.receiver().round_trip, 100ms);
  EXPECT_LE(link.receiver().round_trip, 110ms);
  EXPECT_EQ(link.receiver().receive_window_total, kMax);
  EXPECT_GT(link.transfer(1, 1s), 4u * kMax) << "of which a second stream's growth takes half the time";
}

TEST(YamuxGrowth, fixed_window_holds_the_sender_back) {
  Config fixed;
  fixed.max_stream_window = kInitialWindow;
  Link link(fixed);
  EXPECT_LT(link.transfer(1, 2s), 25u * kInitialWindow);
  EXPECT_EQ(link.receiver().receive_window_total, kInitialWindow);
}

TEST(YamuxGrowth, budget_bounds_the_windows_of_a_connection) {
  Config budget;
  budget.window_memory_budget = 5u << 20;
  Link link(budget);
  link.transfer(4, 3s);
  EXPECT_EQ(link.receiver().receive_window_total, 5u << 20);
}

TEST(YamuxGrowth, ended_stream_gives_its_window_back) {
  Link link;
  link.transfer(1, 3s);
  link.pair().b.session->reset(link.pair().b.seen.accepted.at(0), 0);
  EXPECT_EQ(link.receiver().receive_window_total, 0u);
}

TEST(YamuxGrowth, maximum_below_the_initial_window_means_the_initial_window) {
  Config small;
  small.max_stream_window = 1000;
  Link link(small);
  EXPECT_GT(link.transfer(1, 1s), 4u * kInitialWindow);
  EXPECT_EQ(link.receiver().receive_window_total, kInitialWindow);
}

TEST(YamuxGrowth, reader_that_does_not_read_stops_the_sender_at_the_window) {
  testing::Pair p(make_yamux);
  const auto [here, there] = p.open();
  p.b.seen.consume = false;
  const ByteVector payload = testing::pattern(kInitialWindow + 1);
  EXPECT_EQ(p.a.session->send(here, payload), kInitialWindow);
  EXPECT_EQ(p.a.session->send(here, payload), 0u);
  p.settle();
  EXPECT_EQ(p.b.seen.streams[there].unread, kInitialWindow);
  p.b.seen.take(there, kInitialWindow / 2 - 1);
  p.settle();
  EXPECT_EQ(p.a.seen.streams[here].writable, 0);
  p.b.seen.take(there, 1);
  p.settle();
  EXPECT_EQ(p.a.seen.streams[here].writable, 1);
  EXPECT_EQ(p.a.session->send(here, Bytes(payload).last(1)), 1u);
}

TEST(YamuxGrowth, on_writable_comes_only_after_a_short_send) {
  testing::Pair p(make_yamux);
  const auto [here, there] = p.open();
  EXPECT_EQ(p.a.session->send(here, testing::pattern(kInitialWindow)), kInitialWindow);
  p.settle();
  EXPECT_EQ(p.a.seen.streams[here].writable, 0);
}

TEST(YamuxGrowth, no_window_updates_after_the_remote_closed) {
  testing::Pair p(make_yamux);
  const auto [here, there] = p.open();
  p.b.seen.consume = false;
  p.a.session->send(here, testing::pattern(kInitialWindow));
  p.a.session->close_write(here);
  p.settle();
  p.b.seen.take(there, kInitialWindow);
  EXPECT_TRUE(p.b.session->output().empty());
}

TEST(YamuxPing, one_at_the_start_measures_the_round_trip) {
  testing::Pair p(make_yamux);
  EXPECT_EQ(p.a.session->stats().round_trip, 0ns);
  p.now += 30ms;
  p.settle();
  EXPECT_EQ(p.a.session->stats().round_trip, 30ms);
}

TEST(YamuxPing, the_smallest_of_the_last_eight_counts) {
  Pinger pinger({.interval = 30s, .timeout = 30s});
  TimePoint now(1h);
  pinger.start(now);
  const auto measure = [&](Duration takes) {
    const auto value = pinger.due(now);
    ASSERT_TRUE(value);
    now += takes;
    pinger.on_answer(*value, now);
    pinger.measure(now);
  };
  measure(5ms);
  EXPECT_EQ(pinger.round_trip(), 5ms);
  for (int i = 0; i < 7; ++i) measure(9ms);
  EXPECT_EQ(pinger.round_trip(), 5ms);
  measure(8ms);
  EXPECT_EQ(pinger.round_trip(), 8ms) << "the way may have become longer";
}

TEST(YamuxPing, measures_anew_when_a_window_grew_one_at_a_time) {
  Bench bench;  // its first ping, number 1, is on the way
  const auto pings = [&] {
    std::vector<std::uint32_t> values;
    for (const Header& header : bench.sent())
      if (header.type == Type::Ping) values.push_back(header.length);
    return values;
  };
  bench.now += 20ms;
  ASSERT_TRUE(bench.feed(frame(Type::Ping, kAck, 0, 1)));
  ASSERT_TRUE(bench.feed(data(kSyn, 1, testing::pattern(kInitialWindow / 2))));
  EXPECT_EQ(pings(), std::vector<std::uint32_t>{2});
  ASSERT_TRUE(bench.feed(data(0, 1, testing::pattern(kInitialWindow))));
  EXPECT_GT(bench.session.stats().receive_window_total, 2 * kInitialWindow) << "it grew again";
  EXPECT_TRUE(pings().empty());
  ASSERT_TRUE(bench.feed(frame(Type::Ping, kAck, 0, 2)));
  EXPECT_EQ(pings(), std::vector<std::uint32_t>{3});
}

TEST(YamuxPing, repeats_at_every_interval) {
  testing::Pair p(make_yamux);
  p.now += 9ms;
  p.settle();
  EXPECT_EQ(p.a.session->next_deadline(), p.now - 9ms + 30s);
  p.pass(30s - 9ms - 1ns);
  EXPECT_TRUE(p.a.session->output().empty());
  p.pass(1ns);
  EXPECT_EQ(p.a.session->output().size(), kHeaderSize);
  p.now += 7ms;
  p.settle();
  EXPECT_EQ(p.a.session->stats().round_trip, 7ms);
  EXPECT_EQ(p.a.session->next_deadline(), p.now - 7ms + 30s);
}

TEST(YamuxPing, silence_fails_the_session_with_timeout) {
  Config config;
  config.keep_alive_timeout = 10s;
  testing::Pair p(make_yamux, config, config);
  EXPECT_EQ(p.a.session->next_deadline(), p.now + 10s);
  p.pass(10s - 1ns);
  EXPECT_TRUE(p.a.status);
  p.pass(1ns);
  ASSERT_FALSE(p.a.status);
  EXPECT_EQ(p.a.status.error().code(), ErrorCode::Timeout);
  EXPECT_EQ(p.a.status.error().origin(), Origin::Timeout);
  EXPECT_FALSE(p.a.session->open_stream());
  EXPECT_EQ(p.a.session->next_deadline(), kNever);
}

// An answer may stand behind much data of the remote's; the data itself says that it lives.
TEST(YamuxPing, other_bytes_are_a_sign_of_life) {
  Bench bench;
  for (int i = 0; i < 10; ++i) {
    bench.now += 29s;
    ASSERT_TRUE(bench.feed(frame(Type::WindowUpdate, 0, 77, 1)));
    ASSERT_TRUE(bench.session.on_timer(bench.now, bench.seen));
  }
  bench.now += 30s;
  EXPECT_FALSE(bench.session.on_timer(bench.now, bench.seen));
}

TEST(YamuxPing, interval_zero_means_no_keep_alive) {
  Config config;
  config.keep_alive_interval = 0s;
  testing::Pair p(make_yamux, config, config);
  EXPECT_EQ(p.a.session->next_deadline(), kNever);
  p.now += 3ms;
  p.settle();
  EXPECT_EQ(p.a.session->stats().round_trip, 3ms) << "the first ping is for the windows";
  EXPECT_EQ(p.a.session->next_deadline(), kNever);
}

TEST(YamuxPing, timeout_zero_waits_for_ever) {
  Config config;
  config.keep_alive_timeout = 0s;
  testing::Pair p(make_yamux, config, config);
  p.pass(std::chrono::hours(100));
  EXPECT_TRUE(p.a.status);
}

// The first ping, number 1, is on the way or answered; the remote is the test.
class YamuxProbe : public ::testing::Test {
 protected:
  void answer(std::uint32_t value) { ASSERT_TRUE(bench_.feed(frame(Type::Ping, kAck, 0, value))); }
  Status after(Duration time) {
    bench_.now += time;
    return bench_.session.on_timer(bench_.now, bench_.seen);
  }
  void probe() { bench_.session.probe(bench_.now, 10s, "the address is gone"); }
  std::size_t pings() { return bench_.sent().size(); }
  Bench bench_;
};

TEST_F(YamuxProbe, is_a_ping_at_once_and_silence_fails_the_session_with_what_was_doubted) {
  answer(1);
  probe();
  EXPECT_EQ(pings(), 1u);
  EXPECT_EQ(bench_.session.next_deadline(), bench_.now + 10s);
  EXPECT_TRUE(after(10s - 1ns));
  const Status status = after(1ns);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error(), ErrorCode::Timeout);
  EXPECT_EQ(status.error().detail(), "the address is gone");
}

TEST_F(YamuxProbe, once_answered_the_session_is_as_before) {
  answer(1);
  probe();
  EXPECT_EQ(pings(), 1u);
  bench_.now += 9s;
  answer(2);
  EXPECT_TRUE(after(30s)) << "the next ping of the keep-alive, with its patience";
  EXPECT_TRUE(after(30s - 1ns));
  const Status status = after(1ns);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().detail(), "the peer answers no keep-alive ping");
}

TEST_F(YamuxProbe, that_is_no_longer_doubted_has_the_patience_of_the_keep_alive) {
  answer(1);
  probe();
  EXPECT_TRUE(after(9s));
  bench_.session.trust();
  EXPECT_TRUE(after(21s - 1ns));
  const Status status = after(1ns);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().detail(), "the peer answers no keep-alive ping");
}

TEST_F(YamuxProbe, a_ping_under_way_serves_but_its_patience_becomes_short) {
  bench_.now += 20s;
  probe();
  EXPECT_EQ(pings(), 0u);
  EXPECT_EQ(bench_.session.next_deadline(), bench_.now + 10s);
  answer(1);
  EXPECT_TRUE(after(10s));
}

TEST_F(YamuxProbe, other_bytes_put_the_end_off_and_further_probes_do_not) {
  answer(1);
  probe();
  bench_.now += 6s;
  ASSERT_TRUE(bench_.feed(frame(Type::WindowUpdate, 0, 77, 1)));
  for (int i = 0; i < 4; ++i) {
    probe();
    EXPECT_TRUE(after(2s));
  }
  EXPECT_EQ(pings(), 1u);
  EXPECT_FALSE(after(2s));
}

TEST_F(YamuxProbe, works_without_keep_alive) {
  Config config = Bench::listener();
  config.keep_alive_interval = 0s;
  Bench bench(config);
  ASSERT_TRUE(bench.feed(frame(Type::Ping, kAck, 0, 1)));
  bench.session.probe(bench.now, 10s, "");
  bench.now += 10s;
  EXPECT_FALSE(bench.session.on_timer(bench.now, bench.seen));
}

TEST(YamuxPing, answer_nobody_asked_for_is_passed_over) {
  Bench bench;
  EXPECT_TRUE(bench.feed(frame(Type::Ping, kAck, 0, 4711)));
  EXPECT_EQ(bench.session.stats().round_trip, 0ns);
}

TEST(YamuxPing, request_is_answered_with_its_value) {
  Bench bench;
  ASSERT_TRUE(bench.feed(frame(Type::Ping, kSyn, 0, 0xDEADBEEF)));
  EXPECT_EQ(bench.sent(), std::vector<Header>({{Type::Ping, kAck, 0, 0xDEADBEEF}}));
}

TEST(YamuxPing, answers_nobody_reads_are_bounded) {
  Config config = Bench::listener();
  config.max_pending_pings = 3;
  Bench bench(config);
  for (std::uint32_t i = 0; i < 5; ++i) ASSERT_TRUE(bench.feed(frame(Type::Ping, kSyn, 0, i)));
  EXPECT_EQ(bench.session.stats().dropped_pings, 2u);
  EXPECT_EQ(bench.sent().size(), 3u);
  ASSERT_TRUE(bench.feed(frame(Type::Ping, kSyn, 0, 9)));
  EXPECT_EQ(bench.sent().size(), 1u) << "room again once they were sent";
}

}  // namespace
}  // namespace starling::muxer::yamux
