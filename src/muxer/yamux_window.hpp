// The receive window of one stream, and the budget from which the windows of a connection grow.
//
// A window starts at the 256 KiB that the protocol guarantees. Credit goes back to the remote once half of the window
// was consumed. When that took less than two round trips the window itself may be what holds the remote back, and it
// doubles (as in rust-yamux; go-yamux waits for four), up to the stream's maximum and to what the connection's budget
// has left. It never shrinks; the budget gets it back when the stream ends.
// Values, without a clock. spec: yamux/README.md, Flow Control
#pragma once

#include <cstdint>

#include "muxer/yamux_frame.hpp"
#include "starling/base/clock.hpp"
#include "starling/muxer/muxer.hpp"

namespace starling::muxer::yamux {

/// Sums up the windows of a connection. Initial windows are always taken, growth only while the sum stays within.
class WindowBudget {
 public:
  explicit WindowBudget(std::uint64_t limit, WindowMemory* memory = nullptr) : limit_(limit), memory_(memory) {}
  std::uint64_t total() const { return total_; }
  void take_initial() { total_ += kInitialWindow; }
  /// Takes up to `wanted` bytes; returns what was granted.
  std::uint32_t grow(std::uint32_t wanted);
  /// All of a stream's window, the initial one included.
  void give_back(std::uint32_t window);

 private:
  std::uint64_t limit_, total_ = 0;
  WindowMemory* memory_;  // of the growth only
};

struct ReceiveWindow {
  TimePoint last_update{};                // when credit was last sent, or the stream began
  std::uint32_t size = kInitialWindow;    // bytes that may be on the way or unread at once
  std::uint32_t credit = kInitialWindow;  // bytes the remote may still send
  std::uint32_t unread = 0;               // bytes delivered and not consumed yet

  void deliver(std::uint32_t bytes) {
    credit -= bytes;
    unread += bytes;
  }
  void discard(std::uint32_t bytes) { credit -= bytes; }
  void consume(std::uint32_t bytes) { unread -= bytes; }

  struct Growth {
    Duration round_trip;     // zero = not known, no growth
    std::uint32_t max_size;  // bytes
  };
  /// The credit to send now, or 0 when it is too little to be worth a frame. Grows the window when that is due.
  std::uint32_t next_update(TimePoint now, const Growth& growth, WindowBudget& budget);

 private:
  std::uint32_t consumed() const { return size - credit - unread; }
};

}  // namespace starling::muxer::yamux
