// The secrets that protect a TLS 1.3 connection after its handshake, as OpenSSL tells them to whoever writes key logs.
// spec: RFC 8446, section 7.1. Resource: moved, not copied; wiped when it dies.
#pragma once

#include <cstdint>
#include <string_view>

#include "security/openssl_handles.hpp"
#include "starling/crypto/secret.hpp"

namespace starling::security {

struct TlsTrafficSecrets {
  crypto::SecretBytes client, server;
  /// Records OpenSSL has sent under this side's own secret: tickets.
  std::uint64_t records_sent = 0;

  /// Of a line of the key log: a name, the client's random number, the secret in hexadecimal. `server_side`: this side
  /// is the server.
  void take_line(std::string_view line, bool server_side);
};

/// Each session of `context`, made by TlsSession::create(), learns its secrets during its handshake.
void watch_traffic_secrets(SSL_CTX& context);

}  // namespace starling::security
