#include "security/tls_context.hpp"

#include <openssl/err.h>

#include "security/openssl_library.hpp"
#include "security/tls_resumption.hpp"
#include "security/tls_traffic_secrets.hpp"

namespace starling::security {
namespace {

// ChaCha20-Poly1305 is last: where the processor has AES, GCM is quicker, and every peer has all three. The listener's
// order counts: rust-libp2p offers ChaCha20-Poly1305 first.
constexpr char kCiphers[] = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr char kGroups[] = "X25519:P-256:P-384";
// Curves first: RSA only for peers that have nothing else (spec: tls/tls.md, Peer Authentication). No SHA-1.
constexpr char kSignatureAlgorithms[] =
    "ECDSA+SHA256:ed25519:ECDSA+SHA384:ECDSA+SHA512:"
    "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_"
    "sha512";
constexpr int kSecurityLevel = 2;  // 112 bits; said here so that a system-wide OpenSSL file cannot lower it

bool set_protocol(SSL_CTX* context) {
  SSL_CTX_set_security_level(context, kSecurityLevel);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_clear_options(context, SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
  return SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
         SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 && SSL_CTX_set_num_tickets(context, 0) == 1 &&
         SSL_CTX_set_ciphersuites(context, kCiphers) == 1 && SSL_CTX_set1_groups_list(context, kGroups) == 1 &&
         SSL_CTX_set1_sigalgs_list(context, kSignatureAlgorithms) == 1;
}

bool set_identity(SSL_CTX* context, const TlsCertificate& identity) {
  return SSL_CTX_use_certificate(context, identity.certificate.get()) == 1 &&
         SSL_CTX_use_PrivateKey(context, identity.key.get()) == 1;
}

void set_verification(SSL_CTX* context, const TlsCallbacks& callbacks) {
  SSL_CTX_set_max_cert_list(context, long(kMaxCertificateBytes));
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(context, callbacks.verify, nullptr);
  SSL_CTX_set_alpn_select_cb(context, callbacks.select_alpn, nullptr);
}

}  // namespace

Result<SslContextPtr> make_tls_context(const TlsCertificate& identity, const TlsCallbacks& callbacks, bool resumption) {
  ERR_clear_error();
  SslContextPtr context(SSL_CTX_new_ex(tls_library(), nullptr, TLS_method()));
  if (!context || !set_protocol(context.get()) || !set_identity(context.get(), identity) ||
      (resumption && !allow_resumption(*context)))
    return fail(take_openssl_error(ErrorCode::Internal, Op::Configure, Origin::Local, "setting TLS up"));
  set_verification(context.get(), callbacks);
  watch_traffic_secrets(*context);
  return context;
}

}  // namespace starling::security
