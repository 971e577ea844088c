// Cid: content identifier, a multihash with the format of what was hashed. Versions 0 and 1.
// spec: multiformats/cid, Versions; Decoding Algorithm. Value; canonical bytes inside.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "starling/base/bytes.hpp"
#include "starling/base/error.hpp"
#include "starling/multiformats/multibase.hpp"
#include "starling/multiformats/multicodec.hpp"
#include "starling/multiformats/multihash.hpp"

namespace starling {

class Cid {
 public:
  static constexpr std::size_t kMaxTextSize = 2048;  // characters; the largest CID in base2 has fewer

  /// No CID. Only for containers and "not known yet".
  Cid() = default;
  /// Version 0: DAG-PB by sha2-256, the old form. Errors: InvalidArgument for any other multihash.
  static Result<Cid> v0(const Multihash& hash);
  /// Version 1. Errors: InvalidArgument for an empty multihash or a codec over 63 bits.
  static Result<Cid> v1(Multicodec codec, const Multihash& hash);
  /// Version 0 ("Qm…", 46 characters of base58btc) or version 1 in any multibase. No path, no URL around it.
  /// Errors: those of multibase_decode and of from_bytes; TooLarge over kMaxTextSize.
  static Result<Cid> from_string(std::string_view text);
  /// The whole of `bytes`. Errors: Truncated, NotCanonical, TooLarge, TrailingData, UnknownCode (version).
  static Result<Cid> from_bytes(Bytes bytes);
  /// From the front of `bytes`; it took bytes().size() of the result. Errors as above but for TrailingData.
  static Result<Cid> read_prefix(Bytes bytes);

  bool empty() const { return bytes_.empty(); }
  unsigned version() const { return hash_begin_ == 0 ? 0 : 1; }
  /// The format of the content; DagPb for version 0.
  Multicodec codec() const { return codec_; }
  Multihash multihash() const;
  /// The view lives as long as this object is unchanged.
  Bytes bytes() const { return bytes_; }

  /// The usual text: base58btc for version 0, base32 for version 1; empty for no CID.
  std::string to_string() const;
  /// In another base. Errors: InvalidArgument for version 0 in any base but base58btc.
  Result<std::string> to_string(Multibase base) const;

  /// The same content as version 1.
  Cid to_v1() const;
  /// The same content as version 0. Errors: InvalidArgument unless it is DAG-PB by sha2-256.
  Result<Cid> to_v0() const;

  /// In the order of the bytes. Versions 0 and 1 of the same content are different CIDs.
  friend bool operator==(const Cid& a, const Cid& b) { return a.bytes_ == b.bytes_; }
  friend auto operator<=>(const Cid& a, const Cid& b) { return a.bytes_ <=> b.bytes_; }

 private:
  ByteVector bytes_;
  Multicodec codec_ = Multicodec::DagPb;
  std::uint8_t hash_begin_ = 0;  // where the multihash stands in bytes_; 0 in version 0
};

}  // namespace starling

template <>
struct std::hash<starling::Cid> {
  std::size_t operator()(const starling::Cid& cid) const noexcept {
    return std::hash<std::string_view>{}(starling::as_text(cid.bytes()));
  }
};
