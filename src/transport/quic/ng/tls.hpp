// TLS 1.3 for QUIC by GnuTLS: one identity's certificate and settings, and a session per connection.
// spec: tls/tls.md; quic/README.md; RFC 9001
#pragma once

#include <gnutls/gnutls.h>

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "starling/base/error.hpp"
#include "starling/security/certificate.hpp"

namespace starling::transport::quic::ng {

template <auto kFree>
struct GnutlsFree {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using TlsCredentials = std::unique_ptr<std::remove_pointer_t<gnutls_certificate_credentials_t>,
                                       GnutlsFree<gnutls_certificate_free_credentials>>;
using TlsPriorities = std::unique_ptr<std::remove_pointer_t<gnutls_priority_t>, GnutlsFree<gnutls_priority_deinit>>;
using TlsHandle = std::unique_ptr<std::remove_pointer_t<gnutls_session_t>, GnutlsFree<gnutls_deinit>>;

/// Asked by a TLS session about what the peer sent. Found through the pointer that the session carries.
class TlsOwner {
 public:
  /// The peer's `count` certificates, of which `der` is the first; libp2p permits exactly one. An error ends the
  /// handshake with an alert.
  virtual Status on_certificates(std::size_t count, Bytes der) = 0;
  virtual void on_key_log(std::string_view line) = 0;

 protected:
  ~TlsOwner() = default;
};

/// Certificate, key and algorithms of one identity. Must outlive its sessions.
class TlsContext {
 public:
  /// Without a certificate none is shown, which every libp2p peer refuses. Errors: Internal (GnuTLS).
  static Result<std::unique_ptr<TlsContext>> create(const std::optional<security::CertificateDer>& certificate,
                                                    bool key_log);
  /// A session whose pointer (gnutls_session_set_ptr) the caller sets; owner_of() finds the owner from it.
  Result<TlsHandle> make_session(bool server) const;

 private:
  std::optional<security::CertificateKey> key_;  // of the certificate; credentials_ borrow it
  TlsCredentials credentials_;
  TlsPriorities priorities_;
  bool key_log_ = false;
};

/// The owner of `session`; defined beside the sessions, which know what the pointer is.
TlsOwner& owner_of(gnutls_session_t session);

}  // namespace starling::transport::quic::ng
