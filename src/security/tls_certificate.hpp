// The self-signed certificate of libp2p TLS: making ours, and judging the remote's. Pure: time is passed in.
// spec: tls/tls.md, Peer Authentication
#pragma once

#include <cstddef>
#include <cstdint>

#include "security/openssl_handles.hpp"
#include "starling/base/bytes.hpp"
#include "starling/base/error.hpp"
#include "starling/crypto/keys.hpp"
#include "starling/security/certificate.hpp"

namespace starling::security {

/// Room for an RSA-8192 host key and an RSA-8192 certificate key, four times over.
inline constexpr std::size_t kMaxCertificateBytes = std::size_t{16} * 1024;

struct TlsCertificate {
  X509Ptr certificate;
  EvpKeyPtr key;
};

/// A fresh ECDSA P-256 key and a certificate over it that carries `identity`'s public key and signature. It is valid
/// from 1975 to 4096, as in the spec's test vectors, so that no remote clock can refuse it.
/// Errors: Internal (OpenSSL), and those of PrivateKey::sign.
Result<TlsCertificate> make_libp2p_certificate(const crypto::PrivateKey& identity);

/// A remote's certificate, which nobody changes, and the host key that it proves.
struct VerifiedCertificate {
  X509Ptr certificate;
  crypto::PublicKey host_key;
};

/// The certificate after every check of the spec. `unix_seconds`: the present time. `verified` remembers the good ones.
/// Errors: BadCertificate, its cause telling more where a key, a signature or the extension does not parse.
Result<VerifiedCertificatePtr> verify_libp2p_certificate(Bytes der, std::int64_t unix_seconds,
                                                         VerifiedCertificates& verified);

/// Its encoding. Errors: Internal.
Result<ByteVector> der_of(const X509& certificate);
/// With its key, and its encoding kept. Errors: BadCertificate.
Result<X509Ptr> parse_certificate(Bytes der);

}  // namespace starling::security
