#include "transport/websocket/websocket_address.hpp"

#include <vector>

#include "starling/transport/transport.hpp"
#include "transport/ip_endpoint.hpp"

namespace starling::transport {
namespace {

constexpr std::uint16_t kHttpPort = 80, kHttpsPort = 443;

using Parts = std::vector<Multiaddr::Component>;

bool is(const Parts& parts, std::size_t from, std::initializer_list<Protocol> protocols) {
  if (parts.size() != from + protocols.size()) return false;
  for (const Protocol protocol : protocols)
    if (parts[from++].protocol != protocol) return false;
  return true;
}

}  // namespace

std::optional<WebSocketAddress> WebSocketAddress::parse(const Multiaddr& address) {
  const Parts parts = address.components();
  if (parts.size() < 3) return std::nullopt;
  const auto endpoint = ip_endpoint(address, Protocol::Tcp);
  if (!endpoint) return std::nullopt;
  WebSocketAddress parsed{.endpoint = *endpoint, .tls = !is(parts, 2, {Protocol::Ws}), .sni = {}, .suffix = {}};
  if (is(parts, 2, {Protocol::Tls, Protocol::Sni, Protocol::Ws}))
    parsed.sni = parts[3].value_text();
  else if (parsed.tls && !is(parts, 2, {Protocol::Wss}) && !is(parts, 2, {Protocol::Tls, Protocol::Ws}))
    return std::nullopt;
  for (std::size_t i = 2; i < parts.size(); ++i) parsed.suffix = parsed.suffix.with(parts[i].protocol, parts[i].value);
  return parsed;
}

std::string WebSocketAddress::server_name(const std::string& resolved_from) const {
  if (!sni.empty()) return sni;
  return resolved_from.empty() ? endpoint.address.to_string() : resolved_from;
}

std::string WebSocketAddress::host_header(const std::string& resolved_from) const {
  const bool named = !sni.empty() || !resolved_from.empty();
  if (!named) return endpoint.to_string();
  const std::string name = server_name(resolved_from);
  return endpoint.port == (tls ? kHttpsPort : kHttpPort) ? name : name + ":" + std::to_string(endpoint.port);
}

Multiaddr WebSocketAddress::with_endpoint(const io::Endpoint& other) const { return tcp_multiaddr(other).with(suffix); }

}  // namespace starling::transport
