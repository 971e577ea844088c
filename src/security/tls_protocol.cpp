// "/tls/1.0.0": one certificate, one set of settings and one memory of verified peers per host.
// spec: tls/tls.md
#include <chrono>

#include "security/tls_handshake.hpp"
#include "starling/security/certificate.hpp"

namespace starling::security {
namespace {

class TlsProtocol final : public Protocol {
 public:
  TlsProtocol(SslContextPtr context, UnixClock clock) : context_(std::move(context)), clock_(std::move(clock)) {}
  std::string_view protocol_id() const override { return "/tls/1.0.0"; }
  std::unique_ptr<Handshake> begin(HandshakeConfig config) override {
    return std::make_unique<TlsHandshake>(std::move(config), TlsSession::create(*context_), clock_, verified_);
  }

 private:
  SslContextPtr context_;
  UnixClock clock_;
  VerifiedCertificates verified_;
};

}  // namespace

std::int64_t system_unix_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

Result<std::unique_ptr<Protocol>> make_tls(const crypto::PrivateKey& identity,
                                           std::function<std::int64_t()> unix_seconds, bool resumption) {
  STARLING_TRY(const TlsCertificate certificate, make_libp2p_certificate(identity));
  STARLING_TRY(auto context, make_tls_context(certificate, TlsHandshake::callbacks(), resumption));
  if (!unix_seconds) unix_seconds = &system_unix_seconds;
  return std::make_unique<TlsProtocol>(std::move(context), std::move(unix_seconds));
}

}  // namespace starling::security
