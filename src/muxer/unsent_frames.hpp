// Counts the frames of one kind (or their bytes) that wait in the output and are not sent yet, without remembering
// each: two batches, of which the older is forgotten once the output has been consumed beyond its last frame.
// Exact while nothing is consumed and after everything is; in between it may count sent frames, never miss one.
// Positions are offsets in the whole stream of output bytes.
#pragma once

#include <cstdint>
#include <utility>

namespace starling::muxer {

class UnsentFrames {
 public:
  /// `amount` more, the last of which ends at `end`.
  void add(std::uint64_t amount, std::uint64_t end) {
    Batch& batch = older_.amount == 0 ? older_ : newer_;
    batch.amount += amount;
    batch.end = end;
  }
  /// What is unsent when everything before `consumed` is sent.
  std::uint64_t count(std::uint64_t consumed) {
    if (consumed >= older_.end) older_ = std::exchange(newer_, {});
    if (consumed >= older_.end) older_ = {};
    return older_.amount + newer_.amount;
  }

 private:
  struct Batch {
    std::uint64_t amount = 0, end = 0;
  };
  Batch older_, newer_;
};

}  // namespace starling::muxer
