// How far a receive window of QUIC opens: from a small one by muxer/window_growth.hpp. (The library would let it grow
// by the smoothed round trip.) Value, without a clock. spec: RFC 9000, section 4.2
#pragma once

#include <algorithm>
#include <cstdint>

#include "starling/base/clock.hpp"
#include "starling/muxer/window_growth.hpp"

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
    const bool grows = muxer::window_should_grow(now - since_, smallest_round_trip);
    const std::uint64_t growth = grows ? std::min(size_, most_ - size_) : 0;
    size_ += growth;
    consumed_ = 0;
    since_ = now;
    return bytes + growth;
  }
  std::uint64_t size() const { return size_; }

 private:
  std::uint64_t size_, most_, consumed_ = 0;
  TimePoint since_ = kNever;  // when the half that is being consumed began
};

}  // namespace starling::transport::quic
