// The swarm options of tests: small limits, times that are easy to count with.
#pragma once

#include "starling/swarm/swarm.hpp"

namespace starling::testing {

using std::literals::chrono_literals::operator""s;
using std::literals::chrono_literals::operator""ms;
using std::literals::chrono_literals::operator""min;

inline swarm::SwarmOptions swarm_options() {
  return {
      .dial_timeout = 20s,
      .dial_address_timeout = 15s,
      .dial_local_timeout = 5s,
      .max_dials_per_peer = 8,
      .max_addresses_per_dial = 10,
      .max_pending_dials = 32,
      .dial_delays =
          {.step = 250ms, .rest = 1s, .local_step = 30ms, .local_rest = 100ms, .relay = 500ms, .answer_pause = 500ms},
      .dial_limits = {.max_dials = 16, .max_half_open = 16, .per_second = 1000, .burst = 1000},
      .backoff = {.base = 5s, .step = 1s, .max = 5min, .entries = 64},
      .black_hole = {.window = 100, .min_successes = 5},
      .interface_cache = 1min,
      .reachable_networks = {},
      .lost_address_timeout = 10s,
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
