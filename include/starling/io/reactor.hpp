// Reactor: one thread's scheduler. A queue of what is ready, a heap of timers, and work put off to the end of the
// turn (connections flush there once). io/real turns it with Boost.Asio, io/sim with a virtual clock; everything
// above sees only this class.
//
// Threading: every call on the reactor's own thread, except post_from_thread().
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "starling/base/clock.hpp"
#include "starling/base/histogram.hpp"
#include "starling/base/intrusive_list.hpp"

namespace starling::io {

/// Something to run once. Lives in its owner and leaves the queue when destroyed.
class Runnable : public ListNode<> {
 public:
  virtual void run() = 0;

 protected:
  ~Runnable() = default;
};

class Reactor;

/// A one-shot timer owned by whoever waits for it. Resource; cancelled when destroyed.
class Timer {
 public:
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  /// (Re)arms it. The callback comes from the reactor's turn, never from inside this call.
  void set(TimePoint when);
  void cancel();
  bool armed() const { return index_ != kNotArmed; }
  TimePoint when() const { return when_; }

 protected:
  explicit Timer(Reactor& reactor) : reactor_(reactor) {}
  ~Timer() { cancel(); }
  virtual void on_timer() = 0;

 private:
  friend class Reactor;
  static constexpr std::size_t kNotArmed = ~std::size_t{0};
  Reactor& reactor_;
  TimePoint when_ = kNever;
  std::uint64_t order_ = 0;  // equal times fire in the order they were set: determinism
  std::size_t index_ = kNotArmed;
};

/// A timer that calls a function.
class CallbackTimer final : public Timer {
 public:
  CallbackTimer(Reactor& reactor, std::function<void()> callback) : Timer(reactor), callback_(std::move(callback)) {}

 private:
  void on_timer() override { callback_(); }
  std::function<void()> callback_;
};

class Reactor {
 public:
  Reactor() = default;
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;
  virtual ~Reactor() = default;

  virtual TimePoint now() const = 0;
  /// The time when `time` from now has passed; kNever if that is beyond what the clock can say.
  TimePoint after(Duration time) const {
    const TimePoint at = now();
    return time >= kNever - at ? kNever : at + time;
  }
  /// Runs `work` in this turn or the next, after what is queued already.
  void post(Runnable& work) { ready_.push_back(work); }
  /// Runs `work` at the end of this turn, when everything ready has run. This is where output is flushed.
  void at_turn_end(Runnable& work) { turn_end_.push_back(work); }
  /// From any thread; `work` runs on the reactor's thread.
  virtual void post_from_thread(std::function<void()> work) = 0;

  /// Turns until stop() is called or, in the simulator, nothing is left to happen.
  virtual void run() = 0;
  virtual void stop() = 0;

  /// Counters for diagnostics.
  struct Counters {
    std::uint64_t turns = 0, runs = 0, timers_fired = 0;
  };
  const Counters& counters() const { return counters_; }
  /// From now on measures turns: how long everything else has to wait. Costs two looks at the clock each. Only a real
  /// reactor takes time.
  void measure_turns() {
    if (!turn_times_) turn_times_.emplace();
  }
  /// Null if they are not measured.
  const Histogram* turn_times() const { return turn_times_ ? &*turn_times_ : nullptr; }
  /// The longest turn since the last call.
  Duration take_longest_turn() { return std::exchange(longest_turn_, Duration::zero()); }
  std::size_t armed_timers() const { return timers_.size(); }

 protected:
  /// Runs what is ready and then the turn-end work; returns whether more is ready already.
  bool turn();
  /// Fires every timer due at `now`.
  void fire_timers(TimePoint now);
  TimePoint next_timer() const { return timers_.empty() ? kNever : timers_.front().when; }
  void turn_took(Duration time) {
    turn_times_->add(time);
    longest_turn_ = std::max(longest_turn_, time);
  }
  bool has_ready() const { return !ready_.empty() || !turn_end_.empty(); }

 private:
  friend class Timer;
  struct Slot {
    TimePoint when;
    std::uint64_t order;
    Timer* timer;
    bool before(const Slot& other) const { return when != other.when ? when < other.when : order < other.order; }
  };
  void insert(Timer& timer);
  void remove(Timer& timer);
  void place(std::size_t index, const Slot& slot);
  void sift_up(std::size_t index, Slot slot);
  void sift_down(std::size_t index, Slot slot);

  IntrusiveList<Runnable> ready_, turn_end_;
  std::vector<Slot> timers_;
  std::uint64_t next_order_ = 0;
  Counters counters_;
  std::optional<Histogram> turn_times_;
  Duration longest_turn_{};
};

}  // namespace starling::io
