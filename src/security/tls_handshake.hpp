// One run of the libp2p TLS 1.3 handshake.
// spec: tls/tls.md. Resource: owned by a connection, one thread. The remote certificate is judged inside the
// handshake, so that a peer we refuse gets an alert. As in any TLS 1.3, an initiator is done before the responder has
// judged its certificate: a refusal then comes out of the first Channel::open().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "security/tls_context.hpp"
#include "security/tls_session.hpp"
#include "starling/security/security.hpp"

namespace starling::security {

using UnixClock = std::function<std::int64_t()>;

class TlsHandshake final : public Handshake {
 public:
  /// `session` is null when OpenSSL could not make one: start() tells. `clock` and `verified` are borrowed.
  TlsHandshake(HandshakeConfig config, std::unique_ptr<TlsSession> session, const UnixClock& clock,
               VerifiedCertificates& verified);
  ~TlsHandshake() override;

  Status start(ByteQueue& out) override;
  Status receive(ByteQueue& in, ByteQueue& out) override;
  bool done() const override { return done_; }
  HandshakeOutcome take() override;

  /// What OpenSSL calls in the middle of start() and receive().
  static TlsCallbacks callbacks();

 private:
  static int on_verify(X509_STORE_CTX* store, void*) noexcept;
  static int on_select_alpn(SSL* ssl, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                            unsigned int in_size, void*) noexcept;
  Status set_up();
  Status step(ByteQueue* in, ByteQueue& out);
  Status finish();
  Status judge(X509_STORE_CTX& store);
  Result<VerifiedCertificatePtr> judge(const X509& certificate);
  Status check_resumed();
  Error failure();

  HandshakeConfig config_;
  std::unique_ptr<TlsSession> session_;
  const UnixClock& clock_;
  VerifiedCertificates& verified_;
  bool started_ = false, dead_ = false, done_ = false;
  std::optional<Error> refusal_;  // why on_verify refused the certificate
  std::optional<crypto::PublicKey> remote_key_;
  PeerId remote_peer_;
  std::string muxer_;
  std::unique_ptr<Channel> channel_;  // once done
};

}  // namespace starling::security
