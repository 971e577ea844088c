#include "security/noise_identity.hpp"

#include "starling/crypto/hash.hpp"

namespace starling::security {
namespace {

// The key's length in front keeps key and signature apart; the static key has a fixed size.
crypto::Sha256Digest digest_of(Bytes key_message, Bytes static_key, Bytes signature) {
  std::uint8_t length[4];
  put_u32_be(length, std::uint32_t(key_message.size()));
  return crypto::Sha256().update(length).update(key_message).update(static_key).update(signature).finish();
}

}  // namespace

Status verify_static_key(VerifiedSignatures& verified, const crypto::PublicKey& key, const NoisePayload& payload,
                         Bytes static_key) {
  const auto digest = digest_of(payload.identity_key, static_key, payload.identity_sig);
  if (verified.find(digest)) return {};
  STARLING_CHECK(key.verify(signed_static_key(static_key), payload.identity_sig));
  verified.insert(digest);
  return {};
}

Result<NoiseIdentity> NoiseIdentity::create(const crypto::PrivateKey& identity, Random& random) {
  auto static_key = crypto::X25519KeyPair::generate(random);
  STARLING_TRY(auto signature, identity.sign(signed_static_key(static_key.public_key())));
  return NoiseIdentity{.static_key = std::move(static_key),
                       .key_message = identity.public_key().to_protobuf(),
                       .signature = std::move(signature)};
}

}  // namespace starling::security
