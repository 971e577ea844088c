// The numbers of the process itself, under the names that Prometheus' own clients give them. Linux.
#pragma once

#include "starling/diagnostics/metrics.hpp"

namespace starling::diagnostics {

/// Reads /proc; what cannot be read is stated without a value.
void process_metrics(Metrics& out);

}  // namespace starling::diagnostics
