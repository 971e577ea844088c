#include "multiformats/utf8.hpp"

#include <cstdint>

namespace starling::multiformats {
namespace {

// Smallest code point of each size; a smaller one in that size is an overlong form.
constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
constexpr char32_t kLargest = 0x10FFFF;

std::size_t size_from_lead(std::uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xC0) return 0;
  if (lead < 0xE0) return 2;
  if (lead < 0xF0) return 3;
  return lead < 0xF8 ? 4 : 0;
}

bool is_surrogate(char32_t code_point) { return code_point >= 0xD800 && code_point <= 0xDFFF; }
bool is_control(char32_t code_point) { return code_point < 0x20 || (code_point >= 0x7F && code_point <= 0x9F); }

char continuation(char32_t code_point, unsigned shift) { return char(0x80 | ((code_point >> shift) & 0x3F)); }

}  // namespace

CodePoint read_utf8(std::string_view text) {
  const auto lead = std::uint8_t(text[0]);
  const std::size_t size = size_from_lead(lead);
  if (size == 0 || size > text.size()) return {};
  if (size == 1) return {lead, 1};
  char32_t value = lead & (0x7Fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    const auto byte = std::uint8_t(text[i]);
    if ((byte & 0xC0) != 0x80) return {};
    value = (value << 6) | (byte & 0x3F);
  }
  if (value < kSmallest[size] || value > kLargest || is_surrogate(value)) return {};
  return {value, size};
}

void append_utf8(char32_t code_point, std::string& to) {
  if (code_point < kSmallest[2]) return to.push_back(char(code_point));
  if (code_point < kSmallest[3]) {
    to.push_back(char(0xC0 | (code_point >> 6)));
  } else {
    if (code_point < kSmallest[4]) {
      to.push_back(char(0xE0 | (code_point >> 12)));
    } else {
      to.push_back(char(0xF0 | (code_point >> 18)));
      to.push_back(continuation(code_point, 12));
    }
    to.push_back(continuation(code_point, 6));
  }
  to.push_back(continuation(code_point, 0));
}

bool is_printable_utf8(std::string_view text) {
  while (!text.empty()) {
    const CodePoint next = read_utf8(text);
    if (next.size == 0 || is_control(next.value)) return false;
    text.remove_prefix(next.size);
  }
  return true;
}

}  // namespace starling::multiformats
