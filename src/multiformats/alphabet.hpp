// The characters of a base and the value of each: one table per direction, made at compile time.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace starling::multiformats {

inline constexpr std::int8_t kNoDigit = -1;

enum class Case : std::uint8_t { Exact, Ignored };

struct Alphabet {
  std::string_view characters;
  std::array<std::int8_t, 256> digits;  // value of each character, or kNoDigit

  constexpr Alphabet(std::string_view chars, Case letter_case = Case::Exact) : characters(chars), digits() {
    digits.fill(kNoDigit);
    for (std::size_t i = 0; i < chars.size(); ++i) {
      digits[std::uint8_t(chars[i])] = std::int8_t(i);
      if (letter_case == Case::Ignored) digits[std::uint8_t(other_case(chars[i]))] = std::int8_t(i);
    }
  }

  constexpr int digit(char c) const { return digits[std::uint8_t(c)]; }

 private:
  static constexpr char other_case(char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter ? char(c ^ 0x20) : c;
  }
};

}  // namespace starling::multiformats
