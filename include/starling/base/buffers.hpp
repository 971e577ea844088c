// What buffers hold, for diagnostics.
#pragma once

#include <cstddef>

namespace starling {

/// Bytes of blocks that this thread's ByteQueues hold now, full or not; what the pool keeps for the next is not
/// counted.
std::size_t buffer_bytes();

}  // namespace starling
