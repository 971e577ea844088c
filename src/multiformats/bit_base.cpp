#include "multiformats/bit_base.hpp"

namespace starling::multiformats {
namespace {

std::unexpected<Error> text_error(ErrorCode code, std::string detail) {
  return fail(code, Op::Parse, Origin::Local, std::move(detail));
}

// The text without its padding, which must be exactly what the encoder writes.
Result<std::string_view> without_padding(const BitBase& base, std::string_view text) {
  if (base.pad_to == 0) return text;
  const std::size_t last = text.find_last_not_of('=');
  const std::size_t used = last == std::string_view::npos ? 0 : last + 1;
  if (text.size() % base.pad_to != 0 || text.size() - used >= base.pad_to)
    return text_error(ErrorCode::Malformed, "wrong padding");
  return text.substr(0, used);
}

}  // namespace

void bit_base_encode(const BitBase& base, Bytes bytes, std::string& to) {
  const std::size_t begin = to.size();
  const std::uint32_t mask = (1u << base.bits) - 1;
  to.reserve(begin + (bytes.size() * 8 + base.bits - 1) / base.bits + base.pad_to);
  std::uint32_t pending = 0;
  unsigned pending_bits = 0;
  for (const std::uint8_t byte : bytes) {
    pending = (pending << 8) | byte;
    for (pending_bits += 8; pending_bits >= base.bits; pending_bits -= base.bits)
      to.push_back(base.alphabet.characters[(pending >> (pending_bits - base.bits)) & mask]);
  }
  if (pending_bits > 0) to.push_back(base.alphabet.characters[(pending << (base.bits - pending_bits)) & mask]);
  while (base.pad_to != 0 && (to.size() - begin) % base.pad_to != 0) to.push_back('=');
}

Result<ByteVector> bit_base_decode(const BitBase& base, std::string_view text) {
  STARLING_TRY(const std::string_view digits, without_padding(base, text));
  ByteVector bytes;
  bytes.reserve(digits.size() * base.bits / 8);
  std::uint32_t pending = 0;
  unsigned pending_bits = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const int digit = base.alphabet.digit(digits[i]);
    if (digit < 0) return text_error(ErrorCode::Malformed, "character " + std::to_string(i) + " is not of the base");
    pending = (pending << base.bits) | std::uint32_t(digit);
    pending_bits += base.bits;
    if (pending_bits < 8) continue;
    pending_bits -= 8;
    bytes.push_back(std::uint8_t(pending >> pending_bits));
  }
  if (pending_bits >= base.bits) return text_error(ErrorCode::Malformed, "a character too many or too few");
  const bool left_over = (pending & ((1u << pending_bits) - 1)) != 0;
  if (left_over && !base.any_left_over) return text_error(ErrorCode::NotCanonical, "left-over bits are set");
  return bytes;
}

}  // namespace starling::multiformats
