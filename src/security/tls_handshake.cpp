#include "security/tls_handshake.hpp"

#include <openssl/err.h>

#include "security/remote_identity.hpp"
#include "security/tls_alpn.hpp"
#include "security/tls_channel.hpp"
#include "security/tls_resumption.hpp"
#include "starling/base/assert.hpp"

namespace starling::security {
namespace {

/// Chooses the alert: a wrong peer is an application's refusal, everything else a bad certificate.
int verification_code(const Error& refusal) {
  return refusal.code() == ErrorCode::PeerIdMismatch ? X509_V_ERR_APPLICATION_VERIFICATION : X509_V_ERR_CERT_REJECTED;
}

/// OpenSSL parses a chain without keys (see tls_library()): the certificate with its key takes the place of the one
/// without, whose encoding is the same.
void replace_certificate(X509_STORE_CTX& store, X509& with_key) {
  X509_STORE_CTX_set_cert(&store, &with_key);
  X509_free(sk_X509_value(X509_STORE_CTX_get0_untrusted(&store), 0));
  X509_up_ref(&with_key);
  sk_X509_set(X509_STORE_CTX_get0_untrusted(&store), 0, &with_key);
}

}  // namespace

TlsHandshake::TlsHandshake(HandshakeConfig config, std::unique_ptr<TlsSession> session, const UnixClock& clock,
                           VerifiedCertificates& verified)
    : config_(std::move(config)), session_(std::move(session)), clock_(clock), verified_(verified) {}

TlsHandshake::~TlsHandshake() = default;

TlsCallbacks TlsHandshake::callbacks() { return {.select_alpn = &on_select_alpn, .verify = &on_verify}; }

Status TlsHandshake::start(ByteQueue& out) {
  STARLING_ASSERT(!started_, "start() is called once");
  started_ = true;
  auto status = set_up();
  if (status && config_.role == Role::Initiator) status = step(nullptr, out);
  dead_ = !status;
  return status;
}

Status TlsHandshake::set_up() {
  if (!session_)
    return fail(take_openssl_error(ErrorCode::Internal, Op::Secure, Origin::Local, "making a TLS session"));
  SSL* ssl = session_->ssl();
  SSL_set_app_data(ssl, this);
  if (config_.role == Role::Responder) {
    SSL_set_accept_state(ssl);
    return {};
  }
  SSL_set_connect_state(ssl);
  STARLING_TRY(const ByteVector protocols, encode_alpn(config_.muxers));
  if (SSL_set_alpn_protos(ssl, protocols.data(), unsigned(protocols.size())) != 0)
    return fail(take_openssl_error(ErrorCode::Internal, Op::Secure, Origin::Local, "setting ALPN"));
  if (config_.expected_peer) resume_session(*session_, as_text(config_.expected_peer->bytes()));
  return {};
}

Status TlsHandshake::receive(ByteQueue& in, ByteQueue& out) {
  STARLING_ASSERT(started_, "start() comes before receive()");
  if (dead_) return fail(ErrorCode::Closed, Op::Secure, Origin::Local, "this handshake has failed");
  if (done_) return {};
  auto status = step(&in, out);
  dead_ = !status;
  return status;
}

Status TlsHandshake::step(ByteQueue* in, ByteQueue& out) {
  ERR_clear_error();
  const int result = [&] {
    const TlsAttachment attachment(*session_, in, in == nullptr ? 0 : in->size(), out);
    return SSL_do_handshake(session_->ssl());
  }();
  if (result == 1) return finish();
  if (SSL_get_error(session_->ssl(), result) == SSL_ERROR_WANT_READ) return {};
  return fail(failure());
}

Error TlsHandshake::failure() {
  if (refusal_) {
    ERR_clear_error();
    return std::move(*refusal_);
  }
  Error cause = take_tls_error(ErrorCode::ProtocolViolation, Op::Secure);
  if (cause.code() == ErrorCode::HandshakeFailed) return cause;
  return Error(ErrorCode::HandshakeFailed, Op::Secure, Origin::Remote, "TLS").caused_by(std::move(cause));
}

Status TlsHandshake::finish() {
  if (SSL_session_reused(session_->ssl()) == 1) STARLING_CHECK(check_resumed());
  if (!remote_key_) return fail(ErrorCode::BadCertificate, Op::Secure, Origin::Remote, "no certificate");
  const unsigned char* selected = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(session_->ssl(), &selected, &size);
  STARLING_TRY(muxer_, muxer_of_alpn({selected, size}, config_.muxers));
  SSL_set_app_data(session_->ssl(), nullptr);
  STARLING_TRY(channel_, TlsChannel::create(std::move(session_)));
  done_ = true;
  return {};
}

/// OpenSSL asks about no certificate then; the session carries that of the first handshake.
Status TlsHandshake::check_resumed() {
  const X509* certificate = SSL_get0_peer_certificate(session_->ssl());
  if (certificate == nullptr) return fail(ErrorCode::BadCertificate, Op::Secure, Origin::Remote, "no certificate");
  STARLING_CHECK(judge(*certificate));
  return {};
}

HandshakeOutcome TlsHandshake::take() {
  STARLING_ASSERT(done_ && channel_, "take() is called once, after done()");
  return {.remote_peer = remote_peer_,
          .remote_key = *remote_key_,
          .muxer = std::move(muxer_),
          .channel = std::move(channel_)};
}

Status TlsHandshake::judge(X509_STORE_CTX& store) {
  STACK_OF(X509)* chain = X509_STORE_CTX_get0_untrusted(&store);
  if (sk_X509_num(chain) != 1)
    return fail(ErrorCode::BadCertificate, Op::Verify, Origin::Remote, "not exactly one certificate");
  STARLING_TRY(const VerifiedCertificatePtr good, judge(*sk_X509_value(chain, 0)));
  replace_certificate(store, *good->certificate);
  return {};
}

Result<VerifiedCertificatePtr> TlsHandshake::judge(const X509& certificate) {
  STARLING_TRY(const ByteVector der, der_of(certificate));
  STARLING_TRY(VerifiedCertificatePtr good, verify_libp2p_certificate(der, clock_(), verified_));
  remote_peer_ = PeerId::from_public_key(good->host_key);
  STARLING_CHECK(check_expected_peer(config_.expected_peer, remote_peer_));
  remote_key_ = good->host_key;
  if (der.size() > kMaxRememberedCertificateBytes) session_->refuse_tickets();
  return good;
}

int TlsHandshake::on_verify(X509_STORE_CTX* store, void*) noexcept {
  auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* self = static_cast<TlsHandshake*>(SSL_get_app_data(ssl));
  if (self == nullptr) return 0;  // after the handshake no certificate is accepted
  auto status = self->judge(*store);
  if (status) return 1;
  self->refusal_ = std::move(status).error();
  X509_STORE_CTX_set_error(store, verification_code(*self->refusal_));
  return 0;
}

int TlsHandshake::on_select_alpn(SSL* ssl, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                                 unsigned int in_size, void*) noexcept {
  auto* self = static_cast<TlsHandshake*>(SSL_get_app_data(ssl));
  const auto selected = self == nullptr ? std::nullopt : select_alpn({in, in_size}, self->config_.muxers);
  if (!selected) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = selected->data();
  *out_size = std::uint8_t(selected->size());
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace starling::security
