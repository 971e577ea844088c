#include "starling/io/task.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "starling/io/channel.hpp"
#include "starling/io/sim.hpp"

namespace starling::io {
namespace {

using namespace std::chrono_literals;

Task<int> add(int a, int b) { co_return a + b; }

Task<int> nested(int depth) {
  if (depth == 0) co_return 0;
  co_return 1 + co_await nested(depth - 1);
}

TEST(Task, gives_its_value_to_the_awaiting_task) {
  auto reactor = SimReactor::create();
  EXPECT_EQ(run_task(*reactor, add(2, 3)), 5);
  EXPECT_EQ(run_task(*reactor, nested(1000)), 1000);
}

Task<std::size_t> many_ready_awaits(std::size_t count) {
  std::size_t sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += std::size_t(co_await add(1, 0));
  co_return sum;
}

TEST(Task, a_million_ready_awaits_do_not_grow_the_stack) {
  auto reactor = SimReactor::create();
  EXPECT_EQ(run_task(*reactor, many_ready_awaits(1'000'000)), 1'000'000u);
}

TEST(Task, move_only_results_pass_through) {
  struct Make {
    static Task<std::unique_ptr<int>> make() { co_return std::make_unique<int>(7); }
  };
  auto reactor = SimReactor::create();
  EXPECT_EQ(*run_task(*reactor, Make::make()), 7);
}

TEST(Timer, sleeps_follow_the_reactors_clock_and_their_order) {
  auto reactor = SimReactor::create();
  std::vector<int> order;
  struct Sleeper {
    static Task<void> run(Reactor& reactor, Duration time, int id, std::vector<int>& order) {
      (void)co_await sleep_for(reactor, time);
      order.push_back(id);
    }
  };
  TaskGroup group(*reactor);
  group.spawn(Sleeper::run(*reactor, 30ms, 3, order));
  group.spawn(Sleeper::run(*reactor, 10ms, 1, order));
  group.spawn(Sleeper::run(*reactor, 10ms, 2, order));
  const TimePoint start = reactor->now();
  reactor->run();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(reactor->now() - start, 30ms);
}

TEST(Timer, thousands_fire_in_order_of_time_whatever_is_cancelled) {
  auto reactor = SimReactor::create();
  auto random = seeded_random(1);
  std::vector<TimePoint> fired;
  std::vector<std::unique_ptr<CallbackTimer>> timers;
  for (int i = 0; i < 5000; ++i) {
    timers.push_back(std::make_unique<CallbackTimer>(*reactor, [&] { fired.push_back(reactor->now()); }));
    timers.back()->set(reactor->now() + std::chrono::microseconds(random->below(10'000)));
  }
  for (int i = 0; i < 5000; i += 3) timers[std::size_t(i)]->cancel();
  for (int i = 1; i < 5000; i += 3)
    timers[std::size_t(i)]->set(reactor->now() + std::chrono::microseconds(random->below(10'000)));
  reactor->run();
  EXPECT_EQ(fired.size(), 3333u);
  EXPECT_TRUE(std::is_sorted(fired.begin(), fired.end()));
  EXPECT_EQ(reactor->armed_timers(), 0u);
}

TEST(Timer, a_sleep_longer_than_the_clock_can_say_does_not_end_at_once) {
  auto reactor = SimReactor::create();
  reactor->run_until(reactor->now() + 1s);
  TaskGroup group(*reactor);
  group.spawn([](Reactor& on) -> Task<void> { EXPECT_FALSE(co_await sleep_for(on, Duration::max())); }(*reactor));
  reactor->run_until(reactor->now() + 1h);
  EXPECT_EQ(group.running(), 1u);
  group.cancel(Error(ErrorCode::Cancelled, Op::Close, Origin::Cancelled));
  reactor->run();
}

TEST(Timer, one_that_is_set_again_by_its_own_callback_keeps_its_period) {
  auto reactor = SimReactor::create();
  int fired = 0;
  CallbackTimer timer(*reactor, [&] {
    if (++fired < 10) timer.set(reactor->after(1s));
  });
  timer.set(reactor->after(1s));
  reactor->run();
  EXPECT_EQ(fired, 10);
  EXPECT_EQ(reactor->now().time_since_epoch(), 10s);
}

TEST(Reactor, stop_leaves_the_clock_where_it_was_called) {
  auto reactor = SimReactor::create();
  CallbackTimer later(*reactor, [] { ADD_FAILURE() << "after stop()"; });
  later.set(reactor->after(1h));
  run_task(*reactor, [](Reactor& on) -> Task<void> { EXPECT_TRUE(co_await sleep_for(on, 1s)); }(*reactor));
  EXPECT_EQ(reactor->now().time_since_epoch(), 1s);
}

TEST(Reactor, a_busy_round_does_not_keep_timers_and_the_end_of_the_turn_from_coming) {
  auto reactor = SimReactor::create();
  struct Busy final : Runnable {
    explicit Busy(Reactor& on) : reactor(on) {}
    void run() override {
      if (++runs < 1000) reactor.post(*this);
    }
    Reactor& reactor;
    int runs = 0;
  } busy(*reactor);
  struct Flush final : Runnable {
    explicit Flush(Busy& work) : busy(work) {}
    void run() override { seen = busy.runs; }
    Busy& busy;
    int seen = -1;
  } flush(busy);
  reactor->post(busy);
  reactor->at_turn_end(flush);
  reactor->run();
  EXPECT_EQ(busy.runs, 1000);
  EXPECT_LT(flush.seen, 100);
}

TEST(Reactor, work_that_dies_while_queued_does_not_run) {
  auto reactor = SimReactor::create();
  struct Work final : Runnable {
    void run() override { ADD_FAILURE(); }
  };
  {
    Work work;
    reactor->post(work);
  }
  reactor->run();
}

TEST(Reactor, posted_functions_run_in_order_and_die_unrun_with_the_reactor) {
  auto reactor = SimReactor::create();
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) reactor->post_from_thread([&order, i] { order.push_back(i); });
  reactor->post_from_thread([&] { reactor->post_from_thread([&order] { order.push_back(3); }); });
  reactor->run();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3}));
  auto held = std::make_shared<int>(1);
  reactor->post_from_thread([held] {});
  reactor.reset();
  EXPECT_EQ(held.use_count(), 1);
}

TEST(WaitQueue, a_wait_notified_before_its_scope_is_cancelled_ends_well) {
  auto reactor = SimReactor::create();
  WaitQueue queue;
  TaskGroup group(*reactor);
  int good = 0, cancelled = 0;
  struct Waiter {
    static Task<void> run(WaitQueue& waiting, int& good, int& cancelled) {
      const Status first = co_await waiting.wait();
      ++(first ? good : cancelled);
      if (first && !co_await waiting.wait()) ++cancelled;
    }
  };
  group.spawn(Waiter::run(queue, good, cancelled));
  group.spawn(Waiter::run(queue, good, cancelled));
  reactor->run();
  queue.notify_one();
  group.cancel(Error(ErrorCode::Cancelled, Op::Close, Origin::Cancelled));
  reactor->run();
  EXPECT_EQ(good, 1);
  EXPECT_EQ(cancelled, 2);
  EXPECT_EQ(group.running(), 0u);
}

TEST(WaitQueue, notify_wakes_in_the_order_of_waiting) {
  auto reactor = SimReactor::create();
  WaitQueue queue;
  TaskGroup group(*reactor);
  std::vector<int> order;
  struct Waiter {
    static Task<void> run(WaitQueue& waiting, int id, std::vector<int>& order) {
      (void)co_await waiting.wait();
      order.push_back(id);
    }
  };
  for (int i = 0; i < 4; ++i) group.spawn(Waiter::run(queue, i, order));
  reactor->run();
  queue.notify_one();
  queue.notify_all();
  reactor->run();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3}));
}

TEST(CancelScope, reaches_scopes_made_before_and_after) {
  CancelScope parent(nullptr), before(&parent);
  parent.cancel(Error(ErrorCode::Timeout, Op::Dial, Origin::Timeout, "first"));
  parent.cancel(Error(ErrorCode::Cancelled, Op::Close, Origin::Cancelled, "second"));
  CancelScope after(&parent);
  ASSERT_NE(before.cancelled(), nullptr);
  ASSERT_NE(after.cancelled(), nullptr);
  EXPECT_EQ(before.cancelled()->detail(), "first");
  EXPECT_EQ(after.cancelled()->detail(), "first");
}

TEST(CancelScope, one_that_dies_leaves_its_parent) {
  CancelScope parent(nullptr);
  {
    CancelScope child(&parent);
  }
  parent.cancel(Error(ErrorCode::Cancelled, Op::Close, Origin::Cancelled));
}

Task<Status> wait_forever(WaitQueue& queue) { co_return co_await queue.wait(); }

TEST(Deadline, cancels_what_takes_too_long_with_the_given_error) {
  auto reactor = SimReactor::create();
  WaitQueue never;
  const Status status =
      run_task(*reactor, with_deadline(5s, timeout_error(Op::Dial, "/ip4/1.2.3.4/tcp/5"), wait_forever(never)));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error(), ErrorCode::Timeout);
  EXPECT_EQ(status.error().op(), Op::Dial);
  EXPECT_EQ(status.error().detail(), "/ip4/1.2.3.4/tcp/5");
}

TEST(Deadline, inner_deadline_ends_before_the_outer) {
  auto reactor = SimReactor::create();
  WaitQueue never;
  auto inner = with_deadline(1s, timeout_error(Op::Secure, "inner"), wait_forever(never));
  const Status status = run_task(*reactor, with_deadline(5s, timeout_error(Op::Dial, "outer"), std::move(inner)));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().detail(), "inner");
}

TEST(Deadline, outer_deadline_reaches_through_the_inner) {
  auto reactor = SimReactor::create();
  WaitQueue never;
  auto inner = with_deadline(9s, timeout_error(Op::Secure, "inner"), wait_forever(never));
  const Status status = run_task(*reactor, with_deadline(5s, timeout_error(Op::Dial, "outer"), std::move(inner)));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().detail(), "outer");
}

Task<void> close_group(TaskGroup& group) { co_await group.close(); }

TEST(TaskGroup, close_cancels_and_joins_and_refuses_more) {
  auto reactor = SimReactor::create();
  WaitQueue never;
  TaskGroup group(*reactor);
  int ended = 0;
  struct Waiter {
    static Task<void> run(WaitQueue& queue, int& ended) {
      const Status status = co_await queue.wait();
      EXPECT_FALSE(status);
      EXPECT_EQ(status.error(), ErrorCode::Cancelled);
      ++ended;
    }
  };
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(group.spawn(Waiter::run(never, ended)));
  run_task(*reactor, close_group(group));
  EXPECT_EQ(ended, 10);
  EXPECT_EQ(group.running(), 0u);
  EXPECT_FALSE(group.spawn(Waiter::run(never, ended)));
}

TEST(TaskGroup, a_wait_that_starts_after_the_cancel_ends_at_once) {
  auto reactor = SimReactor::create();
  WaitQueue never;
  TaskGroup group(*reactor);
  group.spawn([](WaitQueue& queue) -> Task<void> { EXPECT_FALSE(co_await queue.wait()); }(never));
  group.cancel(Error(ErrorCode::Cancelled, Op::Close, Origin::Cancelled));
  reactor->run();
  EXPECT_EQ(group.running(), 0u);
}

TEST(Channel, a_full_channel_makes_the_sender_wait) {
  auto reactor = SimReactor::create();
  Channel<int> channel(2);
  std::vector<int> received;
  TaskGroup group(*reactor);
  struct Run {
    static Task<void> produce(Channel<int>& channel) {
      for (int i = 0; i < 100; ++i) EXPECT_TRUE(co_await channel.send(i));
      channel.close();
    }
    static Task<void> consume(Channel<int>& channel, std::vector<int>& received) {
      for (;;) {
        EXPECT_LE(channel.size(), 2u);
        auto item = co_await channel.receive();
        if (!item) break;
        received.push_back(*item);
      }
    }
  };
  group.spawn(Run::produce(channel));
  group.spawn(Run::consume(channel, received));
  reactor->run();
  EXPECT_EQ(received.size(), 100u);
  int more = 1;
  EXPECT_FALSE(channel.try_send(std::move(more)));
}

TEST(Channel, try_send_refuses_at_the_bound) {
  Channel<int> channel(1);
  EXPECT_TRUE(channel.try_send(1));
  EXPECT_FALSE(channel.try_send(2));
  EXPECT_EQ(channel.try_receive(), 1);
  EXPECT_TRUE(channel.try_send(3));
}

}  // namespace
}  // namespace starling::io
