#include "starling/wire/frame.hpp"

#include <string>
#include <utility>

#include "starling/multiformats/varint.hpp"

namespace starling::wire {

Result<std::optional<Frame>> parse_frame(Bytes input, std::size_t max_payload) {
  const Result<VarintValue> length = read_varint(input);
  if (!length && length.error() == ErrorCode::Truncated) return std::nullopt;
  if (!length) return fail(length.error());
  if (length->value > max_payload)
    return fail(ErrorCode::TooLarge, Op::Decode, Origin::Remote,
                "frame of " + std::to_string(length->value) + " bytes, permitted are " + std::to_string(max_payload));
  const std::size_t size = length->size + std::size_t(length->value);
  if (input.size() < size) return std::nullopt;
  return Frame{input.first(size).subspan(length->size), size};
}

void append_frame(ByteVector& out, Bytes payload) {
  append_varint(out, payload.size());
  append(out, payload);
}

void append_frame(ByteQueue& out, Bytes payload) {
  out.commit(write_varint(payload.size(), out.prepare(kMaxVarintSize + payload.size()).data()));
  out.append(payload);
}

void FrameReader::drop_taken() {
  if (taken_ > 0) buffer_.consume(std::exchange(taken_, 0));
}

void FrameReader::feed(Bytes bytes) {
  drop_taken();
  buffer_.append(bytes);
}

Result<std::optional<Bytes>> FrameReader::next() {
  drop_taken();
  STARLING_TRY(const std::optional<Frame> frame, parse_frame(buffer_.view(), max_payload_));
  if (!frame) return std::nullopt;
  taken_ = frame->size;
  return frame->payload;
}

std::size_t FrameReader::missing() const {
  const Result<VarintValue> length = read_varint(rest());
  if (!length) return length.error() == ErrorCode::Truncated ? 1 : 0;
  if (length->value > max_payload_) return 0;
  const std::size_t size = length->size + std::size_t(length->value);
  return size > rest().size() ? size - rest().size() : 0;
}

ByteQueue FrameReader::take_rest() {
  drop_taken();
  return std::move(buffer_);
}

}  // namespace starling::wire
