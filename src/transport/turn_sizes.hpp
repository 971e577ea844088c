// How much a connection over a byte stream moves at once, at home (muxed_connection.cpp) and on a lane (crossing.cpp).
#pragma once

#include <cstddef>

namespace starling::transport {

inline constexpr std::size_t kReadChunk = 256u << 10;   // room for a read: many records in one system call
inline constexpr std::size_t kMinReadRoom = 64u << 10;  // behind a partial record
inline constexpr std::size_t kWireTarget = 256u << 10;  // sealed bytes per write call
inline constexpr int kStreamReadsPerTurn = 4;           // then other connections get their turn

}  // namespace starling::transport
