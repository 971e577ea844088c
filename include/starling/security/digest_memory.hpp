// What a host remembers of identities it has verified: a peer that comes again with the same certificate or static key
// costs one hash instead of parsing and verifications. Only what follows from the bytes alone is remembered; that the
// peer holds the key is proven in each handshake.
#pragma once

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "starling/crypto/hash.hpp"

namespace starling::security {

/// Values by the digest of all that they follow from; std::monostate where there is nothing to keep but that it was
/// good. Bounded; the oldest entry makes room. Safe to use from several threads.
template <typename Value>
class DigestMemory {
 public:
  static constexpr std::size_t kCapacity = 256;  // searched in less than a hundredth of a verification

  std::optional<Value> find(const crypto::Sha256Digest& digest) const {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find(entries_, digest, &Entry::digest);
    if (found == entries_.end()) return std::nullopt;
    return found->value;
  }

  void insert(const crypto::Sha256Digest& digest, Value value = {}) {
    const std::lock_guard lock(mutex_);
    if (entries_.size() < kCapacity) return entries_.push_back({digest, std::move(value)});
    entries_[oldest_] = {digest, std::move(value)};
    oldest_ = (oldest_ + 1) % kCapacity;
  }

  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return entries_.size();
  }

 private:
  struct Entry {
    crypto::Sha256Digest digest;
    Value value;
  };
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
  std::size_t oldest_ = 0;
};

}  // namespace starling::security
