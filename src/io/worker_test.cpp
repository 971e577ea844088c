#include "starling/io/worker.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "starling/io/real.hpp"

namespace starling::io {
namespace {

TEST(WorkerTest, work_runs_on_another_thread_in_order_and_the_reactor_goes_on) {
  const auto reactor = RealReactor::create();
  Worker worker(*reactor);
  std::vector<int> done;
  bool other_thread = false;
  struct Parts {
    static Task<void> all(Reactor& reactor, Worker& worker, std::vector<int>& done, bool& other_thread) {
      const auto here = std::this_thread::get_id();
      TaskGroup group(reactor);
      for (int i = 0; i < 3; ++i) group.spawn(worker.run([&done, i] { done.push_back(i); }));
      co_await worker.run([&] { other_thread = std::this_thread::get_id() != here; });
      co_await group.join();
    }
  };
  run_task(*reactor, Parts::all(*reactor, worker, done, other_thread));
  EXPECT_EQ(done, (std::vector{0, 1, 2}));
  EXPECT_TRUE(other_thread);
}

TEST(WorkerTest, a_cancelled_caller_still_waits_for_its_work) {
  const auto reactor = RealReactor::create();
  Worker worker(*reactor);
  std::atomic<bool> let_go = false;
  bool finished = false;
  struct Parts {
    static Task<void> work(Worker& worker, std::atomic<bool>& let_go, bool& finished) {
      co_await worker.run([&] { let_go.wait(false); });
      finished = true;
    }
    static Task<void> all(Reactor& reactor, Worker& worker, std::atomic<bool>& let_go, bool& finished) {
      TaskGroup group(reactor);
      group.spawn(work(worker, let_go, finished));
      co_await yield();
      group.cancel(Error(ErrorCode::Cancelled, Op::Close, Origin::Cancelled, "test"));
      co_await yield();
      EXPECT_FALSE(finished);
      let_go = true;
      let_go.notify_all();
      co_await group.join();
    }
  };
  run_task(*reactor, Parts::all(*reactor, worker, let_go, finished));
  EXPECT_TRUE(finished);
}

}  // namespace
}  // namespace starling::io
