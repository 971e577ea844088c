#include "security/tls_extension.hpp"

#include <algorithm>
#include <array>

namespace starling::security {
namespace {

constexpr std::uint8_t kSequenceTag = 0x30, kOctetStringTag = 0x04;
constexpr std::uint8_t kLongLength = 0x80;
constexpr std::size_t kMaxLengthBytes = 3;  // up to 16 MiB: far more than a certificate may have

std::unexpected<Error> bad(ErrorCode code, const char* why) {
  return fail(code, Op::Parse, Origin::Remote, std::string("libp2p extension: ") + why);
}

/// Takes the length field off the front of `der`.
Result<std::size_t> take_length(Bytes& der) {
  if (der.empty()) return bad(ErrorCode::Truncated, "no length");
  const std::uint8_t first = der[0];
  der = der.subspan(1);
  if (first < kLongLength) return first;
  const std::size_t count = first & 0x7f;
  if (count == 0 || count > kMaxLengthBytes) return bad(ErrorCode::Malformed, "length form");
  if (der.size() < count) return bad(ErrorCode::Truncated, "length");
  std::size_t length = 0;
  for (const std::uint8_t byte : der.first(count)) length = length << 8 | byte;
  if (length < kLongLength || der[0] == 0) return bad(ErrorCode::NotCanonical, "length not minimal");
  der = der.subspan(count);
  return length;
}

/// Takes one element with `tag` off the front of `der`; returns its content.
Result<Bytes> take_element(Bytes& der, std::uint8_t tag) {
  if (der.empty()) return bad(ErrorCode::Truncated, "an element is missing");
  if (der[0] != tag) return bad(ErrorCode::Malformed, "unexpected tag");
  der = der.subspan(1);
  STARLING_TRY(const std::size_t length, take_length(der));
  if (der.size() < length) return bad(ErrorCode::Truncated, "an element is longer than the input");
  const Bytes content = der.first(length);
  der = der.subspan(length);
  return content;
}

/// Tag and length in front of `content`.
ByteVector element(std::uint8_t tag, Bytes content) {
  ByteVector out{tag};
  const std::size_t size = content.size();
  if (size < kLongLength) {
    out.push_back(std::uint8_t(size));
  } else {
    std::array<std::uint8_t, 4> bytes;
    put_u32_be(bytes.data(), std::uint32_t(size));
    const auto first = std::ranges::find_if(bytes, [](std::uint8_t byte) { return byte != 0; });
    out.push_back(std::uint8_t(kLongLength | (bytes.end() - first)));
    out.insert(out.end(), first, bytes.end());
  }
  append(out, content);
  return out;
}

}  // namespace

Result<SignedKey> parse_signed_key(Bytes der) {
  STARLING_TRY(Bytes sequence, take_element(der, kSequenceTag));
  if (!der.empty()) return bad(ErrorCode::TrailingData, "bytes behind the sequence");
  STARLING_TRY(const Bytes public_key, take_element(sequence, kOctetStringTag));
  STARLING_TRY(const Bytes signature, take_element(sequence, kOctetStringTag));
  if (!sequence.empty()) return bad(ErrorCode::TrailingData, "bytes behind the signature");
  return SignedKey{.public_key = public_key, .signature = signature};
}

ByteVector encode_signed_key(const SignedKey& key) {
  ByteVector content = element(kOctetStringTag, key.public_key);
  append(content, element(kOctetStringTag, key.signature));
  return element(kSequenceTag, content);
}

}  // namespace starling::security
