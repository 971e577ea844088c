// What the parts of a simulated world share: clock, randomness, trace, hosts, paths, names, connections.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "io/sim/host.hpp"
#include "io/sim/path.hpp"
#include "io/sim/tcp_connection.hpp"
#include "io/sim/trace.hpp"
#include "starling/io/name_client.hpp"
#include "starling/io/sim_network.hpp"

namespace starling::io::sim {

struct WorldState final : private Runnable {
  explicit WorldState(SimWorldOptions options_in);
  ~WorldState();

  /// The path between two hosts; made when first used, valid as long as the world.
  Path& path(Host& from, Host& to);
  /// The host that `address` leads to from `from`, or null.
  Host* route(Host& from, const IpAddress& address);
  /// Evenly spread over [0, most].
  Duration jitter(Duration most);
  bool chance(double probability);
  void record(const TraceEvent& event) { trace.record(reactor.now(), event); }
  void lost(const TraceEvent& event);

  TcpConnection& add_connection(Host& client, const Endpoint& client_at, Host& server, const Endpoint& server_at);
  /// Destroys a connection that both ends left, when this turn is over.
  void bury(TcpConnection& connection);
  /// Pipes that met a partition or a dead machine try again.
  void resume_stalled();

  SimWorldOptions options;
  SimReactor reactor;
  std::unique_ptr<Random> random, network_random;
  Trace trace;
  SimCounters counters;
  std::vector<std::unique_ptr<Host>> hosts;
  std::map<IpAddress, Host*> addresses;
  std::map<NameQuestion, NameRecords> names;
  bool names_silent = false;
  std::uint64_t partitions = 0;  // bits of those in use
  IntrusiveList<Pipe, StalledTag> stalled;

 private:
  void run() override { buried_.clear(); }

  std::unordered_map<std::uint64_t, std::unique_ptr<Path>> paths_;                 // by both host numbers; not iterated
  std::unordered_map<std::uint64_t, std::unique_ptr<TcpConnection>> connections_;  // by number; not iterated
  std::vector<std::unique_ptr<TcpConnection>> buried_;
  std::uint64_t next_connection_ = 0;
};

}  // namespace starling::io::sim
