// One dial under way: its attempts, and those who wait for it.
#pragma once

#include <memory>

#include "starling/swarm/swarm.hpp"

namespace starling::swarm {

struct Swarm::PendingDial {
  explicit PendingDial(PeerId peer) { report.peer = std::move(peer); }
  DialReport report;
  ConnectionId connection = 0;  // 0 while or unless connected
  bool done = false;
  std::size_t waiting = 0;  // callers; the last one to leave removes the dial
  io::WaitQueue changed;    // done, or an attempt ended
};

}  // namespace starling::swarm
