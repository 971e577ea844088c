// Addresses of WebSocket: /ip4|ip6/…/tcp/…, then /ws, /wss, /tls/ws or /tls/sni/<host>/ws.
// spec: websockets/README.md, Addressing
#pragma once

#include <optional>
#include <string>

#include "starling/io/network.hpp"
#include "starling/multiformats/multiaddr.hpp"

namespace starling::transport {

struct WebSocketAddress {
  io::Endpoint endpoint;
  bool tls = false;
  std::string sni;   // of /sni; may be empty
  Multiaddr suffix;  // what follows /tcp/…, as it was written

  /// Nothing for anything else.
  static std::optional<WebSocketAddress> parse(const Multiaddr& address);
  /// The name to ask for: /sni, else `resolved_from` (the DNS name the endpoint was found under), else the IP address.
  std::string server_name(const std::string& resolved_from) const;
  /// The same with the port, as a Host header says it.
  std::string host_header(const std::string& resolved_from) const;
  /// Another endpoint, written the same way.
  Multiaddr with_endpoint(const io::Endpoint& other) const;
};

}  // namespace starling::transport
