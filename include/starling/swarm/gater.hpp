// Who may be connected to: rules that the swarm asks before it dials and once it knows who connected.
// Threading: asked on the reactor's thread, in the middle of a dial: answer at once, and do not call the swarm.
#pragma once

#include "starling/base/error.hpp"
#include "starling/multiformats/multiaddr.hpp"
#include "starling/peer/peer_id.hpp"

namespace starling::swarm {

class Gater {
 public:
  virtual ~Gater() = default;
  /// Asked once a dial, before its addresses are looked at. Error: Gated, with the rule and how to change it.
  virtual Status may_dial(const PeerId& peer) = 0;
  /// Asked for each address after names were resolved; `address` is without /p2p. Error: as above.
  virtual Status may_dial(const PeerId& peer, const Multiaddr& address) = 0;
  /// Asked when security told who is at the other end of a connection, inbound or outbound. Error: as above.
  virtual Status may_connect(const PeerId&, const Multiaddr&) { return {}; }
};

}  // namespace starling::swarm
