#include "starling/io/reactor.hpp"

namespace starling::io {
namespace {
// Rounds of ready work before sockets are looked at again: enough for a wake-up to pass through a few coroutines,
// little enough that a busy stream does not starve the others.
constexpr int kRoundsPerTurn = 8;
}  // namespace

void Timer::set(TimePoint when) {
  if (armed()) reactor_.remove(*this);
  when_ = when;
  if (when != kNever) reactor_.insert(*this);
}

void Timer::cancel() {
  if (armed()) reactor_.remove(*this);
}

bool Reactor::turn() {
  ++counters_.turns;
  for (int round = 0; round < kRoundsPerTurn && !ready_.empty(); ++round) {
    IntrusiveList<Runnable> batch;
    batch.splice(ready_);
    while (!batch.empty()) {
      ++counters_.runs;
      batch.pop_front().run();
    }
  }
  IntrusiveList<Runnable> batch;
  batch.splice(turn_end_);
  while (!batch.empty()) batch.pop_front().run();
  return has_ready();
}

void Reactor::fire_timers(TimePoint now) {
  while (!timers_.empty() && timers_.front().when <= now) {
    Timer& timer = *timers_.front().timer;
    remove(timer);
    ++counters_.timers_fired;
    timer.on_timer();
  }
}

void Reactor::insert(Timer& timer) {
  timer.order_ = next_order_++;
  timers_.push_back({});
  sift_up(timers_.size() - 1, {timer.when_, timer.order_, &timer});
}

void Reactor::remove(Timer& timer) {
  const std::size_t index = timer.index_;
  timer.index_ = Timer::kNotArmed;
  const Slot last = timers_.back();
  timers_.pop_back();
  if (index == timers_.size()) return;
  if (index > 0 && last.before(timers_[(index - 1) / 4])) {
    sift_up(index, last);
  } else {
    sift_down(index, last);
  }
}

void Reactor::place(std::size_t index, const Slot& slot) {
  timers_[index] = slot;
  slot.timer->index_ = index;
}

// A heap of four children a node: fewer cache misses than two.
void Reactor::sift_up(std::size_t index, Slot slot) {
  while (index > 0) {
    const std::size_t parent = (index - 1) / 4;
    if (!slot.before(timers_[parent])) break;
    place(index, timers_[parent]);
    index = parent;
  }
  place(index, slot);
}

void Reactor::sift_down(std::size_t index, Slot slot) {
  for (;;) {
    const std::size_t first = index * 4 + 1;
    if (first >= timers_.size()) break;
    std::size_t best = first;
    for (std::size_t child = first + 1; child < std::min(first + 4, timers_.size()); ++child)
      if (timers_[child].before(timers_[best])) best = child;
    if (!timers_[best].before(slot)) break;
    place(index, timers_[best]);
    index = best;
  }
  place(index, slot);
}

}  // namespace starling::io
