#include "io/sim/world_state.hpp"

namespace starling::io::sim {

WorldState::WorldState(SimWorldOptions options_in)
    : options(options_in),
      random(seeded_random(options_in.seed)),
      network_random(seeded_random(options_in.seed ^ 0x6e6574776f726b00)) {}

WorldState::~WorldState() {
  for (const auto& host : hosts)
    STARLING_ASSERT(host->open_descriptors() == 0, "a simulated world dies while sockets of its hosts are open");
}

Path& WorldState::path(Host& from, Host& to) {
  auto& path = paths_[std::uint64_t(from.number()) << 32 | to.number()];
  if (!path) path = std::make_unique<Path>(*this, from, to);
  return *path;
}

Host* WorldState::route(Host& from, const IpAddress& address) {
  if (address.is_loopback() || address.is_unspecified()) return &from;
  if (!from.source_for(address)) return nullptr;
  const auto found = addresses.find(address);
  return found == addresses.end() ? nullptr : found->second;
}

Duration WorldState::jitter(Duration most) {
  if (most <= Duration(0)) return Duration(0);
  return Duration(std::int64_t(network_random->below(std::uint64_t(most.count()) + 1)));
}

bool WorldState::chance(double probability) {
  if (probability <= 0) return false;
  constexpr double kUnit = 1.0 / 9007199254740992.0;  // 2^-53
  return double(network_random->next_u64() >> 11) * kUnit < probability;
}

void WorldState::lost(const TraceEvent& event) {
  ++counters.datagrams_lost;
  record(event);
}

TcpConnection& WorldState::add_connection(Host& client, const Endpoint& client_at, Host& server,
                                          const Endpoint& server_at) {
  const std::uint64_t number = next_connection_++;
  auto& slot = connections_[number];
  slot = std::make_unique<TcpConnection>(*this, number, client, client_at, server, server_at);
  return *slot;
}

void WorldState::bury(TcpConnection& connection) {
  auto node = connections_.extract(connection.number());
  STARLING_ASSERT(!node.empty(), "a connection is buried once");
  buried_.push_back(std::move(node.mapped()));
  if (!linked()) reactor.at_turn_end(*this);
}

void WorldState::resume_stalled() {
  IntrusiveList<Pipe, StalledTag> waiting;
  waiting.splice(stalled);
  while (!waiting.empty()) waiting.pop_front().resume();
}

}  // namespace starling::io::sim
