#include "muxer/mplex_frame.hpp"

#include <utility>

namespace starling::muxer::mplex {
namespace {

std::size_t put_varint(std::uint64_t value, std::uint8_t* to) {
  std::size_t size = 0;
  for (; value >= 0x80; value >>= 7) to[size++] = std::uint8_t(value | 0x80);
  to[size++] = std::uint8_t(value);
  return size;
}

}  // namespace

std::size_t encode(const Header& header, std::uint8_t* to) {
  const std::size_t size = put_varint(header.stream << 3 | std::uint8_t(header.flag), to);
  return size + put_varint(header.length, to + size);
}

HeaderReader::State HeaderReader::read_varint(std::uint8_t byte) {
  if (byte == 0 && size_ > 0) return State::Malformed;  // a superfluous byte
  value_ |= std::uint64_t(byte & 0x7F) << (7 * size_);
  ++size_;
  if (byte < 0x80) return State::Done;
  return size_ < kMaxVarintSize ? State::More : State::Malformed;
}

HeaderReader::State HeaderReader::read(Bytes& bytes) {
  while (!bytes.empty()) {
    const State state = read_varint(bytes.front());
    bytes = bytes.subspan(1);
    if (state == State::Malformed) return state;
    if (state == State::More) continue;
    size_ = 0;
    if (std::exchange(second_, !second_)) return State::Done;
    first_ = std::exchange(value_, 0);
  }
  return State::More;
}

Header HeaderReader::take() {
  return {.flag = Flag(first_ & 7), .stream = first_ >> 3, .length = std::exchange(value_, 0)};
}

}  // namespace starling::muxer::mplex
