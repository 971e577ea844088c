#include <utility>

#include "starling/io/sim.hpp"

namespace starling::io {
namespace {
class PostedWork final : public Runnable {
 public:
  explicit PostedWork(std::function<void()> work) : work_(std::move(work)) {}
  void run() override {
    work_();
    delete this;
  }

 private:
  std::function<void()> work_;
};
}  // namespace

void SimReactor::post_from_thread(std::function<void()> work) { post(*new PostedWork(std::move(work))); }

void SimReactor::run_until(TimePoint end) {
  stopped_ = false;
  while (!stopped_) {
    if (turn()) continue;
    if (stopped_) break;  // the clock stands where stop() was called
    const TimePoint next = next_timer();
    if (next > end || next == kNever) break;
    if (next > now_) now_ = next;
    fire_timers(now_);
  }
  if (!stopped_ && end != kNever) now_ = end;
}

}  // namespace starling::io
