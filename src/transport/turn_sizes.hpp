// How much a connection over a byte stream moves at once, at home (muxed_connection.cpp) and on a lane (crossing.cpp).
#pragma once

#include <cstddef>

namespace starling::transport {

// What a turn moves stands before a ping that comes in its middle, and has to fit into the processor's cache twice.
inline constexpr std::size_t kReadChunk = 128u << 10;   // room for a read: some records in one system call
inline constexpr std::size_t kMinReadRoom = 64u << 10;  // behind a partial record
inline constexpr std::size_t kReadPerTurn = 128u
                                            << 10;  // bytes; then answers leave, and other connections get their turn
inline constexpr std::size_t kWireTarget = 128u << 10;  // sealed bytes per write call
inline constexpr int kStreamReadsPerTurn = 4;           // where what is read is thrown away
// A short message does not wait for room in an output that bulk has filled.
inline constexpr std::size_t kShortMessage = 1u << 10;
inline constexpr std::size_t kShortMessagesRoom = 16u << 10;

}  // namespace starling::transport
