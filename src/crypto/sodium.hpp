// libsodium chooses its implementations for this processor once per process. Private to the layer.
#pragma once

#include <sodium.h>

#include "starling/base/assert.hpp"

namespace starling::crypto {

/// Call before the first use of anything that has several implementations. Thread-safe; cheap after the first time.
inline void ensure_sodium() {
  static const bool ready = sodium_init() >= 0;
  STARLING_ASSERT(ready, "libsodium found no random source");
}

}  // namespace starling::crypto
