// The limits of a node as it shows them: pages "limits" and "standing", and metrics.
#pragma once

#include <boost/json/value.hpp>

#include "starling/runtime/node.hpp"

namespace starling::runtime {

/// Budget, fixed scopes and the fullest of the others, refusals by reason, networks, connection manager, rules.
boost::json::value limits_page(Node& node);
/// Peers with their connections, streams, memory, value, tags, protections and leases; those of most value first.
boost::json::value standing_page(Node& node);
void limits_metrics(Node& node, diagnostics::Metrics& out);

}  // namespace starling::runtime
