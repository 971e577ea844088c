// The swarm options of tests: small limits, times that are easy to count with.
#pragma once

#include "starling/swarm/swarm.hpp"

namespace starling::testing {

using std::literals::chrono_literals::operator""s;
using std::literals::chrono_literals::operator""ms;

inline swarm::SwarmOptions swarm_options() {
  return {.dial_timeout = 20s,
          .dial_stagger = 250ms,
          .max_dials_per_peer = 8,
          .max_dials = 16,
          .max_addresses_per_dial = 10,
          .connections = {.low_water = 12,
                          .high_water = 14,
                          .max_connections = 16,
                          .max_inbound = 12,
                          .grace_period = 60s,
                          .silence_period = 10s,
                          .max_known_peers = 16,
                          .max_tags_per_peer = 8}};
}

}  // namespace starling::testing
