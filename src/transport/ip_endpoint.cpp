#include "transport/ip_endpoint.hpp"

#include <algorithm>
#include <array>

namespace starling::transport {
namespace {

template <std::size_t N>
std::array<std::uint8_t, N> array_of(Bytes bytes) {
  std::array<std::uint8_t, N> array;
  std::copy(bytes.begin(), bytes.end(), array.begin());
  return array;
}

}  // namespace

Multiaddr ip_multiaddr(const io::Endpoint& endpoint, Protocol carrier) {
  std::array<std::uint8_t, 2> port;
  put_u16_be(port.data(), endpoint.port);
  const io::IpAddress& ip = endpoint.address;
  return Multiaddr().with(ip.is_v4() ? Protocol::Ip4 : Protocol::Ip6, ip.bytes()).with(carrier, port);
}

std::optional<io::Endpoint> ip_endpoint(const Multiaddr& address, Protocol carrier) {
  const auto parts = address.components();
  if (parts.size() < 2 || parts[1].protocol != carrier) return std::nullopt;
  const std::uint16_t port = get_u16_be(parts[1].value.data());
  if (parts[0].protocol == Protocol::Ip4) return io::Endpoint{io::IpAddress::v4(array_of<4>(parts[0].value)), port};
  if (parts[0].protocol == Protocol::Ip6) return io::Endpoint{io::IpAddress::v6(array_of<16>(parts[0].value)), port};
  return std::nullopt;
}

}  // namespace starling::transport
