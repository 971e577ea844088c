// An established connection of web TLS, 1.2 or 1.3, as a Channel: OpenSSL from end to end.
// spec: RFC 5246 and RFC 8446. Resource: one thread.
#pragma once

#include <memory>

#include "security/tls_session.hpp"
#include "starling/security/security.hpp"

namespace starling::security {

class WebTlsChannel final : public Channel {
 public:
  /// `session` has finished its handshake.
  explicit WebTlsChannel(std::unique_ptr<TlsSession> session) : session_(std::move(session)) {}

  Status seal(Bytes plaintext, ByteQueue& wire) override;
  Status open(ByteQueue& wire, PlaintextSink& sink) override;
  Status close(ByteQueue& wire) override;
  bool remote_closed() const override { return remote_closed_; }

  SSL* ssl() { return session_->ssl(); }

 private:
  Status check_alive(Op op) const;
  Error die(Op op);
  Status read_records(ByteQueue& wire, PlaintextSink& sink);
  void flush_replies(ByteQueue& wire);

  std::unique_ptr<TlsSession> session_;
  ByteQueue replies_;  // what OpenSSL wrote while reading (key update, alert); goes out with the next seal() or close()
  bool dead_ = false, closed_ = false, remote_closed_ = false;
};

}  // namespace starling::security
