// The order in which the addresses of a peer are dialed, and how long each waits for those before it. Pure.
// spec: none; RFC 8305 (happy eyeballs), and what go-libp2p does. Local, public and relayed addresses are ranked apart
// and dialed side by side; in each group QUIC before TCP before the rest, IPv6 before IPv4, low ports first.
#pragma once

#include <span>
#include <vector>

#include "starling/multiformats/address_scope.hpp"
#include "starling/swarm/dial_settings.hpp"

namespace starling::swarm {

struct RankedAddress {
  std::size_t index;  // into what was given
  Duration delay;     // after the first
};

/// All of `addresses`, the one to dial first in front; equal delays are dialed together.
std::vector<RankedAddress> rank_addresses(std::span<const AddressTraits> addresses, const DialDelays& delays);

}  // namespace starling::swarm
