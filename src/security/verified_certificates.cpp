#include "starling/security/verified_certificates.hpp"

#include <algorithm>

#include "security/tls_certificate.hpp"

namespace starling::security {

struct VerifiedCertificates::Entry {
  crypto::Sha256Digest digest;
  VerifiedCertificate certificate;
};

VerifiedCertificates::VerifiedCertificates() = default;
VerifiedCertificates::~VerifiedCertificates() = default;

std::optional<VerifiedCertificate> VerifiedCertificates::find(const crypto::Sha256Digest& digest) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(entries_, digest, &Entry::digest);
  if (found == entries_.end()) return std::nullopt;
  return found->certificate.share();
}

void VerifiedCertificates::insert(const crypto::Sha256Digest& digest, const VerifiedCertificate& certificate) {
  const std::lock_guard lock(mutex_);
  if (entries_.size() < kCapacity) return entries_.push_back({digest, certificate.share()});
  entries_[oldest_] = {digest, certificate.share()};
  oldest_ = (oldest_ + 1) % kCapacity;
}

std::size_t VerifiedCertificates::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace starling::security
