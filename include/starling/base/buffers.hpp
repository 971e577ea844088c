// What buffers hold, for diagnostics.
#pragma once

#include <cstddef>

namespace starling {

/// Bytes of blocks that the ByteQueues of all threads hold now, full or not; what the pools keep for the next is not
/// counted. From any thread.
std::size_t buffer_bytes();

}  // namespace starling
