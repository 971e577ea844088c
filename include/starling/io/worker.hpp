// Worker: one thread beside the reactor for calls that block, such as those that wait for a disk. Calls run one at a
// time, in order. Threading: run() on the reactor's thread, the work on the worker's; nothing else is shared.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "starling/io/task.hpp"

namespace starling::io {

/// Resource. Dies when no run() is under way; then its thread is joined.
class Worker {
 public:
  explicit Worker(Reactor& reactor);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Runs `work` on the worker's thread and ends when it has ended. Not cancellable: what the work uses would otherwise
  /// die under it.
  Task<void> run(std::function<void()> work);

 private:
  struct Call {
    std::function<void()> work;
    bool done = false;
    WaitQueue ended;
  };
  static Task<void> wait_for(Call& call);
  void loop();

  Reactor& reactor_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Call*> calls_;
  bool stopping_ = false;
  std::size_t under_way_ = 0;  // of the reactor's thread
  std::thread thread_;
};

}  // namespace starling::io
