#include "security/tls_resumption.hpp"

#include <algorithm>
#include <memory>

#include "security/tls_session.hpp"
#include "starling/base/bytes.hpp"
#include "starling/base/taken_once.hpp"

namespace starling::security {
namespace {

constexpr unsigned kTicketRequest = 58;             // RFC 9149, section 4
constexpr unsigned char kOneTicket[] = {1, 1};      // of a new session, of a resumed one
constexpr unsigned char kContextName[] = "libp2p";  // OpenSSL resumes nothing without one
constexpr long kLifetimeSeconds = 2L * 60 * 60;

/// Of one host.
struct Resumption {
  TakenOnce<SslSessionPtr> given{kResumableSessions};  // by what the ticket says
  TakenOnce<SslSessionPtr> got{kResumableSessions};    // by peer
};

void free_resumption(void*, void* resumption, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<Resumption*>(resumption);
}

int resumption_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_resumption);
  return index;
}

/// Null where it is not allowed.
Resumption* resumption_of(const SSL& ssl) {
  return static_cast<Resumption*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(&ssl), resumption_index()));
}

std::string_view ticket_of(const SSL_SESSION& session) {
  unsigned size = 0;
  const unsigned char* id = SSL_SESSION_get_id(&session, &size);
  return as_text({id, size});
}

/// A ticket was given or got. 1: `session` is ours now.
int on_new_session(SSL* ssl, SSL_SESSION* session) noexcept {
  Resumption& resumption = *resumption_of(*ssl);
  if (SSL_is_server(ssl) != 0) {
    resumption.given.insert(std::string(ticket_of(*session)), SslSessionPtr(session));
    return 1;
  }
  const TlsSession& asking = TlsSession::of(*ssl);
  if (!asking.expects_ticket()) return 0;
  resumption.got.insert(asking.resumable_with(), SslSessionPtr(session));
  return 1;
}

/// A client shows a ticket.
SSL_SESSION* on_ticket(SSL* ssl, const unsigned char* ticket, int size, int* stays_ours) noexcept {
  *stays_ours = 0;
  auto met = resumption_of(*ssl)->given.take(as_text({ticket, std::size_t(size)}));
  return met ? met->release() : nullptr;
}

int ask_for_ticket(SSL* ssl, unsigned, unsigned context, const unsigned char** out, std::size_t* size, X509*,
                   std::size_t, int*, void*) noexcept {
  const bool answer = context != SSL_EXT_CLIENT_HELLO;  // has one number: how many there will be
  if (answer ? SSL_get_num_tickets(ssl) == 0 : TlsSession::of(*ssl).resumable_with().empty()) return 0;
  *out = kOneTicket;
  *size = answer ? 1 : sizeof kOneTicket;
  return 1;
}

int on_ticket_request(SSL* ssl, unsigned, unsigned context, const unsigned char* request, std::size_t size, X509*,
                      std::size_t, int* alert, void*) noexcept {
  *alert = SSL_AD_DECODE_ERROR;
  if (context != SSL_EXT_CLIENT_HELLO) {
    if (size != 1) return 0;
    if (request[0] > 0) TlsSession::of(*ssl).promise_ticket();
    return 1;
  }
  if (size != sizeof kOneTicket) return 0;
  const bool wanted = std::max(request[0], request[1]) > 0;
  return SSL_set_num_tickets(ssl, wanted ? 1 : 0);
}

}  // namespace

bool allow_resumption(SSL_CTX& context) {
  auto resumption = std::make_unique<Resumption>();
  if (SSL_CTX_set_ex_data(&context, resumption_index(), resumption.get()) != 1) return false;
  (void)resumption.release();
  SSL_CTX_set_session_cache_mode(&context,
                                 SSL_SESS_CACHE_BOTH | SSL_SESS_CACHE_NO_INTERNAL | SSL_SESS_CACHE_NO_AUTO_CLEAR);
  SSL_CTX_set_timeout(&context, kLifetimeSeconds);
  SSL_CTX_sess_set_new_cb(&context, on_new_session);
  SSL_CTX_sess_set_get_cb(&context, on_ticket);
  return SSL_CTX_set_session_id_context(&context, kContextName, sizeof kContextName - 1) == 1 &&
         SSL_CTX_add_custom_ext(&context, kTicketRequest, SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS,
                                ask_for_ticket, nullptr, nullptr, on_ticket_request, nullptr) == 1;
}

void resume_session(TlsSession& session, std::string_view peer) {
  Resumption* resumption = resumption_of(*session.ssl());
  if (resumption == nullptr) return;
  session.keep_tickets_of(std::string(peer));
  if (const auto met = resumption->got.take(peer)) SSL_set_session(session.ssl(), met->get());
}

}  // namespace starling::security
