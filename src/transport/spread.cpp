#include "starling/transport/spread.hpp"

#include <algorithm>

#include "transport/carried.hpp"
#include "transport/channel_socket.hpp"
#include "transport/replay_socket.hpp"

namespace starling::transport {
namespace {

// A connection on a lane costs home (muxer, protocols, bytes from another core's cache) a third of what one at home
// costs, give or take what it carries: bench/spread_bench.cpp.
constexpr std::size_t kHomeShare = 3;

struct Nothing final : io::LaneWork {
  io::Task<void> work() override { co_return; }
};

}  // namespace

bool move_to(io::Lane& lane, std::unique_ptr<io::StreamSocket>& socket) {
  if (auto* replay = dynamic_cast<ReplaySocket*>(socket.get())) return move_to(lane, replay->inner());
  if (auto* channel = dynamic_cast<ChannelSocket*>(socket.get())) {
    if (!move_to(lane, channel->inner())) return false;
    channel->move_to(lane.world().reactor);
    return true;
  }
  auto moved = lane.adopt(socket);
  if (!moved) return false;
  socket = std::move(moved);
  return true;
}

Spread::Spread(io::Reactor& home, std::span<const std::unique_ptr<io::Lane>> lanes, std::size_t window)
    : window_(window), tasks_(home) {
  places_.push_back({nullptr});
  for (const auto& lane : lanes) places_.push_back({lane.get()});
}

// The least busy one, a lane before home.
Spread::Place& Spread::choose() {
  std::size_t carried = 0;
  for (const Place& each : places_)
    if (each.lane != nullptr) carried += each.taken;
  Place* best = &places_.front();
  std::size_t least = best->taken * kHomeShare + carried;
  for (Place& each : places_) {
    if (each.lane == nullptr || each.taken * kHomeShare > least) continue;
    if (best->lane != nullptr && each.taken * kHomeShare == least) continue;
    best = &each;
    least = each.taken * kHomeShare;
  }
  return *best;
}

std::vector<std::size_t> Spread::connections() const {
  std::vector<std::size_t> counts;
  for (const Place& each : places_) counts.push_back(each.taken);
  return counts;
}

std::vector<Duration> Spread::cpu_times() const {
  std::vector<Duration> times;
  for (const Place& each : places_)
    if (each.lane != nullptr) times.push_back(each.lane->cpu_time());
  return times;
}

// Both ends of a crossing are here until neither they nor anything on its way between them is used any more. The lane's
// last word comes behind all its parcels; home's last one is "close", and where the lane ended without it, the answer
// to nothing comes behind it.
io::Task<void> Spread::hold(std::unique_ptr<Carried> carried) {
  Crossing& crossing = carried->crossing;
  co_await crossing.lane.run(carried->carrier);
  while (crossing.home != nullptr) (void)co_await crossing.home_gone.wait();
  if (crossing.heard_close) co_return;
  Nothing nothing;
  co_await crossing.lane.run(nothing);
}

}  // namespace starling::transport
