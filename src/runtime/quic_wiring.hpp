// QUIC's part of the wiring: options, and the files for debugging.
#pragma once

#include "starling/runtime/options.hpp"
#include "starling/transport/quic.hpp"

namespace starling::runtime {

/// Errors: FileUnwritable for the key log.
Result<transport::QuicOptions> quic_options(const Options& options);

}  // namespace starling::runtime
