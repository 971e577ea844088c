// What a node shows of each layer: pages for /debug/p2p/<name> and metrics. A layer keeps plain counters; they get
// their names here, one function a layer.
#pragma once

#include "starling/runtime/node.hpp"

namespace starling::runtime {

/// Adds every layer's page and collector to the node's registry.
void add_diagnostics(Node& node);

}  // namespace starling::runtime
