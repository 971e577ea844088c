#include "security/tls_session.hpp"

#include <openssl/err.h>
#include <openssl/sslerr.h>

#include <algorithm>
#include <string>

namespace starling::security {
namespace {

long bio_control(BIO*, int command, long, void*) noexcept { return command == BIO_CTRL_FLUSH ? 1 : 0; }

using BioMethodPtr = std::unique_ptr<BIO_METHOD, OpensslFree<BIO_meth_free>>;

}  // namespace

const BIO_METHOD* TlsSession::bio_method() {
  static const BioMethodPtr method = [] {
    BioMethodPtr made(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "starling byte queue"));
    if (!made) return made;
    BIO_meth_set_read_ex(made.get(), &TlsSession::read);
    BIO_meth_set_write_ex(made.get(), &TlsSession::write);
    BIO_meth_set_ctrl(made.get(), &bio_control);
    return made;
  }();
  return method.get();
}

std::unique_ptr<TlsSession> TlsSession::create(SSL_CTX& context) {
  ERR_clear_error();
  std::unique_ptr<TlsSession> session(new TlsSession);
  session->ssl_.reset(SSL_new(&context));
  if (!session->ssl_ || bio_method() == nullptr) return nullptr;
  BIO* bio = BIO_new(bio_method());
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, session.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(session->ssl_.get(), bio, bio);  // the session owns it now
  return session;
}

// A connection that breaks off says nothing against the session: without this OpenSSL would not resume it.
TlsSession::~TlsSession() {
  if (ssl_) SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN);
}

void TlsSession::refuse_tickets() {
  resumable_with_.clear();
  SSL_set_num_tickets(ssl_.get(), 0);
}

int TlsSession::read(BIO* bio, char* to, std::size_t size, std::size_t* got) noexcept {
  auto& session = *static_cast<TlsSession*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  *got = std::min(size, session.readable_);
  if (*got == 0) {
    BIO_set_retry_read(bio);
    return 0;
  }
  std::memcpy(to, session.in_->view().data(), *got);
  session.in_->consume(*got);
  session.readable_ -= *got;
  return 1;
}

int TlsSession::write(BIO* bio, const char* from, std::size_t size, std::size_t* put) noexcept {
  auto& session = *static_cast<TlsSession*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  *put = session.out_ == nullptr ? 0 : size;
  if (session.out_ == nullptr) return 0;
  session.out_->append(as_bytes({from, size}));
  return 1;
}

Error take_tls_error(ErrorCode code, Op op) {
  const unsigned long newest = ERR_peek_last_error();
  const int reason = ERR_GET_LIB(newest) == ERR_LIB_SSL ? ERR_GET_REASON(newest) : 0;
  if (reason > SSL_AD_REASON_OFFSET) {
    ERR_clear_error();
    const char* alert = SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET);
    return Error(ErrorCode::HandshakeFailed, op, Origin::Remote, std::string("the peer refused: ") + alert);
  }
  if (reason == SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC) code = ErrorCode::DecryptFailed;
  return take_openssl_error(code, op, Origin::Remote, "TLS");
}

}  // namespace starling::security
