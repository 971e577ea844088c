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

void CertificateKey::Free::operator()(evp_pkey_ctx_st* context) const { EVP_PKEY_CTX_free(context); }

Result<CertificateKey> CertificateKey::from_der(Bytes private_key) {
  const unsigned char* at = private_key.data();
  const EvpKeyPtr key(d2i_PrivateKey(EVP_PKEY_EC, nullptr, &at, long(private_key.size())));
  Context context(key ? EVP_PKEY_CTX_new(key.get(), nullptr) : nullptr);
  if (!context || EVP_PKEY_sign_init(context.get()) <= 0 ||
      EVP_PKEY_CTX_set_signature_md(context.get(), EVP_sha256()) <= 0)
    return fail(take_openssl_error(ErrorCode::BadKey, Op::Decode, Origin::Local, "a certificate key"));
  return CertificateKey(std::move(context));
}

Result<ByteVector> CertificateKey::sign_digest(Bytes digest) {
  std::size_t size = 0;
  if (EVP_PKEY_sign(context_.get(), nullptr, &size, digest.data(), digest.size()) > 0) {
    ByteVector signature(size);
    if (EVP_PKEY_sign(context_.get(), signature.data(), &size, digest.data(), digest.size()) > 0) {
      signature.resize(size);
      return signature;
    }
  }
  return fail(take_openssl_error(ErrorCode::Internal, Op::Sign, Origin::Local, "signing with a certificate key"));
}

Result<crypto::PublicKey> verify_certificate_der(Bytes der, std::int64_t unix_seconds, VerifiedCertificates& verified) {
  STARLING_TRY(const auto good, verify_libp2p_certificate(der, unix_seconds, verified));
  return good->host_key;
}

}  // namespace starling::security
