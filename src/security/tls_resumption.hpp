// Resuming TLS sessions between peers that met before: no certificates, no signatures, the same round trips.
// spec: RFC 8446, sections 2.2 and 4.6.1; RFC 9149 (ticket_request)
// A peer gets a ticket only when it asks for one and keeps it only when it was promised, which of all libp2p
// implementations only this one does; a ticket is
// used once; the key exchange is always a fresh X25519, so a session's secrets do not follow from its ticket. What a
// resumed session proves is the certificate of the one it resumes: the handshake judges it again.
#pragma once

#include <cstddef>

#include "security/openssl_handles.hpp"
#include "security/tls_session.hpp"

namespace starling::security {

using SslSessionPtr = std::unique_ptr<SSL_SESSION, OpensslFree<SSL_SESSION_free>>;

/// Sessions kept each way: 1 to 2 KiB each, the certificates are those of VerifiedCertificates.
inline constexpr std::size_t kResumableSessions = 256;

/// Lets sessions of `context` be resumed; what is remembered lives as long as the context.
/// A responder remembers what it gave tickets for, an initiator the last ticket of each peer.
/// False when OpenSSL has no memory.
bool allow_resumption(SSL_CTX& context);

/// For an initiator that has not begun: resumes a session with `peer` if there is one, and asks for a ticket.
/// Does nothing in a context without allow_resumption().
void resume_session(TlsSession& session, std::string_view peer);

}  // namespace starling::security
