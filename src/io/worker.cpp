#include "starling/io/worker.hpp"

#include <utility>

namespace starling::io {

Worker::Worker(Reactor& reactor) : reactor_(reactor), thread_([this] { loop(); }) {}

Worker::~Worker() {
  STARLING_ASSERT(under_way_ == 0, "a worker dies with a call under way");
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Worker::loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !calls_.empty(); });
    if (calls_.empty()) return;
    Call* call = calls_.front();
    calls_.pop_front();
    lock.unlock();
    call->work();
    // The call lives in a coroutine that waits for exactly this.
    reactor_.post_from_thread([call] {
      call->done = true;
      call->ended.notify_all();
    });
    lock.lock();
  }
}

Task<void> Worker::wait_for(Call& call) {
  while (!call.done) (void)co_await call.ended.wait();
}

Task<void> Worker::run(std::function<void()> work) {
  Call call{std::move(work), false, {}};
  ++under_way_;
  {
    const std::lock_guard lock(mutex_);
    calls_.push_back(&call);
  }
  changed_.notify_one();
  CancelScope always(nullptr);
  co_await wait_for(call).in(always);
  --under_way_;
}

}  // namespace starling::io
