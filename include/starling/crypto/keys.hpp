// Identity keys and their libp2p encodings.
// spec: peer-ids/peer-ids.md, Keys. Values; immutable after construction; safe to use from several threads.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "starling/base/bytes.hpp"
#include "starling/base/error.hpp"
#include "starling/base/random.hpp"

namespace starling::crypto {

/// spec numbers of the KeyType enum.
enum class KeyType : std::uint8_t { Rsa = 0, Ed25519 = 1, Secp256k1 = 2, Ecdsa = 3 };

std::string_view to_string(KeyType type);  // "ed25519", "secp256k1", "ecdsa", "rsa"
Result<KeyType> key_type_from_string(std::string_view name);

inline constexpr unsigned kMinRsaBits = 2048, kMaxRsaBits = 8192, kDefaultRsaBits = 2048;

struct PrivateMaterial;

class PublicKey {
 public:
  /// Decodes the spec's PublicKey message. Errors: BadKey, Malformed, UnknownCode (key type), TooLarge.
  static Result<PublicKey> from_protobuf(Bytes message);
  /// `data` as in the message's Data field: 32 bytes (Ed25519), 33 bytes compressed (secp256k1), PKIX DER (RSA, ECDSA).
  static Result<PublicKey> from_data(KeyType type, Bytes data);
  KeyType type() const;
  Bytes data() const;
  /// The canonical message: fields in order, minimal varints. This is what peer ids hash.
  ByteVector to_protobuf() const;
  /// Ok, or BadSignature. RSA: PKCS#1 v1.5 over SHA-256; ECDSA and secp256k1: DER signature over SHA-256.
  Status verify(Bytes message, Bytes signature) const;

  friend bool operator==(const PublicKey& a, const PublicKey& b);

 private:
  struct Rep;
  explicit PublicKey(std::shared_ptr<const Rep> rep) : rep_(std::move(rep)) {}
  std::shared_ptr<const Rep> rep_;
  friend class PrivateKey;
};

/// The secret is held in one place, shared by copies, and wiped when the last copy goes.
class PrivateKey {
 public:
  /// Ed25519, secp256k1 and ECDSA keys come from `random` alone, so a seeded source gives the same key again.
  /// RSA keys come from the crypto library's own system source. `rsa_bits` in 2048..8192, else InvalidArgument.
  static Result<PrivateKey> generate(KeyType type, Random& random, unsigned rsa_bits = kDefaultRsaBits);
  static Result<PrivateKey> from_protobuf(Bytes message);
  /// `data` as in the message's Data field: Ed25519 64 bytes (secret then public; 96 accepted), secp256k1 32 bytes,
  /// RSA PKCS#1 DER, ECDSA SEC1 DER.
  static Result<PrivateKey> from_data(KeyType type, Bytes data);

  KeyType type() const;
  const PublicKey& public_key() const;
  /// The spec's PrivateKey message. The caller wipes it (crypto::wipe).
  ByteVector to_protobuf() const;
  Result<ByteVector> sign(Bytes message) const;

 private:
  struct Rep;
  explicit PrivateKey(std::shared_ptr<const Rep> rep) : rep_(std::move(rep)) {}
  static Result<PrivateKey> from_material(KeyType type, Result<PrivateMaterial> made);
  std::shared_ptr<const Rep> rep_;
};

/// Overwrites secret bytes; the compiler does not remove it.
void wipe(MutableBytes secret);

}  // namespace starling::crypto
