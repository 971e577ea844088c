// The self-signed certificate of libp2p TLS in DER, for TLS libraries other than the one behind make_tls() (QUIC brings
// its own). Pure functions; thread-safe.
// spec: tls/tls.md, Peer Authentication
#pragma once

#include <cstdint>
#include <memory>

#include "starling/base/bytes.hpp"
#include "starling/base/error.hpp"
#include "starling/crypto/keys.hpp"
#include "starling/security/digest_memory.hpp"

struct evp_pkey_ctx_st;

namespace starling::security {

/// A remote's certificate, as this layer parses it, and what it proves.
struct VerifiedCertificate;
using VerifiedCertificatePtr = std::shared_ptr<const VerifiedCertificate>;
/// By the digest of a certificate's DER.
using VerifiedCertificates = DigestMemory<VerifiedCertificatePtr>;

/// A longer one is not remembered, nor put into a ticket. With an ECDSA key it has 400 to 500, and OpenSSL takes ten
/// times that.
inline constexpr std::size_t kMaxRememberedCertificateBytes = 1024;

/// A certificate and its private key. The holder wipes the key (crypto::wipe) when the TLS library has it.
struct CertificateDer {
  ByteVector certificate;  // X.509
  ByteVector private_key;  // SEC 1, ECDSA P-256
};

/// A fresh ECDSA P-256 key and a certificate over it that carries `identity`'s public key and signature.
/// Errors: Internal (OpenSSL), and those of PrivateKey::sign.
Result<CertificateDer> make_certificate_der(const crypto::PrivateKey& identity);

/// The certificate's private key, for TLS libraries that let others sign what they hashed. One thread at a time.
class CertificateKey {
 public:
  /// `private_key` as in CertificateDer. Errors: BadKey.
  static Result<CertificateKey> from_der(Bytes private_key);
  /// ECDSA in DER over a SHA-256 digest. Errors: Internal (OpenSSL).
  Result<ByteVector> sign_digest(Bytes digest);

 private:
  struct Free {
    void operator()(evp_pkey_ctx_st* context) const;
  };
  using Context = std::unique_ptr<evp_pkey_ctx_st, Free>;  // OpenSSL's, made ready once
  explicit CertificateKey(Context context) : context_(std::move(context)) {}
  Context context_;
};

/// The host key that the certificate proves, after every check of the spec. `unix_seconds`: the present time.
/// `verified` remembers the good ones. Errors: BadCertificate, its cause telling more where a key, a signature or the
/// extension does not parse.
Result<crypto::PublicKey> verify_certificate_der(Bytes der, std::int64_t unix_seconds, VerifiedCertificates& verified);

/// The time of day by the system's clock, where no other was passed in.
std::int64_t system_unix_seconds();

}  // namespace starling::security
