// Multihash: a digest that names its hash function and its size: varint code, varint size, digest.
// spec: multiformats/multihash, Format. Value; only the container, nothing here computes a hash.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "starling/base/bytes.hpp"
#include "starling/base/error.hpp"
#include "starling/multiformats/multicodec.hpp"

namespace starling {

class Multihash {
 public:
  static constexpr std::size_t kMaxDigestSize = 128;  // bytes; identity digests of small blocks included

  /// No hash. Only for containers and "not known yet".
  Multihash() = default;
  /// Digests may be shorter than what the function yields. Errors: TooLarge for one over kMaxDigestSize or a code
  /// over 63 bits.
  static Result<Multihash> make(Multicodec function, Bytes digest);
  /// The whole of `bytes`. Errors: Truncated, NotCanonical, TooLarge, TrailingData.
  static Result<Multihash> from_bytes(Bytes bytes);
  /// From the front of `bytes`; it took bytes().size() of the result. Errors as above but for TrailingData.
  static Result<Multihash> read_prefix(Bytes bytes);

  bool empty() const { return bytes_.empty(); }
  Multicodec function() const { return function_; }
  /// The views live as long as this object is unchanged.
  Bytes digest() const { return Bytes(bytes_).subspan(header_size_); }
  Bytes bytes() const { return bytes_; }
  /// "sha2-256:<hex>", for logs; an unnamed function as its number, "0x1234:<hex>".
  std::string to_string() const;

  /// In the order of the bytes.
  friend bool operator==(const Multihash& a, const Multihash& b) { return a.bytes_ == b.bytes_; }
  friend auto operator<=>(const Multihash& a, const Multihash& b) { return a.bytes_ <=> b.bytes_; }

 private:
  ByteVector bytes_;
  Multicodec function_ = Multicodec::Identity;
  std::uint8_t header_size_ = 0;  // of code and size
};

}  // namespace starling

template <>
struct std::hash<starling::Multihash> {
  std::size_t operator()(const starling::Multihash& hash) const noexcept {
    return std::hash<std::string_view>{}(starling::as_text(hash.bytes()));
  }
};
