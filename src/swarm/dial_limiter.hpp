// The budget of dials over all peers: descriptors, half-open dials, dials per second. A machine.
#pragma once

#include <algorithm>

#include "starling/swarm/dial_settings.hpp"

namespace starling::swarm {

class DialLimiter {
 public:
  enum class Obstacle : std::uint8_t { None, Descriptors, HalfOpen, Rate };

  explicit DialLimiter(const DialLimits& limits)
      : limits_(limits),
        interval_(std::chrono::nanoseconds(std::chrono::seconds(1)) / std::int64_t(limits.per_second)) {}

  /// None: the dial counts from now on, until ended().
  Obstacle start(bool needs_descriptor, TimePoint now) {
    if (half_open_ >= limits_.max_half_open) return Obstacle::HalfOpen;
    if (next_token(now) > now) return Obstacle::Rate;
    if (needs_descriptor && descriptors_ >= limits_.max_dials) return Obstacle::Descriptors;
    spent_until_ = std::max(spent_until_, now) + interval_;
    descriptors_ += needs_descriptor;
    ++half_open_;
    ++running_;
    return Obstacle::None;
  }
  /// The remote host answered.
  void answered() { --half_open_; }
  void ended(bool needed_descriptor, bool had_answer) {
    descriptors_ -= needed_descriptor;
    half_open_ -= !had_answer;
    --running_;
  }

  /// When the rate permits the next one.
  TimePoint next_token(TimePoint now) const {
    return std::max(now, spent_until_ - interval_ * std::int64_t(limits_.burst - 1));
  }
  bool descriptors_full() const { return descriptors_ >= limits_.max_dials; }
  std::size_t running() const { return running_; }
  std::size_t descriptors() const { return descriptors_; }
  std::size_t half_open() const { return half_open_; }

 private:
  DialLimits limits_;
  Duration interval_;
  TimePoint spent_until_{};  // each dial moves it by one interval; a burst is how far it may be ahead of the clock
  std::size_t running_ = 0, descriptors_ = 0, half_open_ = 0;
};

}  // namespace starling::swarm
