// What a dial did: every address, each stage's time, the outcome and its cause. Values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "starling/base/clock.hpp"
#include "starling/base/error.hpp"
#include "starling/multiformats/multiaddr.hpp"
#include "starling/peer/address_source.hpp"
#include "starling/peer/peer_id.hpp"
#include "starling/transport/transport.hpp"

namespace starling::swarm {

struct DialAttempt {
  enum class Outcome : std::uint8_t { NotTried, Connected, Failed, Cancelled };
  Multiaddr address;              // as it was dialed, without /p2p; after name resolution
  std::optional<Multiaddr> from;  // the given address with the name it was resolved from
  std::string host_name;          // the last name on the way, for SNI and the Host header; empty without one
  AddressSource source = AddressSource::Unknown;
  Outcome outcome = Outcome::NotTried;
  Duration started_after{};  // since the dial began
  Duration total{};
  transport::StageTimes stages;
  std::optional<Error> error;
};

struct DialReport {
  PeerId peer;
  bool reused_connection = false;  // there was one already
  bool joined_dial = false;        // another dial to the peer was under way; the attempts are its
  Duration total{};
  std::vector<DialAttempt> attempts;
  std::optional<Error> error;  // none if connected

  /// A table for people, one line an address.
  std::string to_string() const;
};

std::string_view to_string(DialAttempt::Outcome outcome);

}  // namespace starling::swarm
