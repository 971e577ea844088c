#include "io/sim/trace.hpp"

#include <cstdio>
#include <iterator>

namespace starling::io::sim {

void Trace::write(TimePoint at, const TraceEvent& event) const {
  constexpr const char* kNames[] = {"syn",     "syn-lost", "refused", "connected", "accepted",
                                    "data",    "fin",      "reset",   "datagram",  "datagram-lost",
                                    "resolve", "crash",    "restart", "partition", "heal"};
  static_assert(std::size(kNames) == std::size_t(TraceKind::Heal) + 1);
  char line[128];
  const int length = std::snprintf(line, sizeof line, "%.9f %s %u:%u > %u:%u %llu",
                                   std::chrono::duration<double>(at.time_since_epoch()).count(),
                                   kNames[std::size_t(event.kind)], event.from, unsigned(event.from_port), event.to,
                                   unsigned(event.to_port), static_cast<unsigned long long>(event.size));
  sink_({line, std::size_t(length)});
}

}  // namespace starling::io::sim
