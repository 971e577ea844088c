#include "starling/transport/quic.hpp"
#include "transport/ip_endpoint.hpp"

namespace starling::transport {

Multiaddr quic_multiaddr(const io::Endpoint& endpoint) {
  return ip_multiaddr(endpoint, Protocol::Udp).with(Protocol::QuicV1);
}

std::optional<io::Endpoint> quic_endpoint(const Multiaddr& address) {
  const auto parts = address.components();
  if (parts.size() != 3 || parts[2].protocol != Protocol::QuicV1) return std::nullopt;
  return ip_endpoint(address, Protocol::Udp);
}

}  // namespace starling::transport
