// A wait queue that, like the operating system's readiness, also wakes who comes when it is ready already.
#pragma once

#include "starling/io/task.hpp"

namespace starling::io::sim {

class ReadyQueue final : private Runnable {
 public:
  /// Waits for the next notify(), or only until the reactor's next round if `ready` holds now.
  QueueWait wait(Reactor& reactor, bool ready) {
    if (ready && !linked()) reactor.post(*this);
    return waiting_.wait();
  }
  void notify() { waiting_.notify_all(); }

 private:
  void run() override { notify(); }
  WaitQueue waiting_;
};

}  // namespace starling::io::sim
