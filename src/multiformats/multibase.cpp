#include "starling/multiformats/multibase.hpp"

#include "multiformats/base256emoji.hpp"
#include "multiformats/bit_base.hpp"
#include "multiformats/positional_base.hpp"
#include "starling/base/assert.hpp"

namespace starling {
namespace {

using multiformats::Alphabet;
using multiformats::BitBase;
using multiformats::Case;

enum class Kind : std::uint8_t { Raw, Bits, Number, Emoji };

struct Base {
  Multibase base;
  std::string_view name;
  Kind kind;
  BitBase shape;
};

constexpr Base raw(Multibase base, std::string_view name, Kind kind) { return {base, name, kind, {Alphabet(""), 0}}; }
constexpr Base bits(Multibase base, std::string_view name, BitBase shape) { return {base, name, Kind::Bits, shape}; }
constexpr Base number(Multibase base, std::string_view name, Alphabet alphabet) {
  return {base, name, Kind::Number, {alphabet, 0}};
}

constexpr Alphabet kBase16("0123456789abcdef", Case::Ignored);
constexpr Alphabet kBase16Upper("0123456789ABCDEF", Case::Ignored);
constexpr Alphabet kBase32("abcdefghijklmnopqrstuvwxyz234567", Case::Ignored);
constexpr Alphabet kBase32Upper("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", Case::Ignored);
constexpr Alphabet kBase32Hex("0123456789abcdefghijklmnopqrstuv", Case::Ignored);
constexpr Alphabet kBase32HexUpper("0123456789ABCDEFGHIJKLMNOPQRSTUV", Case::Ignored);
constexpr Alphabet kBase64("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
constexpr Alphabet kBase64Url("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

// spec: multiformats/multibase, multibase.csv
constexpr Base kBases[] = {
    raw(Multibase::Identity, "identity", Kind::Raw),
    bits(Multibase::Base2, "base2", {Alphabet("01"), 1}),
    bits(Multibase::Base8, "base8", {Alphabet("01234567"), 3}),
    number(Multibase::Base10, "base10", Alphabet("0123456789")),
    bits(Multibase::Base16, "base16", {kBase16, 4}),
    bits(Multibase::Base16Upper, "base16upper", {kBase16Upper, 4}),
    bits(Multibase::Base32, "base32", {kBase32, 5}),
    bits(Multibase::Base32Upper, "base32upper", {kBase32Upper, 5}),
    bits(Multibase::Base32Pad, "base32pad", {kBase32, 5, 8}),
    bits(Multibase::Base32PadUpper, "base32padupper", {kBase32Upper, 5, 8}),
    bits(Multibase::Base32Hex, "base32hex", {kBase32Hex, 5}),
    bits(Multibase::Base32HexUpper, "base32hexupper", {kBase32HexUpper, 5}),
    bits(Multibase::Base32HexPad, "base32hexpad", {kBase32Hex, 5, 8}),
    bits(Multibase::Base32HexPadUpper, "base32hexpadupper", {kBase32HexUpper, 5, 8}),
    bits(Multibase::Base32Z, "base32z", {Alphabet("ybndrfg8ejkmcpqxot1uwisza345h769"), 5}),
    number(Multibase::Base36, "base36", Alphabet("0123456789abcdefghijklmnopqrstuvwxyz", Case::Ignored)),
    number(Multibase::Base36Upper, "base36upper", Alphabet("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", Case::Ignored)),
    number(Multibase::Base58Btc, "base58btc", Alphabet("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")),
    number(Multibase::Base58Flickr, "base58flickr",
           Alphabet("123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ")),
    bits(Multibase::Base64, "base64", {kBase64, 6}),
    bits(Multibase::Base64Pad, "base64pad", {kBase64, 6, 4}),
    bits(Multibase::Base64Url, "base64url", {kBase64Url, 6}),
    bits(Multibase::Base64UrlPad, "base64urlpad", {kBase64Url, 6, 4}),
    raw(Multibase::Base256Emoji, "base256emoji", Kind::Emoji),
};

const Base* find_base(Multibase base) {
  for (const Base& known : kBases)
    if (known.base == base) return &known;
  return nullptr;
}

void append_text(const Base& base, Bytes bytes, std::string& to) {
  switch (base.kind) {
    case Kind::Raw:
      to.append(as_text(bytes));
      return;
    case Kind::Bits:
      return multiformats::bit_base_encode(base.shape, bytes, to);
    case Kind::Number:
      return multiformats::positional_encode(base.shape.alphabet, bytes, to);
    case Kind::Emoji:
      return multiformats::emoji_encode(bytes, to);
  }
}

Result<ByteVector> decode_text(const Base& base, std::string_view text) {
  switch (base.kind) {
    case Kind::Raw:
      break;
    case Kind::Bits:
      return multiformats::bit_base_decode(base.shape, text);
    case Kind::Number:
      return multiformats::positional_decode(base.shape.alphabet, text);
    case Kind::Emoji:
      return multiformats::emoji_decode(text);
  }
  return to_vector(as_bytes(text));
}

std::string_view prefix_text(const Multibase& base, char& storage) {
  if (base == Multibase::Base256Emoji) return multiformats::kRocket;
  storage = char(base);
  return {&storage, 1};
}

const Base& known_base(Multibase base) {
  const Base* known = find_base(base);
  STARLING_ASSERT(known != nullptr, "a number that is no multibase");
  return *known;
}

}  // namespace

std::string_view to_string(Multibase base) {
  const Base* known = find_base(base);
  return known ? known->name : std::string_view();
}

std::string multibase_encode(Multibase base, Bytes bytes) {
  char storage;
  std::string text(prefix_text(base, storage));
  append_text(known_base(base), bytes, text);
  return text;
}

Result<ByteVector> multibase_decode(std::string_view text, Multibase* which) {
  if (text.empty()) return fail(ErrorCode::Truncated, Op::Parse, Origin::Local, "multibase text without its prefix");
  const bool emoji = text.starts_with(multiformats::kRocket);
  const auto prefix = emoji ? Multibase::Base256Emoji : Multibase(char32_t(std::uint8_t(text[0])));
  const Base* base = find_base(prefix);
  if (!base)
    return fail(ErrorCode::UnknownCode, Op::Parse, Origin::Local,
                "multibase prefix 0x" + to_hex(as_bytes(text).first(1)));
  auto bytes = decode_text(*base, text.substr(emoji ? multiformats::kRocket.size() : 1));
  if (bytes && which) *which = prefix;
  return bytes;
}

std::string base_encode(Multibase base, Bytes bytes) {
  std::string text;
  append_text(known_base(base), bytes, text);
  return text;
}

Result<ByteVector> base_decode(Multibase base, std::string_view text) { return decode_text(known_base(base), text); }

std::string base58btc_encode(Bytes bytes) { return base_encode(Multibase::Base58Btc, bytes); }
Result<ByteVector> base58btc_decode(std::string_view text) { return base_decode(Multibase::Base58Btc, text); }
std::string base32_encode(Bytes bytes) { return base_encode(Multibase::Base32, bytes); }
Result<ByteVector> base32_decode(std::string_view text) { return base_decode(Multibase::Base32, text); }
std::string base64_encode(Bytes bytes) { return base_encode(Multibase::Base64Pad, bytes); }
Result<ByteVector> base64_decode(std::string_view text) { return base_decode(Multibase::Base64Pad, text); }
std::string base64url_encode(Bytes bytes) { return base_encode(Multibase::Base64Url, bytes); }
Result<ByteVector> base64url_decode(std::string_view text) { return base_decode(Multibase::Base64Url, text); }

}  // namespace starling
