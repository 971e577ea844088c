// Dials that wait for a place in the budget, those a user wants first, else in the order they came. The shell around
// DialLimiter. Resource: nothing may wait in it when it dies. Threading: the reactor's thread.
#pragma once

#include <array>

#include "starling/io/task.hpp"
#include "starling/swarm/dial_options.hpp"
#include "swarm/dial_limiter.hpp"

namespace starling::swarm {

class DialQueue final : private io::Timer {
 public:
  /// One dial within the budget; given back when it dies.
  class Place {
   public:
    Place(DialQueue& queue, bool needs_descriptor) : queue_(&queue), needs_descriptor_(needs_descriptor) {}
    Place(Place&& other) noexcept
        : queue_(std::exchange(other.queue_, nullptr)),
          needs_descriptor_(other.needs_descriptor_),
          answered_(other.answered_) {}
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (queue_ != nullptr) queue_->give_back(needs_descriptor_, answered_);
    }
    /// The remote host answered: the dial is no longer half-open. Idempotent.
    void answered();

   private:
    DialQueue* queue_;
    bool needs_descriptor_, answered_ = false;
  };

  DialQueue(io::Reactor& reactor, const DialLimits& limits) : Timer(reactor), reactor_(reactor), limiter_(limits) {}

  /// Errors: those of the cancelled scope.
  io::Task<Result<Place>> take(bool needs_descriptor, DialOrigin origin);
  const DialLimiter& limiter() const { return limiter_; }
  std::size_t waiting() const { return waiting_count_; }

 private:
  struct Waiter : ListNode<> {
    Waiter(DialQueue& queue_in, bool needs_descriptor_in, std::uint64_t order_in)
        : queue(queue_in), needs_descriptor(needs_descriptor_in), order(order_in) {
      ++queue.waiting_count_;
    }
    ~Waiter() { --queue.waiting_count_; }
    DialQueue& queue;
    bool needs_descriptor, granted = false;
    std::uint64_t order;
    io::WaitQueue wake;
  };
  using List = IntrusiveList<Waiter>;

  void on_timer() override { pump(); }
  void pump();
  Waiter* next();
  void give_back(bool needs_descriptor, bool answered);

  io::Reactor& reactor_;
  DialLimiter limiter_;
  // By origin, then by whether a descriptor is needed: one kind must not wait behind the other. bounded-by: the dials
  // under way times the addresses that each has at once
  std::array<std::array<List, 2>, 2> waiting_;
  std::size_t waiting_count_ = 0;
  std::uint64_t next_order_ = 0;
};

}  // namespace starling::swarm
