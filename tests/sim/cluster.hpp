// Many nodes in one simulated world: each dials some others, pings whom it is connected with, and may crash and come
// back. Checks what must hold whatever happens, and counts. Threading: one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "support/sim_node.hpp"

namespace starling::testing {

struct ClusterOptions {
  std::uint64_t seed = 1;
  std::size_t hosts = 50;
  std::size_t dials_per_host = 8;
  std::size_t ping_rounds = 2;  // over all connected peers
  std::size_t pings_per_round = 2;
  Duration max_access_latency = std::chrono::milliseconds(20);  // of each host, by seed
  bool identify = true;
};

/// What happened, over all lives of all nodes.
struct ClusterCounts {
  std::uint64_t dials = 0, dials_failed = 0, pings = 0, pings_lost = 0, opened = 0, closed = 0, crashes = 0,
                identified = 0, local_closes = 0, remote_closes = 0, failures = 0;
};

class Cluster {
 public:
  explicit Cluster(ClusterOptions options);

  io::SimWorld& world() { return world_; }
  std::size_t size() const { return nodes_.size(); }
  SimNode& node(std::size_t number) { return *nodes_[number]; }

  /// Starts every node and its life: dial, then ping.
  void start();
  /// Lets a life run again from the start on every node that is up.
  void live_again();
  /// Waits until every life has run to its end.
  io::Task<void> settle();
  /// Takes a node down for `down_for` and brings it back, with its life; on its own task.
  void crash(std::size_t number, io::SimCrash how, Duration down_for);
  /// Ends all nodes and waits for it.
  io::Task<void> stop();

  /// While false, a ping may get lost and a dial may fail: links are cut. A change counts for what is under way.
  void expect_service(bool expected) { expected_ = expected, ++epoch_; }
  const ClusterCounts& counts() const { return counts_; }
  /// What should not have happened; the first twenty.
  const std::vector<std::string>& complaints() const { return complaints_; }
  /// Descriptors and timers still open; call it when the world has run dry.
  std::size_t still_open();

 private:
  void begin_life(std::size_t number);
  void watch(SimNode& node);
  io::Task<void> life(std::size_t number);
  io::Task<void> dial(SimNode& self, SimNode& target);
  io::Task<void> ping_all(SimNode& self);
  io::Task<void> ping(SimNode& self, SimNode& target);
  io::Task<Status> exchange_pings(SimNode& self, SimNode& target);
  io::Task<void> go_down_and_up(std::size_t number, Duration down_for);
  io::Task<void> stop_node(SimNode& node);
  void complain(std::string what);

  ClusterOptions options_;
  io::SimWorld world_;
  std::vector<std::unique_ptr<SimNode>> nodes_;
  std::vector<std::vector<std::size_t>> targets_;
  std::unordered_map<PeerId, std::size_t> numbers_;
  std::vector<host::EventBus::Subscription> subscriptions_;
  io::TaskGroup tasks_;
  std::size_t living_ = 0, down_ = 0;
  std::set<std::size_t> going_down_;  // from crash() to the next start, though the node still ends
  io::WaitQueue changed_;
  bool expected_ = true;
  std::uint64_t epoch_ = 0;
  ClusterCounts counts_;
  std::vector<std::string> complaints_;
};

/// Evenly spread in [low, high).
Duration between(Random& random, Duration low, Duration high);

}  // namespace starling::testing
