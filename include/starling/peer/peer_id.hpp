// PeerId: the multihash of a public key. Value: 44 bytes at most, kept inline.
// spec: peer-ids/peer-ids.md
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "starling/base/bytes.hpp"
#include "starling/base/error.hpp"
#include "starling/crypto/keys.hpp"

namespace starling {

class PeerId {
 public:
  static constexpr std::size_t kMaxSize = 44;       // identity multihash of a 42-byte key message
  static constexpr std::size_t kMaxInlineKey = 42;  // spec: larger key messages are hashed with SHA-256

  /// The empty id: no peer. Only for containers and "not known yet".
  PeerId() = default;
  static PeerId from_public_key(const crypto::PublicKey& key);
  /// Bytes of a multihash: identity (at most 42 bytes) or sha2-256.
  static Result<PeerId> from_bytes(Bytes multihash);
  /// Either text form: base58btc multihash ("12D3…", "Qm…") or a CIDv1 of codec libp2p-key in any multibase ("bafz…").
  static Result<PeerId> from_string(std::string_view text);

  bool empty() const { return size_ == 0; }
  Bytes bytes() const { return {bytes_.data(), size_}; }
  std::string to_string() const;      // base58btc
  std::string to_cid_string() const;  // CIDv1, base32
  /// The key itself where the id holds it (identity multihash).
  std::optional<crypto::PublicKey> public_key() const;
  bool matches(const crypto::PublicKey& key) const;

  friend bool operator==(const PeerId&, const PeerId&) = default;
  friend auto operator<=>(const PeerId&, const PeerId&) = default;

 private:
  std::array<std::uint8_t, kMaxSize> bytes_{};
  std::uint8_t size_ = 0;
};

}  // namespace starling

template <>
struct std::hash<starling::PeerId> {
  std::size_t operator()(const starling::PeerId& id) const noexcept {
    return std::hash<std::string_view>{}(starling::as_text(id.bytes()));
  }
};
