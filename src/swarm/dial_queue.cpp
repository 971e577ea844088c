#include "swarm/dial_queue.hpp"

namespace starling::swarm {

void DialQueue::Place::answered() {
  if (std::exchange(answered_, true)) return;
  queue_->limiter_.answered();
  queue_->pump();
}

io::Task<Result<DialQueue::Place>> DialQueue::take(bool needs_descriptor, DialOrigin origin) {
  Waiter waiter(*this, needs_descriptor, next_order_++);
  waiting_[std::size_t(origin)][needs_descriptor].push_back(waiter);
  pump();
  Status status;
  while (!waiter.granted && status) status = co_await waiter.wake.wait();
  if (!waiter.granted) co_return std::unexpected(std::move(status).error());
  co_return Place(*this, needs_descriptor);
}

// Who comes next: users before the node itself; of the two kinds the one that waits longer and can start.
DialQueue::Waiter* DialQueue::next() {
  const bool no_descriptor = limiter_.descriptors_full();
  for (auto& lists : waiting_) {
    Waiter* without = lists[0].empty() ? nullptr : &lists[0].front();
    Waiter* with = lists[1].empty() || no_descriptor ? nullptr : &lists[1].front();
    if (without != nullptr && with != nullptr) return without->order < with->order ? without : with;
    if (without != nullptr || with != nullptr) return without != nullptr ? without : with;
  }
  return nullptr;
}

void DialQueue::pump() {
  const TimePoint now = reactor_.now();
  while (Waiter* waiter = next()) {
    const auto obstacle = limiter_.start(waiter->needs_descriptor, now);
    if (obstacle == DialLimiter::Obstacle::Rate) return set(limiter_.next_token(now));
    if (obstacle != DialLimiter::Obstacle::None) return;
    waiter->unlink();
    waiter->granted = true;
    waiter->wake.notify_one();
  }
}

void DialQueue::give_back(bool needs_descriptor, bool answered) {
  limiter_.ended(needs_descriptor, answered);
  pump();
}

}  // namespace starling::swarm
