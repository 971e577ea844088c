// What a host remembers of identities it has verified: a peer that comes again with the same certificate or static key
// costs one hash instead of the verifications. Only what follows from the bytes alone is remembered; that the peer
// holds the key is proven in each handshake.
#pragma once

#include <cstddef>
#include <mutex>
#include <vector>

#include "starling/crypto/hash.hpp"

namespace starling::security {

/// Digests of signed statements whose signatures were found good. Bounded; the oldest entry makes room. Safe to use
/// from several threads.
class VerifiedSignatures {
 public:
  static constexpr std::size_t kCapacity = 256;  // 8 KiB, searched in less than a hundredth of a verification

  /// `digest` covers everything that the signatures' verification looks at.
  bool contains(const crypto::Sha256Digest& digest) const;
  void insert(const crypto::Sha256Digest& digest);
  std::size_t size() const;

 private:
  mutable std::mutex mutex_;
  std::vector<crypto::Sha256Digest> digests_;
  std::size_t oldest_ = 0;
};

}  // namespace starling::security
