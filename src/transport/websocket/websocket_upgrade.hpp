// The HTTP exchange that turns a connection into a WebSocket, as two machines. Beast parses and writes the messages.
// spec: RFC 6455, section 4. Limits: a message's header at most `max_header_bytes`.
#pragma once

#include <memory>
#include <string>

#include "starling/base/bytes.hpp"
#include "starling/base/random.hpp"

namespace starling::transport {

/// The accept value that answers a key: RFC 6455, section 4.2.2.
std::string websocket_accept(std::string_view key);

class WebSocketUpgrade {
 public:
  virtual ~WebSocketUpgrade() = default;
  /// Appends what this side says first, if anything.
  virtual Status start(ByteQueue& out) = 0;
  /// Consumes the remote's message; bytes behind it stay in `in`. Errors: UpgradeRefused (a server that answers
  /// something else), ProtocolViolation, MessageTooLarge; what a server appended to `out` tells the client why.
  virtual Status receive(ByteQueue& in, ByteQueue& out) = 0;
  virtual bool done() const = 0;
};

/// Asks for "/" on `host` (a name or an address, with its port).
std::unique_ptr<WebSocketUpgrade> make_websocket_client_upgrade(std::string host, std::size_t max_header_bytes,
                                                                Random& random);
/// Any path, host and origin will do: who the remote is, the security handshake inside finds out.
std::unique_ptr<WebSocketUpgrade> make_websocket_server_upgrade(std::size_t max_header_bytes);

}  // namespace starling::transport
