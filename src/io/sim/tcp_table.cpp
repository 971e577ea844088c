#include "io/sim/tcp_table.hpp"

#include <utility>

#include "io/sim/tcp_socket.hpp"

namespace starling::io::sim {
namespace {
// Linux' range of ports for those who name none.
constexpr std::uint16_t kFirstFreePort = 32768, kLastFreePort = 60999;
}  // namespace

Endpoint any_address(const Endpoint& at) { return {at.address.is_v4() ? IpAddress() : IpAddress::v6({}), at.port}; }

void TcpTable::add_listener(SimListener& listener) {
  listeners_[listener.local()] = &listener;
  use_port(listener.local().port);
}

void TcpTable::remove_listener(SimListener& listener) {
  if (listeners_.erase(listener.local()) > 0) leave_port(listener.local().port);
}

SimListener* TcpTable::listener_at(const Endpoint& at) const {
  auto found = listeners_.find(at);
  if (found == listeners_.end()) found = listeners_.find(any_address(at));
  return found == listeners_.end() ? nullptr : found->second;
}

bool TcpTable::listening_conflict(const Endpoint& at) const {
  for (const auto& [endpoint, listener] : listeners_) {
    if (endpoint.port != at.port || endpoint.address.is_v4() != at.address.is_v4()) continue;
    if (endpoint == at || endpoint.address.is_unspecified() || at.address.is_unspecified()) return true;
  }
  return false;
}

void TcpTable::add_connection(const FourTuple& tuple, ConnectionEnd end) {
  if (!connections_.contains(tuple)) use_port(tuple.local.port);
  connections_[tuple] = end;
}

void TcpTable::remove_connection(const FourTuple& tuple, const TcpConnection& connection) {
  const auto found = connections_.find(tuple);
  if (found == connections_.end() || found->second.connection != &connection) return;
  connections_.erase(found);
  leave_port(tuple.local.port);
}

void TcpTable::add_connecting(Connecting& connecting) {
  connecting_[connecting.tuple] = &connecting;
  use_port(connecting.tuple.local.port);
}

void TcpTable::remove_connecting(Connecting& connecting) {
  if (connecting_.erase(connecting.tuple) > 0) leave_port(connecting.tuple.local.port);
}

Connecting* TcpTable::connecting(const FourTuple& tuple) const {
  const auto found = connecting_.find(tuple);
  return found == connecting_.end() ? nullptr : found->second;
}

std::optional<std::uint16_t> TcpTable::free_port() {
  constexpr int kPorts = kLastFreePort - kFirstFreePort + 1;
  for (int tries = 0; tries < kPorts; ++tries) {
    if (next_port_ < kFirstFreePort || next_port_ > kLastFreePort) next_port_ = kFirstFreePort;
    const std::uint16_t port = next_port_++;
    if (!port_users_.contains(port)) return port;
  }
  return std::nullopt;
}

void TcpTable::leave_port(std::uint16_t port) {
  const auto found = port_users_.find(port);
  if (--found->second == 0) port_users_.erase(found);
}

std::vector<SimListener*> TcpTable::take_listeners() {
  std::vector<SimListener*> taken;
  for (const auto& [endpoint, listener] : std::exchange(listeners_, {})) {
    taken.push_back(listener);
    leave_port(endpoint.port);
  }
  return taken;
}

std::vector<ConnectionEnd> TcpTable::connections() const {
  std::vector<ConnectionEnd> all;
  for (const auto& [tuple, end] : connections_) all.push_back(end);
  return all;
}

}  // namespace starling::io::sim
