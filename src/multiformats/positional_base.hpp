// Bases in which the bytes are one large number (base10, base36, base58). Each leading zero byte is one zero digit.
// spec: multiformats/multibase, rfcs/Base10.md, rfcs/Base36.md. Time is quadratic in the size.
#pragma once

#include <string>
#include <string_view>

#include "multiformats/alphabet.hpp"
#include "starling/base/bytes.hpp"
#include "starling/base/error.hpp"

namespace starling::multiformats {

/// Appends the text of `bytes` to `to`.
void positional_encode(const Alphabet& alphabet, Bytes bytes, std::string& to);
/// Errors: Malformed; TooLarge for a text over kMaxPositionalText.
Result<ByteVector> positional_decode(const Alphabet& alphabet, std::string_view text);

}  // namespace starling::multiformats
