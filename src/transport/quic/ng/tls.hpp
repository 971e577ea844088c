// TLS 1.3 for QUIC by GnuTLS: one identity's certificate and settings, and a session per connection.
// spec: tls/tls.md; quic/README.md; RFC 9001
#pragma once

#include <gnutls/gnutls.h>

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "starling/base/error.hpp"
#include "starling/base/taken_once.hpp"
#include "starling/crypto/secret.hpp"
#include "starling/peer/peer_id.hpp"
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
  /// What to say about tickets (RFC 9149, section 4); empty: nothing.
  virtual Bytes ticket_request() const = 0;
  /// A server is asked for a ticket, a client is told that it will get one. False: `counts` has not the form for that.
  virtual bool on_ticket_request(Bytes counts) = 0;

 protected:
  ~TlsOwner() = default;
};

/// Certificate, key and algorithms of one identity, and the sessions that it may resume. Must outlive its sessions.
///
/// Resuming leaves out certificates and signatures between peers of this implementation that met before (RFC 8446, 2.2;
/// RFC 9149): a client that knows whom it dials asks for a ticket, a server that is asked says that it will give one,
/// and gives it after the handshake. A client uses a ticket once; the server insists on a fresh X25519. It keeps
/// nothing: the ticket holds the session, under a key of this run that changes with time. What a resumed session proves
/// is the certificate of the one it resumes; the caller judges it again, with on_certificates() through
/// check_resumed().
class TlsContext {
 public:
  TlsContext() = default;
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  ~TlsContext();

  /// Sessions a client keeps, of one peer the latest; a peer whose certificate is long gives none.
  static constexpr std::size_t kResumableSessions = 256;

  /// Without a certificate none is shown, which every libp2p peer refuses. Errors: Internal (GnuTLS).
  static Result<std::unique_ptr<TlsContext>> create(const std::optional<security::CertificateDer>& certificate,
                                                    bool key_log, bool resumption);
  /// Sessions whose pointer (gnutls_session_set_ptr) the caller sets; owner_of() finds the owner from it.
  Result<TlsHandle> make_server() const;
  /// `expected`: whom it dials, if that is known; with whom it may resume.
  Result<TlsHandle> make_client(const std::optional<PeerId>& expected);
  bool resumption() const { return ticket_key_.data != nullptr; }

  /// After the handshake: true if there were no certificates in it. The session's owner is asked about the peer's then,
  /// and its answer is `judged`.
  static bool check_resumed(gnutls_session_t session, Status& judged);
  /// A server that was asked gives a ticket. A failure costs the next handshake its shortcut, nothing else.
  static void give_ticket(gnutls_session_t session);
  /// `message` is what came for a client after the handshake; a ticket is kept for the next one that dials `peer`.
  void keep_ticket(gnutls_session_t session, Bytes message, const PeerId& peer);

 private:
  Result<TlsHandle> make_session(unsigned flags) const;

  std::optional<security::CertificateKey> key_;  // of the certificate; credentials_ borrow it
  TlsCredentials credentials_;
  TlsPriorities priorities_;
  bool key_log_ = false;
  gnutls_datum_t ticket_key_{};  // without: no resumption
  TakenOnce<crypto::SecretBytes> met_{kResumableSessions};
};

/// The owner of `session`; defined beside the sessions, which know what the pointer is.
TlsOwner& owner_of(gnutls_session_t session);

}  // namespace starling::transport::quic::ng
