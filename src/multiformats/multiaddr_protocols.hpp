// The table of multiaddr protocols. spec: multiformats/multiaddr, protocols.csv.
#pragma once

#include <cstdint>
#include <string_view>

#include "multiformats/multiaddr_values.hpp"
#include "starling/multiformats/multiaddr.hpp"

namespace starling::multiformats {

inline constexpr int kVariableSize = -1;

struct ProtocolEntry {
  Protocol protocol;
  std::string_view name;
  int size = 0;                         // bytes of the value; 0: none, kVariableSize: behind a varint length
  const ValueFormat* format = nullptr;  // null when there is no value
  bool is_path = false;                 // takes the rest of the text, so nothing may follow it

  constexpr bool has_value() const { return size != 0; }
};

/// Null when no line of the table has the code or the name; "ipfs" is another name of p2p.
const ProtocolEntry* find_protocol(std::uint64_t code);
const ProtocolEntry* find_protocol(std::string_view name);

}  // namespace starling::multiformats
