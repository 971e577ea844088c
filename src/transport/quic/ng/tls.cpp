#include "transport/quic/ng/tls.hpp"

#include <gnutls/abstract.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>

#include <cstring>
#include <string>

#include "starling/security/certificate.hpp"

namespace starling::transport::quic::ng {
namespace {

// AES-128-GCM first, and the server's order counts: GnuTLS's ChaCha20 is six times slower, and rust-libp2p offers it
// first. The compatibility mode of TLS over TCP is forbidden in QUIC (RFC 9001, 8.4).
constexpr char kPriorities[] =
    "NONE:+VERS-TLS1.3:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+AEAD:+SHA256:+SHA384:"
    "+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+ECDHE-ECDSA:+ECDHE-RSA:+CTYPE-ALL:"
    "+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-EDDSA-ED25519:+SIGN-ECDSA-SECP384R1-SHA384:+SIGN-ECDSA-SECP521R1-SHA512:"
    "+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SHA384:+SIGN-ECDSA-SHA512:+SIGN-RSA-SHA256:+SIGN-RSA-SHA384:+SIGN-RSA-SHA512:"
    "+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-PSS-RSAE-SHA384:+SIGN-RSA-PSS-RSAE-SHA512:"
    "+SIGN-RSA-PSS-SHA256:+SIGN-RSA-PSS-SHA384:+SIGN-RSA-PSS-SHA512:"
    "%SERVER_PRECEDENCE:%DISABLE_TLS13_COMPAT_MODE";
constexpr char kAlpn[] = "libp2p";

Error failed(std::string_view what, int code) {
  return Error(ErrorCode::Internal, Op::Configure, Origin::Local,
               std::string(what) + ": " + std::string(gnutls_strerror(code)));
}

gnutls_datum_t datum(Bytes bytes) {
  return {const_cast<unsigned char*>(bytes.data()), static_cast<unsigned int>(bytes.size())};
}

// Our signatures come from OpenSSL: GnuTLS's P-256 (nettle) takes twice as long.
int sign(gnutls_privkey_t, gnutls_sign_algorithm_t, void* key, unsigned, const gnutls_datum_t* digest,
         gnutls_datum_t* signature) noexcept {
  const auto made = static_cast<security::CertificateKey*>(key)->sign_digest({digest->data, digest->size});
  if (!made) return GNUTLS_E_PK_SIGN_FAILED;
  signature->data = static_cast<unsigned char*>(gnutls_malloc(made->size()));
  if (signature->data == nullptr) return GNUTLS_E_MEMORY_ERROR;
  std::memcpy(signature->data, made->data(), made->size());
  signature->size = static_cast<unsigned>(made->size());
  return 0;
}

int describe_key(gnutls_privkey_t, unsigned question, void*) noexcept {
  constexpr int kUnknown = -1, kBits = 256;
  if ((question & GNUTLS_PRIVKEY_INFO_PK_ALGO) != 0) return GNUTLS_PK_ECDSA;
  if ((question & GNUTLS_PRIVKEY_INFO_PK_ALGO_BITS) != 0) return kBits;
  if ((question & GNUTLS_PRIVKEY_INFO_HAVE_SIGN_ALGO) == 0) return kUnknown;
  const auto algorithm = GNUTLS_FLAGS_TO_SIGN_ALGO(question);
  return algorithm == GNUTLS_SIGN_ECDSA_SECP256R1_SHA256 || algorithm == GNUTLS_SIGN_ECDSA_SHA256 ? 1 : 0;
}

// The credentials keep the certificate and what stands for `key`, and borrow `key` itself.
int show(gnutls_certificate_credentials_t credentials, Bytes certificate, security::CertificateKey& key) {
  gnutls_privkey_t signer = nullptr;
  if (const int code = gnutls_privkey_init(&signer); code != 0) return code;
  gnutls_pcert_st shown{};
  const gnutls_datum_t der = datum(certificate);
  int code = gnutls_privkey_import_ext4(signer, &key, nullptr, sign, nullptr, nullptr, describe_key, 0);
  if (code == 0) code = gnutls_pcert_import_x509_raw(&shown, &der, GNUTLS_X509_FMT_DER, 0);
  if (code == 0) code = gnutls_certificate_set_key(credentials, nullptr, 0, &shown, 1, signer);
  if (code == 0) return 0;
  gnutls_pcert_deinit(&shown);
  gnutls_privkey_deinit(signer);
  return code;
}

int verify(gnutls_session_t session) noexcept {
  unsigned int count = 0;
  const gnutls_datum_t* chain = gnutls_certificate_get_peers(session, &count);
  const Bytes first = chain != nullptr && count > 0 ? Bytes(chain[0].data, chain[0].size) : Bytes();
  return owner_of(session).on_certificates(count, first) ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
}

int log_key(gnutls_session_t session, const char* label, const gnutls_datum_t* secret) noexcept {
  gnutls_datum_t client{}, server{};
  gnutls_session_get_random(session, &client, &server);
  const std::string line =
      std::string(label) + " " + to_hex({client.data, client.size}) + " " + to_hex({secret->data, secret->size}) + "\n";
  owner_of(session).on_key_log(line);
  return 0;
}

}  // namespace

Result<std::unique_ptr<TlsContext>> TlsContext::create(const std::optional<security::CertificateDer>& certificate,
                                                       bool key_log) {
  auto context = std::make_unique<TlsContext>();
  context->key_log_ = key_log;
  gnutls_certificate_credentials_t credentials = nullptr;
  if (const int code = gnutls_certificate_allocate_credentials(&credentials); code != 0)
    return fail(failed("certificate", code));
  context->credentials_.reset(credentials);
  if (certificate) {
    STARLING_TRY(context->key_, security::CertificateKey::from_der(certificate->private_key));
    if (const int code = show(credentials, certificate->certificate, *context->key_); code != 0)
      return fail(failed("certificate and key", code));
  }
  gnutls_certificate_set_verify_function(credentials, verify);
  gnutls_priority_t priorities = nullptr;
  if (const int wrong = gnutls_priority_init(&priorities, kPriorities, nullptr); wrong != 0)
    return fail(failed("algorithms", wrong));
  context->priorities_.reset(priorities);
  return context;
}

Result<TlsHandle> TlsContext::make_session(bool server) const {
  gnutls_session_t session = nullptr;
  // A share of X25519 alone, which every libp2p peer has: by default GnuTLS makes one of P-256, too.
  const unsigned flags = (server ? GNUTLS_SERVER : GNUTLS_CLIENT | GNUTLS_KEY_SHARE_TOP) | GNUTLS_NO_TICKETS;
  if (const int code = gnutls_init(&session, flags); code != 0) return fail(failed("TLS session", code));
  TlsHandle handle(session);
  const int configured = server ? ngtcp2_crypto_gnutls_configure_server_session(session)
                                : ngtcp2_crypto_gnutls_configure_client_session(session);
  const gnutls_datum_t alpn = datum(as_bytes(kAlpn));
  int code = configured;
  if (code == 0) code = gnutls_priority_set(session, priorities_.get());
  if (code == 0) code = gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials_.get());
  if (code == 0) code = gnutls_alpn_set_protocols(session, &alpn, 1, GNUTLS_ALPN_MANDATORY);
  if (code != 0) return fail(failed("TLS session", code));
  if (server) gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
  if (key_log_) gnutls_session_set_keylog_function(session, log_key);
  return handle;
}

}  // namespace starling::transport::quic::ng
