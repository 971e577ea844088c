#include "starling/security/verified_signatures.hpp"

#include <algorithm>

namespace starling::security {

bool VerifiedSignatures::contains(const crypto::Sha256Digest& digest) const {
  const std::lock_guard lock(mutex_);
  return std::ranges::find(digests_, digest) != digests_.end();
}

void VerifiedSignatures::insert(const crypto::Sha256Digest& digest) {
  const std::lock_guard lock(mutex_);
  if (digests_.size() < kCapacity) return digests_.push_back(digest);
  digests_[oldest_] = digest;
  oldest_ = (oldest_ + 1) % kCapacity;
}

std::size_t VerifiedSignatures::size() const {
  const std::lock_guard lock(mutex_);
  return digests_.size();
}

}  // namespace starling::security
