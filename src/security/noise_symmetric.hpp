// SymmetricState and CipherState of the Noise framework, for one cipher suite: ChaChaPoly and SHA-256.
// spec: Noise revision 34, sections 5.1 and 5.2. Resource: one handshake, one thread; secrets are wiped.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "starling/base/bytes.hpp"
#include "starling/base/error.hpp"
#include "starling/crypto/aead.hpp"
#include "starling/crypto/hash.hpp"

namespace starling::security {

/// The two transport ciphers in the order of Split(): initiator to responder, then back.
struct NoiseCiphers {
  crypto::ChaChaPoly from_initiator, from_responder;
};

class NoiseSymmetric {
 public:
  /// `protocol_name` of at most 32 bytes, as the spec pads it.
  explicit NoiseSymmetric(std::string_view protocol_name);
  NoiseSymmetric(const NoiseSymmetric&) = delete;
  NoiseSymmetric& operator=(const NoiseSymmetric&) = delete;
  ~NoiseSymmetric();

  void mix_hash(Bytes data);
  void mix_key(Bytes input);
  /// Appends the ciphertext of `plaintext`, or itself while there is no key yet.
  Status encrypt_and_hash(Bytes plaintext, ByteVector& out);
  /// Errors: DecryptFailed.
  Result<ByteVector> decrypt_and_hash(Bytes sealed);
  NoiseCiphers split();
  const crypto::Sha256Digest& hash() const { return hash_; }
  bool has_key() const { return cipher_.has_value(); }

 private:
  crypto::ChaChaPoly::Nonce next_nonce() { return crypto::ChaChaPoly::noise_nonce(nonce_++); }

  crypto::Sha256Digest hash_{}, chaining_key_{};
  std::optional<crypto::ChaChaPoly> cipher_;
  std::uint64_t nonce_ = 0;
};

}  // namespace starling::security
