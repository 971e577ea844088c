// Which addresses of a peer are left out of a dial, and why. Pure but for the gater that is asked.
// A dial that a user wants is not held back by what the node only guesses: back-off and black holes. An address that a
// user gave, or the local network, may be private: who wants a peer does not vouch for what strangers told of it.
// Rules, own addresses and missing transports hold for everyone.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "starling/swarm/dial_report.hpp"
#include "starling/swarm/gater.hpp"
#include "swarm/backoff_table.hpp"
#include "swarm/black_hole_detector.hpp"
#include "swarm/local_networks.hpp"

namespace starling::swarm {

struct Skip {
  SkipReason reason;
  Error error;
  Duration retry_after{};
};

/// What is known when a dial is planned. Borrowed for the call.
struct DialRules {
  const LocalNetworks& networks;
  const BackoffTable& backoff;
  Gater* gater;  // may be null
  std::span<const Multiaddr> listening;
  std::function<bool(const Multiaddr&)> has_transport;
};

/// One address by itself; nothing if it may be dialed.
std::optional<Skip> judge(const DialRules& rules, const PeerId& peer, const Multiaddr& address, AddressSource source,
                          DialOrigin origin, TimePoint now);

/// For each of `addresses`, of which all may be dialed: whether it is left out because of the others.
std::vector<bool> have_better(std::span<const AddressTraits> addresses);

/// True for what a dial that a user wants, or an address that a user gave, may take back in.
constexpr bool bypassed_by_user(SkipReason reason) {
  return reason == SkipReason::BackedOff || reason == SkipReason::BlackHoled || reason == SkipReason::OutOfScope;
}

/// Whether a failure says something of the address, rather than of this node.
bool counts_for_backoff(const Error& error);

}  // namespace starling::swarm
