#include "starling/security/certificate.hpp"

#include <openssl/err.h>

#include "security/tls_certificate.hpp"

namespace starling::security {
namespace {

Result<ByteVector> der_of(const EVP_PKEY& key) {
  const int size = i2d_PrivateKey(&key, nullptr);
  if (size <= 0)
    return fail(take_openssl_error(ErrorCode::Internal, Op::Encode, Origin::Local, "encoding a certificate key"));
  ByteVector der(std::size_t(size), 0);
  unsigned char* at = der.data();
  i2d_PrivateKey(&key, &at);
  return der;
}

}  // namespace

Result<CertificateDer> make_certificate_der(const crypto::PrivateKey& identity) {
  STARLING_TRY(const TlsCertificate made, make_libp2p_certificate(identity));
  STARLING_TRY(ByteVector certificate, security::der_of(*made.certificate));
  STARLING_TRY(ByteVector key, der_of(*made.key));
  return CertificateDer{std::move(certificate), std::move(key)};
}

Result<crypto::PublicKey> verify_certificate_der(Bytes der, std::int64_t unix_seconds, VerifiedCertificates& verified) {
  STARLING_TRY(VerifiedCertificate good, verify_libp2p_certificate(der, unix_seconds, verified));
  return std::move(good.host_key);
}

}  // namespace starling::security
