// Length-delimited framing: an unsigned varint that tells the size, then that many bytes.
// spec: connections/README.md, multistream-select; the same frame carries every protobuf message of libp2p.
// Pure; the reader is a resource of one stream.
#pragma once

#include <optional>

#include "starling/base/bytes.hpp"
#include "starling/base/error.hpp"

namespace starling::wire {

struct Frame {
  Bytes payload;     // into the input
  std::size_t size;  // of the whole frame, prefix and payload
};

/// The frame at the front of `input`, or nullopt while it is incomplete.
/// Errors: TooLarge (payload above `max_payload`), NotCanonical (prefix not minimal).
Result<std::optional<Frame>> parse_frame(Bytes input, std::size_t max_payload);

void append_frame(ByteVector& out, Bytes payload);
void append_frame(ByteQueue& out, Bytes payload);

/// Collects bytes as they come and gives them back in frames. Holds no memory between frames. Take every frame after
/// each feed(): what is kept is then never more than one frame of `max_payload` and what was fed behind it.
class FrameReader {
 public:
  explicit FrameReader(std::size_t max_payload) : max_payload_(max_payload) {}

  /// Appends; the views given before die.
  void feed(Bytes bytes);
  /// The payload of the next frame, or nullopt until more is fed. The view dies with the next call. Errors as
  /// parse_frame(); they stay, for nothing behind a broken prefix can be found again.
  Result<std::optional<Bytes>> next();
  /// The fewest bytes that could complete the next frame; 0 if one is complete or the stream is broken. Who reads no
  /// more than this leaves the bytes behind the frame to whoever reads the stream next.
  std::size_t missing() const;
  /// True between frames: the end of the stream here is no truncation.
  bool at_boundary() const { return buffer_.size() == taken_; }
  /// The bytes behind the last frame that was taken; the reader is empty after it.
  ByteQueue take_rest();

 private:
  Bytes rest() const { return buffer_.view().subspan(taken_); }
  void drop_taken();

  std::size_t max_payload_;
  std::size_t taken_ = 0;  // size of the frame given last; dropped with the next call
  ByteQueue buffer_;
};

}  // namespace starling::wire
