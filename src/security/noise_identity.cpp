#include "security/noise_identity.hpp"

#include <algorithm>

namespace starling::security {
namespace {

// The key's length in front keeps key and signature apart; the static key has a fixed size.
crypto::Sha256Digest digest_of(Bytes key_message, Bytes static_key, Bytes signature) {
  std::uint8_t length[4];
  put_u32_be(length, std::uint32_t(key_message.size()));
  return crypto::Sha256().update(length).update(key_message).update(static_key).update(signature).finish();
}

}  // namespace

Status VerifiedSignatures::verify(const crypto::PublicKey& key, Bytes key_message, Bytes static_key, Bytes signature) {
  const auto digest = digest_of(key_message, static_key, signature);
  if (contains(digest)) return {};
  STARLING_CHECK(key.verify(signed_static_key(static_key), signature));
  insert(digest);
  return {};
}

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

Result<NoiseIdentity> NoiseIdentity::create(const crypto::PrivateKey& identity, Random& random) {
  auto static_key = crypto::X25519KeyPair::generate(random);
  STARLING_TRY(auto signature, identity.sign(signed_static_key(static_key.public_key())));
  return NoiseIdentity{.static_key = std::move(static_key),
                       .key_message = identity.public_key().to_protobuf(),
                       .signature = std::move(signature)};
}

}  // namespace starling::security
