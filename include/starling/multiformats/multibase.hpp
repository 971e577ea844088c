// Multibase: bytes as text in one of many bases, named by its first character; and the plain bases beneath it.
// spec: multiformats/multibase, multibase.csv; RFC 4648. Free functions; thread-safe.
//
// Decoding is strict: characters outside the alphabet, superfluous characters, bits left over that are not zero and
// wrong padding are refused, so every byte string has one text per base, save for case where the base ignores it.
// Bases that are not a power of two cost quadratic time, so their texts are bounded by kMaxPositionalText.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "starling/base/bytes.hpp"
#include "starling/base/error.hpp"

namespace starling {

/// Each base by its prefix, a Unicode code point.
enum class Multibase : char32_t {
  Identity = U'\0',
  Base2 = U'0',
  Base8 = U'7',
  Base10 = U'9',
  Base16 = U'f',
  Base16Upper = U'F',
  Base32 = U'b',
  Base32Upper = U'B',
  Base32Pad = U'c',
  Base32PadUpper = U'C',
  Base32Hex = U'v',
  Base32HexUpper = U'V',
  Base32HexPad = U't',
  Base32HexPadUpper = U'T',
  Base32Z = U'h',
  Base36 = U'k',
  Base36Upper = U'K',
  Base58Btc = U'z',
  Base58Flickr = U'Z',
  Base64 = U'm',
  Base64Pad = U'M',
  Base64Url = U'u',
  Base64UrlPad = U'U',
  Base256Emoji = U'\U0001F680',
};

inline constexpr std::size_t kMaxPositionalText = 1024;  // characters of base10, base36 or base58 that are decoded

/// "base58btc"; empty for a number that is no base.
std::string_view to_string(Multibase base);

/// Prefix and text. `base` is one of the enumerators.
std::string multibase_encode(Multibase base, Bytes bytes);

/// Bytes of a text with its prefix; tells the base in `which` if given, on success only.
/// Errors: Truncated (no prefix), UnknownCode (prefix), Malformed, NotCanonical (padding bits), TooLarge.
Result<ByteVector> multibase_decode(std::string_view text, Multibase* which = nullptr);

/// The same without the prefix.
std::string base_encode(Multibase base, Bytes bytes);
Result<ByteVector> base_decode(Multibase base, std::string_view text);

/// Bitcoin's base58. Encoding costs the square of the size: meant for keys and hashes.
std::string base58btc_encode(Bytes bytes);
/// Errors: Malformed; TooLarge for a text over kMaxPositionalText.
Result<ByteVector> base58btc_decode(std::string_view text);

/// RFC 4648 base32, lower case, no padding; decoding takes upper case as well.
std::string base32_encode(Bytes bytes);
Result<ByteVector> base32_decode(std::string_view text);

/// RFC 4648 base64 with padding, and its URL form without.
std::string base64_encode(Bytes bytes);
Result<ByteVector> base64_decode(std::string_view text);
std::string base64url_encode(Bytes bytes);
Result<ByteVector> base64url_decode(std::string_view text);

}  // namespace starling
