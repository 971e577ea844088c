// The one clock type. Time is always passed in (`now`) or asked of a reactor; no code reads a clock of its own.
#pragma once

#include <chrono>

namespace starling {

/// Monotonic time of a reactor: real or simulated. Never compared across reactors.
struct Clock {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = std::chrono::nanoseconds;
  using time_point = std::chrono::time_point<Clock>;
  static constexpr bool is_steady = true;
};
using Duration = Clock::duration;
using TimePoint = Clock::time_point;
inline constexpr TimePoint kNever = TimePoint::max();

}  // namespace starling
