// The Starling side of the comparison: one scriptable node, with the flags and events of the other peers
// (tests/interop/README.md, "A peer"), as far as the benchmark needs them. Threading: one reactor, or as many as
// `runtime.reactors` says.
#pragma once

#include <boost/json.hpp>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "starling/io/real.hpp"
#include "starling/runtime/node.hpp"

namespace starling::bench {

struct Flags {
  std::string mode, peer, host = "127.0.0.1";
  std::vector<std::string> listen, set;  // more addresses; KEY=VALUE
  std::string transport = "tcp", security = "noise", muxer = "yamux";
  std::uint64_t count = 0, upload = 0, download = 0;  // of requests, pings, connections; bytes
  std::size_t open = 0, streams = 1, port = 0;        // requests at once; streams that share the bytes
  std::vector<std::size_t> connections = {1};
  double limit = 0, timeout = 30, duration = 60;  // seconds; limit 0: none
  bool load = false, keep = false, quiet = false;
};

/// One line of JSON on stdout.
void emit(const char* event, boost::json::object fields);

/// What a client dials.
struct Target {
  PeerId peer;
  Multiaddr address;
};

/// Where nodes live: the world, and the lanes that `runtime.reactors` asks for.
struct Home {
  io::World world;
  std::span<const std::unique_ptr<io::Lane>> lanes;
};

/// Makes nodes in one home, all with the options of the command line.
class Nodes {
 public:
  Nodes(Home home, runtime::Options options, Target target)
      : home_(home), options_(std::move(options)), target_(std::move(target)) {}
  /// A new node with a connection to the target.
  io::Task<Result<runtime::Node*>> connected();
  io::Task<void> close();
  io::Reactor& reactor() { return home_.world.reactor; }
  const Target& target() const { return target_; }
  const std::vector<std::unique_ptr<runtime::Node>>& all() const { return all_; }

 private:
  Home home_;
  runtime::Options options_;
  Target target_;
  std::vector<std::unique_ptr<runtime::Node>> all_;
};

/// When a job that has a limit of time or number is over.
class Quota {
 public:
  Quota(io::Reactor& reactor, const Flags& flags, std::uint64_t count);
  /// Takes one more; false when there is none left or time is up.
  bool take() { return taken_ < count_ && reactor_.now() < end_ && ++taken_ > 0; }
  std::uint64_t taken() const { return taken_; }

 private:
  io::Reactor& reactor_;
  std::uint64_t count_, taken_ = 0;
  TimePoint end_;
};

/// Percentiles and rate of what was measured.
boost::json::object summary(std::vector<Duration> times, Duration took);

// The jobs of clients.
io::Task<Status> run_ping(Nodes& nodes, const Flags& flags);
io::Task<Status> run_connect(Nodes& nodes, const Flags& flags);
io::Task<Status> run_perf(Nodes& nodes, const Flags& flags);
io::Task<Status> run_requests(Nodes& nodes, const Flags& flags);
io::Task<Status> run_idle(Nodes& nodes, const Flags& flags);

}  // namespace starling::bench
