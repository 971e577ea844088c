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
#include "starling/swarm/dial_options.hpp"
#include "starling/transport/transport.hpp"

namespace starling::swarm {

/// Why an address was left out.
enum class SkipReason : std::uint8_t {
  None,
  Connected,        // another address was through before its turn came
  OutOfTime,        // the dial ended before its turn came
  WrongPeer,        // its /p2p names another peer
  NoTransport,      // this node has no transport for it
  OwnAddress,       // this node listens there
  OutOfScope,       // not public, and no interface of this host is in that network
  Gated,            // a rule of this node
  BackedOff,        // it failed lately
  BlackHoled,       // nothing of its kind comes back on this network
  BetterTransport,  // the same host and port is dialed over a better transport
  TooMany,          // more addresses than a dial takes
};
inline constexpr std::size_t kSkipReasons = std::size_t(SkipReason::TooMany) + 1;

struct DialAttempt {
  enum class Outcome : std::uint8_t { NotTried, Connected, Failed, Cancelled };
  Multiaddr address;              // as it was dialed, without /p2p; after name resolution
  std::optional<Multiaddr> from;  // the given address with the name it was resolved from
  std::string host_name;          // the last name on the way, for SNI and the Host header; empty without one
  AddressSource source = AddressSource::Unknown;
  Outcome outcome = Outcome::NotTried;
  SkipReason skipped = SkipReason::None;  // why it was not tried
  Duration retry_after{};                 // BackedOff: until the node would try it by itself
  Duration delay{};                       // behind better addresses, as the ranking gave it
  Duration started_after{};               // since the dial began
  Duration queued{};                      // of that, waiting for a place in the budget of all dials
  Duration total{};
  transport::StageTimes stages;
  std::optional<Error> error;  // why it failed or was left out
};

struct DialReport {
  PeerId peer;
  DialOrigin origin = DialOrigin::Background;
  bool reused_connection = false;  // there was one already, or the peer's own came first
  bool joined_dial = false;        // another dial to the peer was under way; the attempts are its
  Duration total{};
  std::vector<DialAttempt> attempts;  // in the order in which they were given or found
  std::size_t unlisted = 0;           // TooMany, beyond those in `attempts`
  std::optional<Error> error;         // none if connected

  /// A table for people, addresses in the order in which they were tried, then those left out.
  std::string to_string() const;
};

std::string_view to_string(SkipReason reason);
std::string_view to_string(DialAttempt::Outcome outcome);

}  // namespace starling::swarm
