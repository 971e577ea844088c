#include "io/sim/path.hpp"

#include "io/sim/host.hpp"
#include "io/sim/world_state.hpp"

namespace starling::io::sim {

void Path::set_link(const SimLink& link) { own_ = link; }

const SimLink& Path::link() const { return own_ ? *own_ : world_.options.link; }

bool Path::blocked() const { return !from_.powered() || !to_.powered() || from_.cut_off(to_); }

Duration Path::latency() const {
  if (loopback()) return world_.options.loopback_latency;
  return link().latency + from_.options().access_latency + to_.options().access_latency;
}

Duration Path::flight() {
  if (loopback()) return latency();
  return latency() + world_.jitter(link().jitter);
}

TimePoint Path::arrival(std::size_t bytes) {
  const TimePoint now = world_.reactor.now();
  if (loopback()) return now + latency();
  pacer_.set_rate(link().bytes_per_second);
  return pacer_.pass(from_.upload().pass(now, bytes), bytes) + flight();
}

}  // namespace starling::io::sim
