#include <algorithm>

#include "starling/transport/quic.hpp"

namespace starling::transport {

Multiaddr quic_multiaddr(const io::Endpoint& endpoint) {
  std::array<std::uint8_t, 2> port;
  put_u16_be(port.data(), endpoint.port);
  const io::IpAddress& ip = endpoint.address;
  return Multiaddr()
      .with(ip.is_v4() ? Protocol::Ip4 : Protocol::Ip6, ip.bytes())
      .with(Protocol::Udp, port)
      .with(Protocol::QuicV1);
}

std::optional<io::Endpoint> quic_endpoint(const Multiaddr& address) {
  const auto parts = address.components();
  if (parts.size() != 3 || parts[1].protocol != Protocol::Udp || parts[2].protocol != Protocol::QuicV1)
    return std::nullopt;
  io::Endpoint endpoint;
  endpoint.port = get_u16_be(parts[1].value.data());
  if (parts[0].protocol == Protocol::Ip4) {
    std::array<std::uint8_t, 4> bytes;
    std::copy(parts[0].value.begin(), parts[0].value.end(), bytes.begin());
    endpoint.address = io::IpAddress::v4(bytes);
  } else if (parts[0].protocol == Protocol::Ip6) {
    std::array<std::uint8_t, 16> bytes;
    std::copy(parts[0].value.begin(), parts[0].value.end(), bytes.begin());
    endpoint.address = io::IpAddress::v6(bytes);
  } else {
    return std::nullopt;
  }
  return endpoint;
}

}  // namespace starling::transport
