// Strict UTF-8, one code point at a time. spec: RFC 3629 §3 and §4.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace starling::multiformats {

struct CodePoint {
  char32_t value = 0;
  std::size_t size = 0;  // bytes it took; 0: the text does not begin with well-formed UTF-8
};

/// The first code point of a text that is not empty.
CodePoint read_utf8(std::string_view text);
void append_utf8(char32_t code_point, std::string& to);

/// Well-formed and without control characters, so that it can be shown and logged as it is.
bool is_printable_utf8(std::string_view text);

}  // namespace starling::multiformats
