// The Noise identity of one host, and its memory of whom it has verified. Shared by all its handshakes.
// spec: noise/README.md, Static Key Authentication
#pragma once

#include <cstddef>
#include <mutex>
#include <vector>

#include "security/noise_payload.hpp"
#include "starling/base/random.hpp"
#include "starling/crypto/hash.hpp"
#include "starling/crypto/keys.hpp"
#include "starling/crypto/x25519.hpp"

namespace starling::security {

/// The signatures found good of late: a peer that keeps its static key costs one hash instead of one verification when
/// it comes again. Bounded; the oldest entry makes room. Safe to use from several threads.
class VerifiedSignatures {
 public:
  static constexpr std::size_t kCapacity = 256;  // 8 KiB, searched in less than a hundredth of a verification

  /// Ok if `key` signed `static_key`. Errors: BadSignature.
  Status verify(const crypto::PublicKey& key, Bytes key_message, Bytes static_key, Bytes signature);
  std::size_t size() const;

 private:
  bool contains(const crypto::Sha256Digest& digest) const;
  void insert(const crypto::Sha256Digest& digest);

  mutable std::mutex mutex_;
  std::vector<crypto::Sha256Digest> digests_;
  std::size_t oldest_ = 0;
};

/// One static key per host, signed once: a signature less per handshake. It is never stored.
struct NoiseIdentity {
  /// Errors: those of PrivateKey::sign.
  static Result<NoiseIdentity> create(const crypto::PrivateKey& identity, Random& random);

  crypto::X25519KeyPair static_key;
  ByteVector key_message;  // the identity's PublicKey message
  ByteVector signature;
};

}  // namespace starling::security
