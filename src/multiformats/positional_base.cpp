#include "multiformats/positional_base.hpp"

#include <algorithm>
#include <bit>
#include <vector>

#include "starling/base/assert.hpp"
#include "starling/multiformats/multibase.hpp"

namespace starling::multiformats {
namespace {

// A number as limbs, least significant first. Limbs of many digits make the
// quadratic part cheaper by the square of that many.
using Limbs = std::vector<std::uint32_t>;

// number = number * factor + addend, in limbs below LimbBase, which is known here so that no division is left.
template <std::uint64_t LimbBase>
void multiply_add(Limbs& number, std::uint64_t factor, std::uint64_t addend) {
  std::uint64_t carry = addend;
  for (std::uint32_t& limb : number) {
    carry += limb * factor;
    limb = std::uint32_t(carry % LimbBase);
    carry /= LimbBase;
  }
  for (; carry != 0; carry /= LimbBase) number.push_back(std::uint32_t(carry % LimbBase));
}

// The most digits whose power still fits a limb, and that power.
struct LimbShape {
  unsigned digits = 0;
  std::uint64_t base = 1;
};

constexpr LimbShape limb_shape(std::uint64_t radix) {
  LimbShape shape;
  for (; shape.base * radix <= UINT32_MAX; ++shape.digits) shape.base *= radix;
  return shape;
}

template <std::uint32_t Radix>
void append_digits(const Alphabet& alphabet, const Limbs& number, std::string& to) {
  const std::size_t begin = to.size();
  for (std::uint32_t limb : number)
    for (unsigned i = 0; i < limb_shape(Radix).digits; ++i, limb /= Radix)
      to.push_back(alphabet.characters[limb % Radix]);
  while (to.size() > begin && to.back() == alphabet.characters[0]) to.pop_back();
  std::reverse(to.begin() + std::ptrdiff_t(begin), to.end());
}

void append_bytes(const Limbs& number, ByteVector& to) {
  if (number.empty()) return;
  const std::size_t size = number.size() * 4 - std::size_t(std::countl_zero(number.back())) / 8;
  for (std::size_t i = size; i-- > 0;) to.push_back(std::uint8_t(number[i / 4] >> (8 * (i % 4))));
}

template <std::uint32_t Radix>
void encode_number(const Alphabet& alphabet, Bytes bytes, std::string& to) {
  constexpr LimbShape kShape = limb_shape(Radix);
  Limbs number;
  for (auto at = bytes.begin(); at != bytes.end();) {
    std::uint64_t factor = 1, chunk = 0;
    for (int i = 0; i < 4 && at != bytes.end(); ++i, factor <<= 8) chunk = (chunk << 8) | *at++;
    multiply_add<kShape.base>(number, factor, chunk);
  }
  append_digits<Radix>(alphabet, number, to);
}

std::unexpected<Error> bad_digit() {
  return fail(ErrorCode::Malformed, Op::Parse, Origin::Local, "a character is not of the base");
}

}  // namespace

void positional_encode(const Alphabet& alphabet, Bytes bytes, std::string& to) {
  const auto first = std::ranges::find_if(bytes, [](std::uint8_t byte) { return byte != 0; });
  to.append(std::size_t(first - bytes.begin()), alphabet.characters[0]);
  const Bytes rest(first, bytes.end());
  switch (alphabet.characters.size()) {
    case 10:
      return encode_number<10>(alphabet, rest, to);
    case 36:
      return encode_number<36>(alphabet, rest, to);
    case 58:
      return encode_number<58>(alphabet, rest, to);
    default:
      STARLING_ASSERT(false, "an alphabet of another size");
  }
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
    multiply_add<std::uint64_t{1} << 32>(number, factor, chunk);
  }
  ByteVector bytes(zeros);
  append_bytes(number, bytes);
  return bytes;
}

}  // namespace starling::multiformats
