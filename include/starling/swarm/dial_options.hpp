// What a caller says about a dial: the addresses and where they are from, and who wants it. Values.
#pragma once

#include <cstdint>
#include <vector>

#include "starling/multiformats/multiaddr.hpp"
#include "starling/peer/address_source.hpp"

namespace starling::swarm {

struct DialAddress {
  Multiaddr address;  // may end in /p2p/<peer>
  AddressSource source = AddressSource::Unknown;
};

/// Every address from the same source.
std::vector<DialAddress> from_source(AddressSource source, std::vector<Multiaddr> addresses);

enum class DialOrigin : std::uint8_t {
  User,        // somebody asks for this peer now: neither back-off nor a black hole stands in the way
  Background,  // the node itself: lookups, reconnecting, discovery
};

struct DialOptions {
  DialOrigin origin = DialOrigin::Background;
};

}  // namespace starling::swarm
