// UDP of the operating system.
#pragma once

#include <memory>

#include "io/real/reactor.hpp"

namespace starling::io {

/// A socket bound to `at`. `reactor` must outlive it.
Result<std::unique_ptr<DatagramSocket>> bind_real_datagram(AsioReactor& reactor, const Endpoint& at,
                                                           const DatagramOptions& options);

}  // namespace starling::io
