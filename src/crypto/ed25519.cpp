// Ed25519 by libsodium, the fastest kept one.
#include <sodium.h>

#include "crypto/key_material.hpp"
#include "starling/base/assert.hpp"

namespace starling::crypto::ed25519 {

Result<PublicMaterial> read_public(Bytes data) {
  if (data.size() != kPublicSize) return bad_key(Op::Decode, "an Ed25519 public key has 32 bytes");
  return PublicMaterial{to_vector(data), nullptr};
}

static PrivateMaterial from_seed(Bytes seed) {
  PrivateMaterial key{SecretBytes(kPrivateSize), nullptr, ByteVector(kPublicSize)};
  crypto_sign_seed_keypair(key.public_data.data(), key.data.mutable_view().data(), seed.data());
  return key;
}

// The public half is computed and compared: signing with a wrong one gives the secret away.
Result<PrivateMaterial> read_private(Bytes data) {
  if (data.size() != kPrivateSize && data.size() != kLegacyPrivateSize)
    return bad_key(Op::Decode, "an Ed25519 private key has 64 bytes, or 96 in the old form");
  PrivateMaterial key = from_seed(data.first(kSeedSize));
  for (Bytes stated = data.subspan(kSeedSize); !stated.empty(); stated = stated.subspan(kPublicSize))
    if (!equal(stated.first(kPublicSize), key.public_data))
      return bad_key(Op::Decode, "the public half of the Ed25519 key does not belong to its secret half");
  return key;
}

PrivateMaterial generate(Random& random) {
  SecretBytes seed(kSeedSize);
  random.fill(seed.mutable_view());
  return from_seed(seed.view());
}

ByteVector sign(Bytes secret, Bytes message) {
  STARLING_ASSERT(secret.size() == kPrivateSize, "Ed25519 secrets are checked when they are read");
  ByteVector signature(kSignatureSize);
  crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(), secret.data());
  return signature;
}

Status verify(Bytes public_key, Bytes message, Bytes signature) {
  if (signature.size() != kSignatureSize) return bad_signature("an Ed25519 signature has 64 bytes");
  if (crypto_sign_verify_detached(signature.data(), message.data(), message.size(), public_key.data()) != 0)
    return bad_signature("Ed25519");
  return {};
}

}  // namespace starling::crypto::ed25519
