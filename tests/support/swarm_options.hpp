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
          .max_connections = 16,
          .max_inbound_connections = 12,
          .max_connections_per_peer = 4};
}

}  // namespace starling::testing
