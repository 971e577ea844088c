// How far a receive window of QUIC opens. It starts small and doubles when half of it went in less than two of the
// smallest round trips: then it holds the remote back, or nearly so. The smallest counts because beside bulk data every
// later one contains the queue that a large window makes. (The library would grow it by the smoothed round trip.)
// Value, without a clock. spec: RFC 9000, section 4.2
#pragma once

#include <algorithm>
#include <cstdint>

#include "starling/base/clock.hpp"

namespace starling::transport::quic {

class FlowWindow {
 public:
  /// Bytes. It begins at `size` and ends at `most`.
  FlowWindow(std::uint64_t size, std::uint64_t most) : size_(size), most_(most) {}

  /// The credit that the remote gets for `bytes` consumed: as many, and what the window grows by.
  std::uint64_t consume(std::uint64_t bytes, Duration smallest_round_trip, TimePoint now) {
    if (since_ == kNever) since_ = now;
    consumed_ += bytes;
    if (consumed_ < size_ / 2) return bytes;
    const bool fast = (now - since_) / kGrowthRoundTrips < smallest_round_trip;
    const std::uint64_t growth = fast ? std::min(size_, most_ - size_) : 0;
    size_ += growth;
    consumed_ = 0;
    since_ = now;
    return bytes + growth;
  }
  std::uint64_t size() const { return size_; }

 private:
  static constexpr int kGrowthRoundTrips = 2;  // as muxer/yamux_window.cpp
  std::uint64_t size_, most_, consumed_ = 0;
  TimePoint since_ = kNever;  // when the half that is being consumed began
};

}  // namespace starling::transport::quic
