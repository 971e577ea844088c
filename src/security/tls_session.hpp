// One OpenSSL session wired to ByteQueues by a BIO of our own: OpenSSL takes records straight out of the queue the
// socket filled and puts records straight into the queue the socket will send. Resource: fixed in memory (the BIO
// points at it); of one handshake, and in web TLS of the channel after it; one thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "security/openssl_handles.hpp"
#include "security/tls_traffic_secrets.hpp"
#include "starling/base/bytes.hpp"
#include "starling/base/error.hpp"

namespace starling::security {

class TlsSession {
 public:
  /// A session of `context`, or null when OpenSSL has no memory for it.
  static std::unique_ptr<TlsSession> create(SSL_CTX& context);
  /// The one that create() made `ssl` for.
  static TlsSession& of(const SSL& ssl) { return *static_cast<TlsSession*>(BIO_get_data(SSL_get_rbio(&ssl))); }
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  SSL* ssl() { return ssl_.get(); }

  /// The queues OpenSSL sees until release(): at most `readable` bytes of `in`, and `out` for what it writes.
  void attach(ByteQueue* in, std::size_t readable, ByteQueue* out) { in_ = in, readable_ = readable, out_ = out; }
  /// Filled in by the handshake where the context asks for it: watch_traffic_secrets().
  TlsTrafficSecrets& secrets() { return secrets_; }

  /// OpenSSL has taken everything that it was to see.
  bool drained() const { return readable_ == 0; }
  void detach() { in_ = nullptr, readable_ = 0, out_ = nullptr; }

  /// The peer whom an initiator asks for a ticket; empty, the default: nobody.
  const std::string& resumable_with() const { return resumable_with_; }
  /// It was asked, and said that it will give one. Those of others are not kept.
  bool expects_ticket() const { return ticket_promised_ && !resumable_with_.empty(); }
  void promise_ticket() { ticket_promised_ = true; }
  void keep_tickets_of(std::string peer) { resumable_with_ = std::move(peer); }
  /// None is kept, and none given.
  void refuse_tickets();

 private:
  TlsSession() = default;
  static const BIO_METHOD* bio_method();
  static int read(BIO* bio, char* to, std::size_t size, std::size_t* got) noexcept;
  static int write(BIO* bio, const char* from, std::size_t size, std::size_t* put) noexcept;

  ByteQueue* in_ = nullptr;
  std::size_t readable_ = 0;
  ByteQueue* out_ = nullptr;
  std::string resumable_with_;
  bool ticket_promised_ = false;
  TlsTrafficSecrets secrets_;
  SslPtr ssl_;
};

/// Attaches queues for the life of the scope.
class TlsAttachment {
 public:
  TlsAttachment(TlsSession& session, ByteQueue* in, std::size_t readable, ByteQueue& out) : session_(session) {
    session_.attach(in, readable, &out);
  }
  ~TlsAttachment() { session_.detach(); }
  TlsAttachment(const TlsAttachment&) = delete;
  TlsAttachment& operator=(const TlsAttachment&) = delete;

 private:
  TlsSession& session_;
};

/// Why the last call on a session failed: the remote's alert, a record that does not authenticate, or a broken rule.
/// Takes the error out of OpenSSL's queue. `code`: for what is neither alert nor authentication.
Error take_tls_error(ErrorCode code, Op op);

}  // namespace starling::security
