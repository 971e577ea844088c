// What tests of TLS share: two ends of ours, and a peer of plain OpenSSL against one of ours.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string_view>
#include <utility>

#include "security/security_test_support.hpp"
#include "security/tls_certificate.hpp"
#include "security/tls_channel.hpp"
#include "security/tls_session.hpp"
#include "security/web_tls_channel.hpp"

namespace starling::security::testing {

inline constexpr std::int64_t kNow = 1'800'000'000;  // 2027
inline std::int64_t now() { return kNow; }

inline const crypto::PrivateKey& key(int index) { return test_key(crypto::KeyType::Ed25519, index); }

struct TlsPair {
  std::unique_ptr<Protocol> dialer = make_tls(key(0), now).value(), listener = make_tls(key(1), now).value();
  Pair connect(HandshakeConfig initiator = {}, HandshakeConfig responder = {}) {
    Pair two(*dialer, *listener, std::move(initiator), std::move(responder));
    two.run();
    return two;
  }
  Pair connected() {
    Pair two = connect();
    EXPECT_TRUE(two.both_done());
    two.take();
    return two;
  }
};

/// A TLS peer of plain OpenSSL, whose rules the test sets. It runs against one of our handshakes in memory.
class Stranger {
 public:
  Stranger() : context_(SSL_CTX_new(TLS_method())) { SSL_CTX_set_verify(context_.get(), SSL_VERIFY_NONE, nullptr); }
  SSL_CTX* context() { return context_.get(); }
  void use(const TlsCertificate& identity) {
    SSL_CTX_use_certificate(context(), identity.certificate.get());
    SSL_CTX_use_PrivateKey(context(), identity.key.get());
  }

  /// Dials our responder; how that ended for it.
  Status dial(Protocol& protocol, std::string_view alpn = "\x06libp2p") {
    session_ = TlsSession::create(*context_);
    if (!alpn.empty()) SSL_set_alpn_protos(session_->ssl(), as_bytes(alpn).data(), unsigned(alpn.size()));
    SSL_set_connect_state(session_->ssl());
    return run(protocol, {.role = Role::Responder, .muxers = {"/yamux/1.0.0"}});
  }
  /// Our initiator dials it.
  Status accept(Protocol& protocol, HandshakeConfig config = {}) {
    session_ = TlsSession::create(*context_);
    SSL_set_accept_state(session_->ssl());
    return run(protocol, std::move(config));
  }

  bool accepted() const { return ours_.handshake->done(); }
  /// Ours, and then the stranger's: after the handshake a Channel of OpenSSL's.
  Side& ours() { return ours_; }
  Side& its() { return its_; }
  /// Its own until take().
  TlsSession& session() { return *session_; }
  SSL* ssl() { return static_cast<WebTlsChannel&>(*its_.channel).ssl(); }
  void take() {
    ours_.take();
    its_.channel = std::make_unique<WebTlsChannel>(std::move(session_));
  }

 private:
  Status run(Protocol& protocol, HandshakeConfig config) {
    ours_.handshake = protocol.begin(std::move(config));
    ours_.start();
    for (int round = 0; round < 5 && ours_.status; ++round) {
      step();
      deliver(its_, ours_, whole());
      ours_.receive();
      deliver(ours_, its_, whole());
    }
    return std::move(ours_.status);
  }
  void step() {
    const TlsAttachment attachment(*session_, &its_.received, its_.received.size(), its_.sent);
    SSL_do_handshake(session_->ssl());
  }
  SslContextPtr context_;
  std::unique_ptr<TlsSession> session_;
  Side ours_, its_;
};

}  // namespace starling::security::testing
