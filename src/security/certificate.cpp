#include "starling/security/certificate.hpp"

#include <openssl/err.h>

#include "security/tls_certificate.hpp"

namespace starling::security {
namespace {

Error failed(std::string_view what) { return take_openssl_error(ErrorCode::Internal, Op::Encode, Origin::Local, what); }

template <typename T>
Result<ByteVector> to_der(const T* object, int (*encode)(const T*, unsigned char**), std::string_view what) {
  const int size = encode(object, nullptr);
  if (size <= 0) return fail(failed(what));
  ByteVector der(std::size_t(size), 0);
  unsigned char* at = der.data();
  encode(object, &at);
  return der;
}

}  // namespace

Result<CertificateDer> make_certificate_der(const crypto::PrivateKey& identity) {
  STARLING_TRY(const TlsCertificate made, make_libp2p_certificate(identity));
  STARLING_TRY(ByteVector certificate, to_der<X509>(made.certificate.get(), i2d_X509, "encoding a certificate"));
  STARLING_TRY(ByteVector key, to_der<EVP_PKEY>(made.key.get(), i2d_PrivateKey, "encoding a certificate key"));
  return CertificateDer{std::move(certificate), std::move(key)};
}

Result<crypto::PublicKey> verify_certificate_der(Bytes der, std::int64_t unix_seconds, VerifiedSignatures& verified) {
  return verify_libp2p_certificate(der, unix_seconds, verified);
}

}  // namespace starling::security
