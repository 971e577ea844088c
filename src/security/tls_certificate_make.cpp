// Making our certificate.
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <string>

#include "security/openssl_library.hpp"
#include "security/tls_certificate.hpp"
#include "security/tls_certificate_signature.hpp"
#include "security/tls_extension.hpp"

namespace starling::security {
namespace {

using ObjectPtr = std::unique_ptr<ASN1_OBJECT, OpensslFree<ASN1_OBJECT_free>>;
using OctetsPtr = std::unique_ptr<ASN1_OCTET_STRING, OpensslFree<ASN1_OCTET_STRING_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, OpensslFree<X509_EXTENSION_free>>;

constexpr long kX509Version3 = 2;
constexpr char kNotBefore[] = "19750101000000Z", kNotAfter[] = "40960101000000Z";
constexpr char kOrganization[] = "libp2p.io";  // an issuer must not be empty: RFC 5280, section 4.1.2.4

Error failed(std::string_view what) { return take_openssl_error(ErrorCode::Internal, Op::Sign, Origin::Local, what); }

bool set_serial(X509& certificate) {
  std::uint64_t serial = 0;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) != 1) return false;
  serial = (serial >> 2) | 1;  // positive, and never zero
  return ASN1_INTEGER_set_uint64(X509_get_serialNumber(&certificate), serial) == 1;
}

bool set_names(X509& certificate) {
  X509_NAME* name = X509_get_subject_name(&certificate);
  const auto* text = reinterpret_cast<const unsigned char*>(kOrganization);
  return X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, text, -1, -1, 0) == 1 &&
         X509_set_issuer_name(&certificate, name) == 1;
}

bool set_fields(X509& certificate, EVP_PKEY& key) {
  return X509_set_version(&certificate, kX509Version3) == 1 && set_serial(certificate) && set_names(certificate) &&
         ASN1_TIME_set_string_X509(X509_getm_notBefore(&certificate), kNotBefore) == 1 &&
         ASN1_TIME_set_string_X509(X509_getm_notAfter(&certificate), kNotAfter) == 1 &&
         X509_set_pubkey(&certificate, &key) == 1;
}

bool add_extension(X509& certificate, Bytes value) {
  const ObjectPtr oid(OBJ_txt2obj(kLibp2pExtensionOid, /*no_name=*/1));
  const OctetsPtr octets(ASN1_OCTET_STRING_new());
  if (!oid || !octets || ASN1_OCTET_STRING_set(octets.get(), value.data(), int(value.size())) != 1) return false;
  const ExtensionPtr extension(X509_EXTENSION_create_by_OBJ(nullptr, oid.get(), /*crit=*/0, octets.get()));
  return extension && X509_add_ext(&certificate, extension.get(), /*loc=*/-1) == 1;
}

}  // namespace

Result<TlsCertificate> make_libp2p_certificate(const crypto::PrivateKey& identity) {
  ERR_clear_error();
  TlsCertificate made{.certificate = X509Ptr(X509_new_ex(tls_library(), nullptr)),
                      .key = EvpKeyPtr(EVP_PKEY_Q_keygen(tls_library(), nullptr, "EC", "P-256"))};
  if (!made.certificate || !made.key) return fail(failed("making a certificate key"));
  if (!set_fields(*made.certificate, *made.key)) return fail(failed("filling the certificate"));
  STARLING_TRY(const ByteVector message, certificate_key_message(*made.certificate));
  STARLING_TRY(const ByteVector signature, identity.sign(message));
  const ByteVector public_key = identity.public_key().to_protobuf();
  const ByteVector value = encode_signed_key({.public_key = public_key, .signature = signature});
  if (!add_extension(*made.certificate, value)) return fail(failed("adding the libp2p extension"));
  if (X509_sign(made.certificate.get(), made.key.get(), EVP_sha256()) == 0)
    return fail(failed("signing the certificate"));
  STARLING_TRY(const ByteVector der, der_of(*made.certificate));
  STARLING_TRY(made.certificate,
               parse_certificate(der));  // a parsed one keeps its encoding, which each handshake sends
  return made;
}

}  // namespace starling::security
