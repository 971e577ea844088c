// The error codes this layer itself sends when it refuses a stream, as go-libp2p numbers them (core/network/mux.go).
#pragma once

#include "starling/muxer/muxer.hpp"

namespace starling::muxer {

inline constexpr ResetCode kStreamResourceLimit = 0x1002;
inline constexpr ResetCode kStreamShutdown = 0x1007;

}  // namespace starling::muxer
