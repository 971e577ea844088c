// Bases of a power of two: each character holds 1 to 6 bits, first bits first. spec: RFC 4648.
#pragma once

#include <string>
#include <string_view>

#include "multiformats/alphabet.hpp"
#include "starling/base/bytes.hpp"
#include "starling/base/error.hpp"

namespace starling::multiformats {

struct BitBase {
  Alphabet alphabet;
  unsigned bits;               // per character
  unsigned pad_to = 0;         // '=' fills the text up to a multiple of this; 0: no padding
  bool any_left_over = false;  // decoding takes left-over bits that are not zero
};

/// Appends the text of `bytes` to `to`.
void bit_base_encode(const BitBase& base, Bytes bytes, std::string& to);
/// Errors: Malformed, NotCanonical.
Result<ByteVector> bit_base_decode(const BitBase& base, std::string_view text);

}  // namespace starling::multiformats
