// When a receive window doubles: one rule for yamux and QUIC. Half of it went in less than two round trips, so it holds
// the remote back, or nearly so. It comes to rest at four to eight times what the way holds: room for loss and late
// readers, and not so much that pings queue behind it (go-yamux's four round trips make that eight to sixteen;
// rust-yamux has two).
#pragma once

#include "starling/base/clock.hpp"

namespace starling::muxer {

/// `half_took`: since the last time half was consumed. `round_trip`: the smallest of late, since beside bulk data any
/// other contains the queue that a large window makes; zero, not known, means no.
inline bool window_should_grow(Duration half_took, Duration round_trip) { return half_took / 2 < round_trip; }

}  // namespace starling::muxer
