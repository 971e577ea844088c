// What a host remembers of certificates it has found good: a peer that comes again with the same one costs a hash
// instead of parsing and two verifications. Only what follows from the bytes alone is remembered; that the peer holds
// the certificate's key is proven in each handshake.
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <vector>

#include "starling/crypto/hash.hpp"

namespace starling::security {

struct VerifiedCertificate;

/// Bounded; the oldest certificate makes room. Safe to use from several threads.
class VerifiedCertificates {
 public:
  static constexpr std::size_t kCapacity = 256;
  /// Bytes of DER; a longer one is not remembered. With an ECDSA key it has 400 to 500, and OpenSSL takes ten times
  /// that.
  static constexpr std::size_t kMaxBytes = 1024;

  VerifiedCertificates();
  ~VerifiedCertificates();
  VerifiedCertificates(const VerifiedCertificates&) = delete;
  VerifiedCertificates& operator=(const VerifiedCertificates&) = delete;

  /// The certificate with this digest of its DER, if it is remembered.
  std::optional<VerifiedCertificate> find(const crypto::Sha256Digest& digest) const;
  void insert(const crypto::Sha256Digest& digest, const VerifiedCertificate& certificate);
  std::size_t size() const;

 private:
  struct Entry;
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
  std::size_t oldest_ = 0;
};

}  // namespace starling::security
