// From where this node knows an address. Decides how far it is trusted, and is shown wherever the address is.
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
  Connection,  // a connection came from there
  Routing,     // told by another peer: DHT, peer exchange, rendezvous
  Resolved,    // behind a name, in DNS
};

constexpr std::string_view to_string(AddressSource source) {
  constexpr std::string_view kNames[] = {"unknown", "user",       "mdns",    "identify",
                                         "record",  "connection", "routing", "resolved"};
  return kNames[std::size_t(source)];
}

/// Known at first hand to be near: such an address may be private without a question.
constexpr bool is_trusted(AddressSource source) {
  return source == AddressSource::User || source == AddressSource::Mdns;
}

}  // namespace starling
