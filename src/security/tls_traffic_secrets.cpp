#include "security/tls_traffic_secrets.hpp"

#include "security/tls_session.hpp"

namespace starling::security {
namespace {

void on_line(const SSL* ssl, const char* line) noexcept {
  TlsSession::of(*ssl).secrets().take_line(line, SSL_is_server(ssl) != 0);
}

void on_message(int sent, int, int content, const void*, std::size_t, SSL* ssl, void*) noexcept {
  if (sent != 0 && content == SSL3_RT_HEADER) ++TlsSession::of(*ssl).secrets().records_sent;
}

}  // namespace

void TlsTrafficSecrets::take_line(std::string_view line, bool server_side) {
  const bool clients = line.starts_with("CLIENT_TRAFFIC_SECRET_0 ");
  if (!clients && !line.starts_with("SERVER_TRAFFIC_SECRET_0 ")) return;
  auto secret = from_hex(line.substr(line.rfind(' ') + 1));
  if (!secret) return;
  (clients ? client : server) = crypto::SecretBytes(std::move(*secret));
  if (clients != server_side) records_sent = 0;  // OpenSSL tells a secret when it begins to use it
}

void watch_traffic_secrets(SSL_CTX& context) {
  SSL_CTX_set_keylog_callback(&context, on_line);
  SSL_CTX_set_msg_callback(&context, on_message);
}

}  // namespace starling::security
