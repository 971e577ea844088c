// Histogram: how often which duration was seen, in buckets that double: 1 µs, 2 µs, 4 µs … 134 s, and above.
// Value; a fixed 30 numbers. Adding one costs a count of leading zeros. One thread.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "starling/base/clock.hpp"

namespace starling {

class Histogram {
 public:
  static constexpr std::size_t kBuckets = 29;  // the last one holds what is longer than all bounds

  /// The longest duration that bucket `index` counts.
  static constexpr Duration bound(std::size_t index) { return std::chrono::microseconds(std::int64_t{1} << index); }

  void add(Duration time) {
    const auto nanoseconds = std::uint64_t(std::max<std::int64_t>(time.count(), 0));
    const std::uint64_t microseconds = (nanoseconds + 999) / 1000;
    const std::size_t index = microseconds <= 1 ? 0 : std::size_t(std::bit_width(microseconds - 1));
    ++buckets_[std::min(index, kBuckets - 1)];
    sum_ += time;
  }

  std::uint64_t count() const {
    std::uint64_t all = 0;
    for (const std::uint64_t each : buckets_) all += each;
    return all;
  }
  Duration sum() const { return sum_; }
  const std::array<std::uint64_t, kBuckets>& buckets() const { return buckets_; }
  /// An upper bound of the `q` quantile (0 … 1), exact to a factor of two; zero when empty.
  Duration quantile(double q) const {
    const std::uint64_t all = count();
    if (all == 0) return {};
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
      seen += buckets_[i];
      if (double(seen) >= q * double(all)) return bound(i);
    }
    return bound(kBuckets - 1);
  }

 private:
  std::array<std::uint64_t, kBuckets> buckets_{};
  Duration sum_{};
};

}  // namespace starling
