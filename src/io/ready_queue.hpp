// A wait queue that, like the operating system's readiness, also wakes who comes when it is ready already.
#pragma once

#include <utility>

#include "starling/io/task.hpp"

namespace starling::io {

class ReadyQueue final : private Runnable {
 public:
  /// Waits for the next notify(), or only until the reactor's next round if `ready` holds now.
  QueueWait wait(Reactor& reactor, bool ready) {
    if (ready && !linked()) reactor.post(*this);
    return waiting_.wait();
  }
  /// The same for a callback; `work` must outlive this queue.
  void call(Reactor& reactor, Runnable& work, bool ready) {
    reactor_ = &reactor;
    work_ = &work;
    if (ready && !linked()) reactor.post(*this);
  }
  void notify() {
    waiting_.notify_all();
    Runnable* work = std::exchange(work_, nullptr);
    if (work != nullptr && !work->linked()) reactor_->post(*work);
  }

 private:
  void run() override { notify(); }
  WaitQueue waiting_;
  Reactor* reactor_ = nullptr;
  Runnable* work_ = nullptr;
};

}  // namespace starling::io
