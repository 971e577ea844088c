// What dialing keeps: over all dials, and for one dial under way with those who wait for it.
#pragma once

#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "starling/swarm/swarm.hpp"
#include "swarm/backoff_table.hpp"
#include "swarm/black_hole_detector.hpp"
#include "swarm/dial_queue.hpp"
#include "swarm/local_networks.hpp"

namespace starling::swarm {

struct Swarm::Dialing {
  Dialing(io::World world, const SwarmOptions& options)
      : networks(world.network, options.interface_cache, options.reachable_networks),
        backoff(options.backoff),
        black_holes(options.black_hole),
        queue(world.reactor, options.dial_limits) {}

  LocalNetworks networks;
  BackoffTable backoff;
  BlackHoleDetector black_holes;
  DialQueue queue;
};

struct Swarm::PendingDial {
  explicit PendingDial(PeerId peer) { report.peer = std::move(peer); }
  struct Ask {
    std::vector<DialAddress> addresses;
    DialOptions options;
  };
  void ask(std::vector<DialAddress> addresses, DialOptions options) {
    if (options.origin == DialOrigin::User) report.origin = DialOrigin::User;
    asks.push_back({std::move(addresses), options});
    wake.notify_all();
  }
  /// How it stands now.
  DialReport so_far() const {
    DialReport copy = report;
    copy.attempts.assign(attempts.begin(), attempts.end());
    return copy;
  }

  DialReport report;                 // all but the attempts
  std::deque<DialAttempt> attempts;  // stay where they are: transports write into them
  std::vector<Ask> asks;             // not looked at yet
  ConnectionId connection = 0;       // 0 while or unless connected
  bool done = false;
  std::size_t waiting = 0;  // callers; the last one to leave removes the dial
  io::WaitQueue changed;    // done
  io::WaitQueue wake;       // the dialer has something to look at
};

}  // namespace starling::swarm
