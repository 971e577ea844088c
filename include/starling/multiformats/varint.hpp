// Unsigned varint: 7 bits per byte, least significant first, the top bit says that more follow.
// spec: multiformats/unsigned-varint, Spec; Practical maximum of 9 bytes.
// Only the minimal form of a number is accepted. Free functions on buffers; thread-safe.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "starling/base/bytes.hpp"
#include "starling/base/error.hpp"

namespace starling {

inline constexpr std::size_t kMaxVarintSize = 9;                           // bytes
inline constexpr std::uint64_t kMaxVarint = (std::uint64_t{1} << 63) - 1;  // the largest number of 9 bytes

/// Bytes that `value` takes, 1 to 9; `value` is at most kMaxVarint.
constexpr std::size_t varint_size(std::uint64_t value) { return (std::size_t(std::bit_width(value | 1)) + 6) / 7; }

/// Writes `value` at `to`, which has room for varint_size(value) bytes, and returns how many it wrote.
/// `value` is at most kMaxVarint; more is a bug of the caller and ends the process.
std::size_t write_varint(std::uint64_t value, std::uint8_t* to);

/// Appends `value`, at most kMaxVarint, to `to`.
void append_varint(ByteVector& to, std::uint64_t value);

struct VarintValue {
  std::uint64_t value;
  std::size_t size;  // bytes it took
};

/// Reads one varint from the front of `bytes`; what follows it is not looked at.
/// Errors: Truncated (more input could complete it), NotCanonical (a shorter form exists), TooLarge (over 9 bytes).
Result<VarintValue> read_varint(Bytes bytes);

}  // namespace starling
