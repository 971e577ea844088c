#include "multiformats/multiaddr_frame.hpp"

#include <string>

#include "starling/base/assert.hpp"
#include "starling/multiformats/varint.hpp"

namespace starling::multiformats {

Result<Frame> read_frame(Bytes bytes) {
  STARLING_TRY(const VarintValue code, read_varint(bytes));
  const ProtocolEntry* const entry = find_protocol(code.value);
  if (!entry)
    return fail(ErrorCode::UnknownCode, Op::Decode, Origin::Remote, "multiaddr protocol " + std::to_string(code.value));
  std::uint64_t value_size = std::uint64_t(entry->size);
  std::size_t value_begin = code.size;
  if (entry->size == kVariableSize) {
    STARLING_TRY(const VarintValue length, read_varint(bytes.subspan(code.size)));
    value_size = length.value;
    value_begin += length.size;
  }
  if (bytes.size() - value_begin < value_size)
    return fail(ErrorCode::Truncated, Op::Decode, Origin::Remote, std::string("value of ").append(entry->name));
  const auto size = std::size_t(value_size);
  return Frame{entry, bytes.subspan(value_begin, size), value_begin + size};
}

std::optional<Frame> FrameReader::next() {
  if (rest_.empty()) return std::nullopt;
  const auto frame = read_frame(rest_);
  STARLING_ASSERT(frame, "the bytes of a Multiaddr are valid");
  rest_ = rest_.subspan(frame->size);
  return *frame;
}

}  // namespace starling::multiformats
