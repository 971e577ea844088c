// From where this node knows an address. Decides how far it is trusted, and is shown wherever the address is. The
// address book keeps the numbers on disk: new ones go to the end.
#pragma once

#include <cstdint>
#include <string_view>

namespace starling {

enum class AddressSource : std::uint8_t {
  Unknown,
  User,        // given by whoever runs the node or programs it
  Mdns,        // heard on the local network
  Identify,    // told by the peer itself
  Record,      // told in a record that the peer signed
  Connection,  // a dial got through to it, or a connection came from there
  Dht,         // told by another peer
  Resolved,    // behind a name, in DNS
  Rendezvous,
  PeerExchange,
};

constexpr std::string_view to_string(AddressSource source) {
  constexpr std::string_view kNames[] = {"unknown",    "user", "mdns",     "identify",   "record",
                                         "connection", "dht",  "resolved", "rendezvous", "peer exchange"};
  return kNames[std::size_t(source)];
}

/// Known at first hand to be near: such an address may be private without a question.
constexpr bool is_trusted(AddressSource source) {
  return source == AddressSource::User || source == AddressSource::Mdns;
}

}  // namespace starling
