// The Noise identity of one host, and the check of a remote one.
// spec: noise/README.md, Static Key Authentication
#pragma once

#include <variant>

#include "security/noise_payload.hpp"
#include "starling/base/random.hpp"
#include "starling/crypto/keys.hpp"
#include "starling/crypto/x25519.hpp"
#include "starling/security/digest_memory.hpp"

namespace starling::security {

/// One static key per host, signed once: a signature less per handshake. It is never stored.
struct NoiseIdentity {
  /// Errors: those of PrivateKey::sign.
  static Result<NoiseIdentity> create(const crypto::PrivateKey& identity, Random& random);

  crypto::X25519KeyPair static_key;
  ByteVector key_message;  // the identity's PublicKey message
  ByteVector signature;
};

/// By the digest of everything that the signature's verification looks at.
using VerifiedSignatures = DigestMemory<std::monostate>;

/// Ok if `key`, which is the payload's identity key, signed `static_key`; asks and fills `verified`.
/// Errors: BadSignature.
Status verify_static_key(VerifiedSignatures& verified, const crypto::PublicKey& key, const NoisePayload& payload,
                         Bytes static_key);

}  // namespace starling::security
