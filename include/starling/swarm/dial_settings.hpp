// The settings of dialing, and what it found out about the network. Values; the defaults are in runtime::Options.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "starling/base/clock.hpp"

namespace starling::swarm {

/// How long the addresses of a peer wait for better ones.
struct DialDelays {
  Duration step;        // from one public address to the next
  Duration rest;        // public, neither QUIC nor TCP: so long after the last of those
  Duration local_step;  // the same two for this machine and the networks it is in
  Duration local_rest;
  Duration relay;         // relayed, when the peer has public addresses too
  Duration answer_pause;  // after a public host answered a TCP dial no other address starts for so long
};

/// Pause after the n-th failure of an address in a row: base + step × (n - 1)², at most max.
struct BackoffOptions {
  Duration base, step, max;
  std::size_t entries;  // addresses remembered, over all peers
};

/// Blocked if fewer than `min_successes` of the last `window` dials got through; every `window`-th goes out as a probe.
struct BlackHoleOptions {
  std::size_t window;
  std::size_t min_successes;
};
enum class BlackHoleState : std::uint8_t { Probing, Allowed, Blocked };
struct BlackHoleStatus {
  BlackHoleState state = BlackHoleState::Probing;
  std::size_t successes = 0, results = 0;  // of the last dials
  std::uint64_t until_probe = 0;           // dials until the next probe, while blocked
};
constexpr std::string_view to_string(BlackHoleState state) {
  constexpr std::string_view kNames[] = {"probing", "allowed", "blocked"};
  return kNames[std::size_t(state)];
}

/// Over all peers. A dial here is that of one address.
struct DialLimits {
  std::size_t max_dials;      // at once, of those that need a descriptor of their own
  std::size_t max_half_open;  // at once, without an answer of the remote host yet
  std::size_t per_second;     // started, on average
  std::size_t burst;          // started at once after a quiet time
};

}  // namespace starling::swarm
