// Endpoints as multiaddrs: /ip4|ip6/<address>/tcp|udp/<port>, the front of everything that runs on IP. Pure.
#pragma once

#include <optional>

#include "starling/io/network.hpp"
#include "starling/multiformats/multiaddr.hpp"

namespace starling::transport {

/// `carrier`: Tcp or Udp.
Multiaddr ip_multiaddr(const io::Endpoint& endpoint, Protocol carrier);
/// The endpoint in the first two components of `address`; nullopt if they are anything else.
std::optional<io::Endpoint> ip_endpoint(const Multiaddr& address, Protocol carrier);

}  // namespace starling::transport
