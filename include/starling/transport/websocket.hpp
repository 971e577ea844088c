// The WebSocket transport: /ws, and /wss alias /tls/ws over web TLS. Security and muxer run inside as they do over TCP.
// spec: websockets/README.md; RFC 6455
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "starling/transport/transport.hpp"

namespace starling::transport {

struct WebSocketOptions {
  Duration handshake_timeout;     // web TLS and the HTTP upgrade together
  std::size_t max_header_bytes;   // of the upgrade's request or answer
  std::uint64_t max_frame_bytes;  // payload of one frame of a remote; it is handed on as it comes, not held
  std::string certificate_file;   // to listen on /wss: PEM, the certificate and those above it
  std::string key_file;           // its key, PEM, mode 0600
  std::string ca_file;            // authorities to trust when dialing /wss; empty: the system's
  bool any_certificate;           // dialing /wss: take every certificate; the handshake inside proves the peer
  Duration certificate_check;     // how often a listener looks whether the certificate files changed
  std::function<std::int64_t()> unix_seconds = {};  // the time certificates are judged by; empty: the system's
};

/// `upgrader` must outlive it and every connection it made. Errors: those of the certificate files, if given.
Result<std::unique_ptr<Transport>> make_websocket_transport(Upgrader& upgrader, WebSocketOptions options);

}  // namespace starling::transport
