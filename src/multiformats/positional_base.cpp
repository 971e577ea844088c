#include "multiformats/positional_base.hpp"

#include <algorithm>
#include <bit>
#include <vector>

#include "starling/multiformats/multibase.hpp"

namespace starling::multiformats {
namespace {

// A number as limbs, least significant first. Working on limbs of many digits instead of single ones makes the
// quadratic part about twenty times cheaper.
using Limbs = std::vector<std::uint32_t>;

// number = number * factor + addend, in limbs below `limb_base`.
void multiply_add(Limbs& number, std::uint64_t limb_base, std::uint64_t factor, std::uint64_t addend) {
  std::uint64_t carry = addend;
  for (std::uint32_t& limb : number) {
    carry += limb * factor;
    limb = std::uint32_t(carry % limb_base);
    carry /= limb_base;
  }
  for (; carry != 0; carry /= limb_base) number.push_back(std::uint32_t(carry % limb_base));
}

// The most digits whose power still fits a limb, and that power.
struct LimbShape {
  unsigned digits = 0;
  std::uint64_t base = 1;
};

LimbShape limb_shape(std::uint64_t radix) {
  LimbShape shape;
  for (; shape.base * radix <= UINT32_MAX; ++shape.digits) shape.base *= radix;
  return shape;
}

void append_digits(const Alphabet& alphabet, const Limbs& number, unsigned digits_per_limb, std::string& to) {
  const auto radix = std::uint32_t(alphabet.characters.size());
  const std::size_t begin = to.size();
  for (std::uint32_t limb : number)
    for (unsigned i = 0; i < digits_per_limb; ++i, limb /= radix) to.push_back(alphabet.characters[limb % radix]);
  while (to.size() > begin && to.back() == alphabet.characters[0]) to.pop_back();
  std::reverse(to.begin() + std::ptrdiff_t(begin), to.end());
}

void append_bytes(const Limbs& number, ByteVector& to) {
  if (number.empty()) return;
  const std::size_t size = number.size() * 4 - std::size_t(std::countl_zero(number.back())) / 8;
  for (std::size_t i = size; i-- > 0;) to.push_back(std::uint8_t(number[i / 4] >> (8 * (i % 4))));
}

std::unexpected<Error> bad_digit() {
  return fail(ErrorCode::Malformed, Op::Parse, Origin::Local, "a character is not of the base");
}

}  // namespace

void positional_encode(const Alphabet& alphabet, Bytes bytes, std::string& to) {
  const LimbShape shape = limb_shape(alphabet.characters.size());
  const auto first = std::ranges::find_if(bytes, [](std::uint8_t byte) { return byte != 0; });
  to.append(std::size_t(first - bytes.begin()), alphabet.characters[0]);
  Limbs number;
  for (auto at = first; at != bytes.end();) {
    std::uint64_t factor = 1, chunk = 0;
    for (int i = 0; i < 4 && at != bytes.end(); ++i, factor <<= 8) chunk = (chunk << 8) | *at++;
    multiply_add(number, shape.base, factor, chunk);
  }
  append_digits(alphabet, number, shape.digits, to);
}

Result<ByteVector> positional_decode(const Alphabet& alphabet, std::string_view text) {
  if (text.size() > kMaxPositionalText)
    return fail(ErrorCode::TooLarge, Op::Parse, Origin::Limit,
                std::to_string(text.size()) + " characters, at most " + std::to_string(kMaxPositionalText));
  const LimbShape shape = limb_shape(alphabet.characters.size());
  const std::size_t zeros = std::min(text.find_first_not_of(alphabet.characters[0]), text.size());
  Limbs number;
  for (std::size_t at = zeros; at < text.size();) {
    std::uint64_t factor = 1, chunk = 0;
    for (unsigned i = 0; i < shape.digits && at < text.size(); ++i, factor *= alphabet.characters.size()) {
      const int digit = alphabet.digit(text[at++]);
      if (digit < 0) return bad_digit();
      chunk = chunk * alphabet.characters.size() + std::uint64_t(digit);
    }
    multiply_add(number, std::uint64_t{1} << 32, factor, chunk);
  }
  ByteVector bytes(zeros);
  append_bytes(number, bytes);
  return bytes;
}

}  // namespace starling::multiformats
