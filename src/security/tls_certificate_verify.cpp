// Judging a remote certificate. Each check is one function, named after the rule it enforces.
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <string>

#include "security/openssl_library.hpp"
#include "security/tls_certificate.hpp"
#include "security/tls_certificate_signature.hpp"
#include "security/tls_extension.hpp"

namespace starling::security {
namespace {

Error bad(std::string why) { return Error(ErrorCode::BadCertificate, Op::Verify, Origin::Remote, std::move(why)); }

Error bad_openssl(std::string_view why) {
  return take_openssl_error(ErrorCode::BadCertificate, Op::Verify, Origin::Remote, why);
}

Status check_validity(const X509& certificate, std::int64_t unix_seconds) {
  std::time_t now = std::time_t(unix_seconds);
  std::time_t just_before = now - 1;  // X509_cmp_time calls equal times "earlier", and notAfter itself is still valid
  const int starts = X509_cmp_time(X509_get0_notBefore(&certificate), &now);
  const int ends = X509_cmp_time(X509_get0_notAfter(&certificate), &just_before);
  if (starts == 0 || ends == 0) return fail(bad_openssl("validity time"));
  if (starts > 0) return fail(bad("not valid yet"));
  if (ends < 0) return fail(bad("expired"));
  return {};
}

Status check_no_unique_ids(const X509& certificate) {
  const ASN1_BIT_STRING *issuer = nullptr, *subject = nullptr;
  X509_get0_uids(&certificate, &issuer, &subject);
  if (issuer != nullptr || subject != nullptr) return fail(bad("issuerUniqueId or subjectUniqueId is present"));
  return {};
}

bool is_libp2p_extension(X509_EXTENSION& extension) {
  char oid[sizeof kLibp2pExtensionOid + 1];
  const int size = OBJ_obj2txt(oid, sizeof oid, X509_EXTENSION_get_object(&extension), /*no_name=*/1);
  return std::string_view(oid, size < int(sizeof oid) ? std::size_t(std::max(size, 0)) : 0) == kLibp2pExtensionOid;
}

/// The value of the libp2p extension, which must be there once. No other extension is understood here, so any other
/// that is critical refuses the certificate.
Result<Bytes> find_libp2p_extension(const X509& certificate) {
  const ASN1_OCTET_STRING* found = nullptr;
  for (int i = 0; i < X509_get_ext_count(&certificate); ++i) {
    X509_EXTENSION* extension = X509_get_ext(&certificate, i);
    if (is_libp2p_extension(*extension)) {
      if (found != nullptr) return fail(bad("two libp2p extensions"));
      found = X509_EXTENSION_get_data(extension);
    } else if (X509_EXTENSION_get_critical(extension) != 0) {
      return fail(bad("an unknown critical extension"));
    }
  }
  if (found == nullptr) return fail(bad("no libp2p extension"));
  return Bytes(ASN1_STRING_get0_data(found), std::size_t(ASN1_STRING_length(found)));
}

bool is_explicit_curve(const EVP_PKEY& key) {
  int is_explicit = 0;
  EVP_PKEY_get_int_param(&key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &is_explicit);
  return is_explicit != 0;
}

/// The kinds of certificate key the handshake itself can use; see the signature algorithms in tls_context.cpp.
Status check_key(const EVP_PKEY& key) {
  const int bits = EVP_PKEY_get_bits(&key);
  switch (EVP_PKEY_get_base_id(&key)) {
    case EVP_PKEY_ED25519:
      return {};
    case EVP_PKEY_EC:
      if (is_explicit_curve(key)) return fail(bad("explicit curve parameters in the certificate key"));
      return {};
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
      if (bits < int(crypto::kMinRsaBits) || bits > int(crypto::kMaxRsaBits))
        return fail(bad("RSA certificate key size"));
      return {};
    default:
      return fail(bad("unsupported certificate key"));
  }
}

/// SHA-256 and longer only; Ed25519 has its hash built in.
Status check_signature_algorithm(X509& certificate) {
  int digest = NID_undef, key = NID_undef;
  if (X509_get_signature_info(&certificate, &digest, &key, nullptr, nullptr) != 1)
    return fail(bad_openssl("unsupported signature algorithm"));
  const bool strong = digest == NID_sha256 || digest == NID_sha384 || digest == NID_sha512;
  if (!strong && key != NID_ED25519) return fail(bad("weak or unknown signature algorithm"));
  return {};
}

Status check_self_signature(X509& certificate) {
  EVP_PKEY* key = X509_get0_pubkey(&certificate);
  if (key == nullptr) return fail(bad_openssl("unsupported or broken certificate key"));
  STARLING_CHECK(check_key(*key));
  STARLING_CHECK(check_signature_algorithm(certificate));
  if (X509_verify(&certificate, key) != 1) return fail(bad_openssl("self-signature"));
  return {};
}

struct HostProof {
  crypto::PublicKey key;
  Bytes signature;
};

Result<HostProof> parse_host_proof(Bytes extension) {
  auto signed_key = parse_signed_key(extension);
  if (!signed_key) return fail(bad("libp2p extension").caused_by(std::move(signed_key).error()));
  auto key = crypto::PublicKey::from_protobuf(signed_key->public_key);
  if (!key) return fail(bad("host key").caused_by(std::move(key).error()));
  return HostProof{std::move(*key), signed_key->signature};
}

/// The host key must have signed the certificate's key.
Status check_host_signature(const X509& certificate, const HostProof& proof) {
  STARLING_TRY(const ByteVector message, certificate_key_message(certificate));
  if (auto verified = proof.key.verify(message, proof.signature); !verified)
    return fail(bad("host key's signature").caused_by(std::move(verified).error()));
  return {};
}

Result<crypto::PublicKey> proven_key(X509& certificate) {
  STARLING_CHECK(check_no_unique_ids(certificate));
  STARLING_TRY(const Bytes extension, find_libp2p_extension(certificate));
  STARLING_TRY(HostProof proof, parse_host_proof(extension));
  STARLING_CHECK(check_self_signature(certificate));
  STARLING_CHECK(check_host_signature(certificate, proof));
  return std::move(proof.key);
}

Result<VerifiedCertificatePtr> verify_unknown(Bytes der, std::int64_t unix_seconds) {
  STARLING_TRY(X509Ptr certificate, parse_certificate(der));
  STARLING_CHECK(check_validity(*certificate, unix_seconds));
  auto key = proven_key(*certificate);
  ERR_clear_error();
  if (!key) return std::unexpected(std::move(key).error());
  return std::make_shared<const VerifiedCertificate>(std::move(certificate), std::move(*key));
}

}  // namespace

Result<ByteVector> der_of(const X509& certificate) {
  const int size = i2d_X509(&certificate, nullptr);
  if (size <= 0)
    return fail(take_openssl_error(ErrorCode::Internal, Op::Encode, Origin::Local, "encoding a certificate"));
  ByteVector der(std::size_t(size), 0);
  unsigned char* at = der.data();
  i2d_X509(&certificate, &at);
  return der;
}

Result<X509Ptr> parse_certificate(Bytes der) {
  ERR_clear_error();
  if (der.size() > kMaxCertificateBytes) return fail(bad("larger than 16 KiB"));
  const unsigned char* at = der.data();
  X509* parsed = X509_new_ex(certificate_library(), nullptr);
  X509Ptr certificate(d2i_X509(&parsed, &at, long(der.size())));  // frees `parsed` when it fails
  if (!certificate) return fail(bad_openssl("not a certificate"));
  if (at != der.data() + der.size()) return fail(bad("bytes behind the certificate"));
  return certificate;
}

Result<VerifiedCertificatePtr> verify_libp2p_certificate(Bytes der, std::int64_t unix_seconds,
                                                         VerifiedCertificates& verified) {
  const auto digest = crypto::sha256(der);
  if (auto known = verified.find(digest)) {
    STARLING_CHECK(check_validity(*(*known)->certificate, unix_seconds));
    return std::move(*known);
  }
  STARLING_TRY(VerifiedCertificatePtr good, verify_unknown(der, unix_seconds));
  if (der.size() <= kMaxRememberedCertificateBytes) verified.insert(digest, good);
  return good;
}

}  // namespace starling::security
