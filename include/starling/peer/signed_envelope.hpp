// Signed envelope: bytes of some type, signed for one purpose.
// spec: RFC/0002-signed-envelopes.md. Value. At most 8 KiB encoded.
#pragma once

#include <string_view>

#include "starling/base/bytes.hpp"
#include "starling/base/error.hpp"
#include "starling/crypto/keys.hpp"

namespace starling {

/// The signature covers the domain, a text that names the purpose and is not in the envelope: what was signed for
/// one purpose is worthless for another.
class SignedEnvelope {
 public:
  static constexpr std::size_t kMaxSize = 8192;  // bytes, encoded

  /// Signs `payload`. Errors: InvalidArgument (empty domain or type), TooLarge (encoded above kMaxSize).
  static Result<SignedEnvelope> seal(const crypto::PrivateKey& key, std::string_view domain, Bytes payload_type,
                                     Bytes payload);
  /// Decodes only; nothing is verified. Errors: those of decoding and of PublicKey::from_protobuf.
  static Result<SignedEnvelope> from_protobuf(Bytes message);
  ByteVector to_protobuf() const;

  /// Not to be believed before verify().
  const crypto::PublicKey& public_key() const { return public_key_; }
  Bytes payload_type() const { return payload_type_; }
  Bytes payload() const { return payload_; }
  Bytes signature() const { return signature_; }

  /// The signer, if the signature is over this type and payload for `domain`; else BadSignature. Whether the signer
  /// may say what the payload says is the caller's question.
  Result<crypto::PublicKey> verify(std::string_view domain) const;

  friend bool operator==(const SignedEnvelope&, const SignedEnvelope&) = default;

 private:
  SignedEnvelope(crypto::PublicKey key, Bytes payload_type, Bytes payload, ByteVector signature);

  crypto::PublicKey public_key_;
  ByteVector payload_type_, payload_, signature_;
};

}  // namespace starling
