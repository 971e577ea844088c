#include "starling/multiformats/varint.hpp"

#include <algorithm>

#include "starling/base/assert.hpp"

namespace starling {
namespace {

constexpr std::uint8_t kMore = 0x80;

std::unexpected<Error> varint_error(ErrorCode code) { return fail(code, Op::Decode, Origin::Remote, "varint"); }

}  // namespace

std::size_t write_varint(std::uint64_t value, std::uint8_t* to) {
  STARLING_ASSERT(value <= kMaxVarint, "a varint holds 63 bits");
  std::size_t size = 0;
  for (; value >= kMore; value >>= 7) to[size++] = std::uint8_t(value | kMore);
  to[size++] = std::uint8_t(value);
  return size;
}

void append_varint(ByteVector& to, std::uint64_t value) {
  std::uint8_t encoded[kMaxVarintSize];
  append(to, {encoded, write_varint(value, encoded)});
}

Result<VarintValue> read_varint(Bytes bytes) {
  const std::size_t available = std::min(bytes.size(), kMaxVarintSize);
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < available; ++i) {
    const std::uint8_t byte = bytes[i];
    value |= std::uint64_t(byte & ~kMore) << (7 * i);
    if (byte & kMore) continue;
    if (byte == 0 && i > 0) return varint_error(ErrorCode::NotCanonical);
    return VarintValue{.value = value, .size = i + 1};
  }
  return varint_error(available == kMaxVarintSize ? ErrorCode::TooLarge : ErrorCode::Truncated);
}

}  // namespace starling
