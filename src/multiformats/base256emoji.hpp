// base256emoji: one code point, as UTF-8, for each byte. spec: multiformats/multibase, rfcs/Base256Emoji.md.
#pragma once

#include <string>
#include <string_view>

#include "starling/base/bytes.hpp"
#include "starling/base/error.hpp"

namespace starling::multiformats {

/// The text of the first character: the prefix of the base and the digit zero.
inline constexpr std::string_view kRocket = "\xF0\x9F\x9A\x80";

/// Appends the text of `bytes` to `to`.
void emoji_encode(Bytes bytes, std::string& to);
/// Errors: Malformed.
Result<ByteVector> emoji_decode(std::string_view text);

}  // namespace starling::multiformats
