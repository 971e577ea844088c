// The stream transports' part of the wiring: what TCP, WebSocket and what runs over them get of the options.
#pragma once

#include "starling/resource/manager.hpp"
#include "starling/runtime/options.hpp"
#include "starling/transport/transport.hpp"

namespace starling::runtime {

/// Of options that were validated.
transport::UpgraderOptions upgrader_options(const Options& options, const resource::LimitTable& limits);

}  // namespace starling::runtime
