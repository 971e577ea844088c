// The part of an address that a NAT maps: /ip4|ip6/…/tcp|udp/…, and what follows it. Values; pure.
#pragma once

#include <optional>

#include "starling/multiformats/multiaddr.hpp"

namespace starling::host {

struct IpPort {
  Multiaddr address;  // exactly two components
  Multiaddr rest;
  Protocol ip, transport;
};
/// Nothing for an address that does not start so.
std::optional<IpPort> ip_port_of(const Multiaddr& address);

}  // namespace starling::host
