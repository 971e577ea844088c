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
constexpr int kTicketLifetimeSeconds = 2 * 60 * 60;

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

Status ask_about_certificates(gnutls_session_t session) {
  unsigned int count = 0;
  const gnutls_datum_t* chain = gnutls_certificate_get_peers(session, &count);
  const Bytes first = chain != nullptr && count > 0 ? Bytes(chain[0].data, chain[0].size) : Bytes();
  return owner_of(session).on_certificates(count, first);
}

int verify(gnutls_session_t session) noexcept {
  return ask_about_certificates(session) ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
}

int send_ticket_request(gnutls_session_t session, gnutls_buffer_t to) noexcept {
  const Bytes counts = owner_of(session).ticket_request();
  return counts.empty() ? 0 : gnutls_buffer_append_data(to, counts.data(), counts.size());
}

int take_ticket_request(gnutls_session_t session, const unsigned char* data, std::size_t size) noexcept {
  return owner_of(session).on_ticket_request({data, size}) ? 0 : GNUTLS_E_UNEXPECTED_PACKET_LENGTH;
}

int add_ticket_request(gnutls_session_t session) {
  constexpr int kTicketRequest = 58;
  return gnutls_session_ext_register(session, "ticket_request", kTicketRequest, GNUTLS_EXT_TLS, take_ticket_request,
                                     send_ticket_request, nullptr, nullptr, nullptr,
                                     GNUTLS_EXT_FLAG_TLS | GNUTLS_EXT_FLAG_CLIENT_HELLO | GNUTLS_EXT_FLAG_EE);
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
                                                       bool key_log, bool resumption) {
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
  if (resumption) {
    if (const int code = gnutls_session_ticket_key_generate(&context->ticket_key_); code != 0)
      return fail(failed("key of tickets", code));
  }
  return context;
}

TlsContext::~TlsContext() {
  if (!resumption()) return;
  crypto::wipe({ticket_key_.data, ticket_key_.size});
  gnutls_free(ticket_key_.data);
}

Result<TlsHandle> TlsContext::make_session(unsigned flags) const {
  gnutls_session_t session = nullptr;
  if (const int code = gnutls_init(&session, flags); code != 0) return fail(failed("TLS session", code));
  TlsHandle handle(session);
  const bool server = (flags & GNUTLS_SERVER) != 0;
  const bool tickets = (flags & GNUTLS_NO_TICKETS) == 0;
  const gnutls_datum_t alpn = datum(as_bytes(kAlpn));
  int code = server ? ngtcp2_crypto_gnutls_configure_server_session(session)
                    : ngtcp2_crypto_gnutls_configure_client_session(session);
  if (code == 0) code = gnutls_priority_set(session, priorities_.get());
  if (code == 0) code = gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials_.get());
  if (code == 0) code = gnutls_alpn_set_protocols(session, &alpn, 1, GNUTLS_ALPN_MANDATORY);
  if (code == 0 && tickets) code = add_ticket_request(session);
  if (code == 0 && tickets && server) code = gnutls_session_ticket_enable_server(session, &ticket_key_);
  if (code != 0) return fail(failed("TLS session", code));
  gnutls_db_set_cache_expiration(session, kTicketLifetimeSeconds);
  if (key_log_) gnutls_session_set_keylog_function(session, log_key);
  return handle;
}

Result<TlsHandle> TlsContext::make_server() const {
  const unsigned tickets = resumption() ? GNUTLS_NO_AUTO_SEND_TICKET : GNUTLS_NO_TICKETS;
  STARLING_TRY(TlsHandle handle, make_session(GNUTLS_SERVER | tickets));
  gnutls_certificate_server_set_request(handle.get(), GNUTLS_CERT_REQUIRE);
  return handle;
}

Result<TlsHandle> TlsContext::make_client(const std::optional<PeerId>& expected) {
  const bool tickets = resumption() && expected;
  // A share of X25519 alone, which every libp2p peer has: by default GnuTLS makes one of P-256, too.
  STARLING_TRY(TlsHandle handle,
               make_session(GNUTLS_CLIENT | GNUTLS_KEY_SHARE_TOP | (tickets ? 0 : GNUTLS_NO_TICKETS)));
  if (!tickets) return handle;
  if (const auto met = met_.take(as_text(expected->bytes())))  // if it is refused, the handshake is a full one
    gnutls_session_set_data(handle.get(), met->view().data(), met->size());
  return handle;
}

bool TlsContext::check_resumed(gnutls_session_t session, Status& judged) {
  if (gnutls_session_is_resumed(session) == 0) return false;
  judged = ask_about_certificates(session);
  return true;
}

void TlsContext::give_ticket(gnutls_session_t session) { gnutls_session_ticket_send(session, 1, 0); }

void TlsContext::keep_ticket(gnutls_session_t session, Bytes message, const PeerId& peer) {
  const auto level = GNUTLS_ENCRYPTION_LEVEL_APPLICATION;
  gnutls_datum_t data{};
  if (gnutls_handshake_write(session, level, message.data(), message.size()) != 0 ||
      (gnutls_session_get_flags(session) & GNUTLS_SFLAGS_SESSION_TICKET) == 0 ||
      gnutls_session_get_data2(session, &data) != 0)
    return;
  const MutableBytes bytes(data.data, data.size);
  met_.insert(std::string(as_text(peer.bytes())), crypto::SecretBytes(Bytes(bytes)));
  crypto::wipe(bytes);
  gnutls_free(data.data);
}

}  // namespace starling::transport::quic::ng
