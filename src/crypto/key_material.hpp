// What each key algorithm gives to the key classes. One file per algorithm: ed25519.cpp, elliptic_curve.cpp, rsa.cpp.
// spec: peer-ids/peer-ids.md, Key Types
#pragma once

#include "crypto/openssl.hpp"
#include "starling/base/random.hpp"
#include "starling/crypto/keys.hpp"
#include "starling/crypto/secret.hpp"

namespace starling::crypto {

struct PublicMaterial {
  ByteVector data;  // the spec's Data field, canonical
  EvpKey evp;       // null for Ed25519
};

struct PrivateMaterial {
  SecretBytes data;  // the spec's Data field, canonical
  EvpKey evp;        // null for Ed25519
  ByteVector public_data;
};

inline std::unexpected<Error> bad_key(Op op, std::string detail) {
  return openssl_failure(ErrorCode::BadKey, op, Origin::Remote, std::move(detail));
}
inline std::unexpected<Error> bad_signature(std::string_view algorithm) {
  return openssl_failure(ErrorCode::BadSignature, Op::Verify, Origin::Remote, std::string(algorithm));
}

namespace ed25519 {
inline constexpr std::size_t kSeedSize = 32, kPublicSize = 32, kPrivateSize = 64, kLegacyPrivateSize = 96;
inline constexpr std::size_t kSignatureSize = 64;
Result<PublicMaterial> read_public(Bytes data);
Result<PrivateMaterial> read_private(Bytes data);
PrivateMaterial generate(Random& random);
ByteVector sign(Bytes secret, Bytes message);
Status verify(Bytes public_key, Bytes message, Bytes signature);
}  // namespace ed25519

namespace ecdsa {  // P-256
Result<PublicMaterial> read_public(Bytes pkix);
Result<PrivateMaterial> read_private(Bytes sec1);
Result<PrivateMaterial> generate(Random& random);
}  // namespace ecdsa

namespace secp256k1 {
Result<PublicMaterial> read_public(Bytes compressed_point);
Result<PrivateMaterial> read_private(Bytes scalar);
Result<PrivateMaterial> generate(Random& random);
/// The equivalent signature whose s is in the lower half: others refuse the upper one.
Result<ByteVector> with_low_s(Bytes der_signature);
}  // namespace secp256k1

namespace rsa {
// The longest DER of 8192 bits: 1063 bytes public, about 4660 bytes private.
inline constexpr std::size_t kMaxPublicDer = 1100, kMaxPrivateDer = 4800;
Result<PublicMaterial> read_public(Bytes pkix);
Result<PrivateMaterial> read_private(Bytes pkcs1);
Result<PrivateMaterial> generate(unsigned bits);
}  // namespace rsa

/// SHA-256, then the key's own algorithm (PKCS#1 v1.5 or ECDSA in DER).
Result<ByteVector> evp_sign(EVP_PKEY* key, Bytes message);
Status evp_verify(EVP_PKEY* key, Bytes message, Bytes signature, std::string_view algorithm);

}  // namespace starling::crypto
