// The TCP ports of one simulated host: who listens, which connections stand, which are being made.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "starling/io/network.hpp"

namespace starling::io::sim {

class SimListener;
class TcpConnection;

struct FourTuple {
  Endpoint local, remote;
  FourTuple reversed() const { return {remote, local}; }
  friend auto operator<=>(const FourTuple&, const FourTuple&) = default;
};

/// One side of a connection.
struct ConnectionEnd {
  TcpConnection* connection = nullptr;
  int side = 0;
};

/// A connect under way. `opened` is set when both sides dialled each other at the same time and one made the
/// connection for both.
struct Connecting {
  FourTuple tuple;
  ConnectionEnd opened;
};

class TcpTable {
 public:
  void add_listener(SimListener& listener);
  void remove_listener(SimListener& listener);
  /// Who takes connections to `at`, exactly or on the unspecified address; or null.
  SimListener* listener_at(const Endpoint& at) const;
  /// Whether a listener stands in the way of another one at `at`.
  bool listening_conflict(const Endpoint& at) const;

  void add_connection(const FourTuple& tuple, ConnectionEnd end);
  /// No effect if the tuple belongs to another connection by now.
  void remove_connection(const FourTuple& tuple, const TcpConnection& connection);
  void add_connecting(Connecting& connecting);
  void remove_connecting(Connecting& connecting);
  Connecting* connecting(const FourTuple& tuple) const;
  bool established(const FourTuple& tuple) const { return connections_.contains(tuple); }
  bool used(const FourTuple& tuple) const { return established(tuple) || connecting_.contains(tuple); }

  /// A port that nothing uses; counts up from a start that differs by host. Nothing when all are taken.
  std::optional<std::uint16_t> free_port();
  void set_first_port(std::uint16_t port) { next_port_ = port; }

  /// All at once, for a crash, in the order of their endpoints.
  std::vector<SimListener*> take_listeners();
  std::vector<ConnectionEnd> connections() const;

 private:
  void use_port(std::uint16_t port) { ++port_users_[port]; }
  void leave_port(std::uint16_t port);

  std::map<Endpoint, SimListener*> listeners_;
  std::map<FourTuple, ConnectionEnd> connections_;
  std::map<FourTuple, Connecting*> connecting_;
  std::unordered_map<std::uint16_t, std::size_t> port_users_;  // not iterated
  std::uint16_t next_port_ = 0;
};

/// The unspecified address of the same family, with the same port.
Endpoint any_address(const Endpoint& at);

}  // namespace starling::io::sim
