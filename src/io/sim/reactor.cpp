#include <utility>

#include "starling/io/sim.hpp"

namespace starling::io {

void SimReactor::PostedWork::run() {
  for (auto& next : std::exchange(work, {})) next();
}

void SimReactor::post_from_thread(std::function<void()> work) {
  posted_.work.push_back(std::move(work));
  if (!posted_.linked()) post(posted_);
}

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
