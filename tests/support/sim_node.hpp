// For the programs in tests/sim and tests/hostile: a whole node on a simulated host that can go down and come back
// with the same key and port. Resource: stop() it before it dies. Threading: the world's.
#pragma once

#include <memory>
#include <utility>

#include "starling/io/sim_network.hpp"
#include "starling/protocols/ping/ping.hpp"
#include "starling/runtime/node.hpp"

namespace starling::testing {

inline constexpr std::uint16_t kNodePort = 4001;

/// Noise and yamux only, which draw everything from the world's randomness: the same seed gives the same run.
inline runtime::Options deterministic_options() {
  runtime::Options options;
  options.transport.transports = {"tcp"};
  options.transport.securities = {"noise"};
  options.transport.muxers = {"yamux"};
  options.resource.memory = 256u << 20;  // the same limits on every machine
  options.resource.descriptors = 32768;
  return options;
}

inline crypto::PrivateKey test_key(Random& random) {
  return *crypto::PrivateKey::generate(crypto::KeyType::Ed25519, random);
}

class SimNode {
 public:
  SimNode(io::SimHost& host, runtime::Options options)
      : host_(host),
        options_(std::move(options)),
        key_(test_key(host.world().random)),
        id_(PeerId::from_public_key(key_.public_key())) {}

  /// Makes the node and listens. A life begins.
  void start() {
    node_ = std::move(*runtime::Node::create(host_.world(), key_, options_, ++life_));
    tasks_ = std::make_unique<io::TaskGroup>(host_.world().reactor);
    up_since_ = host_.world().reactor.now();
    up_ = true;
    STARLING_ASSERT(node_->host().listen(listen_address()).has_value(), "a simulated node can listen");
  }
  /// The life is over at once; then tasks and node end and are waited for.
  io::Task<void> stop() {
    up_ = false;
    co_await tasks_->close();
    co_await node_->close();
    last_ = {node_->host().swarm().counters(), node_->host().counters(), node_->inbound(),
             node_->host().swarm().connection_count() + node_->host().open_streams()};
    tasks_.reset();
    node_.reset();
  }

  /// What the life that ended last left behind.
  struct Last {
    swarm::SwarmCounters swarm;
    host::HostCounters host;
    transport::InboundCounters inbound;
    std::size_t still_open = 0;
  };
  const Last& last() const { return last_; }

  bool up() const { return up_; }
  /// Counts starts: equal before and after means that nothing went down in between.
  std::uint64_t life() const { return life_; }
  TimePoint up_since() const { return up_since_; }
  runtime::Node& node() { return *node_; }
  host::Host& host() { return node_->host(); }
  io::SimHost& machine() { return host_; }
  /// Tasks that use the node; they end with it.
  io::TaskGroup& tasks() { return *tasks_; }
  const PeerId& id() const { return id_; }
  Multiaddr listen_address() const { return transport::tcp_multiaddr(host_.at(kNodePort)); }

 private:
  io::SimHost& host_;
  runtime::Options options_;
  crypto::PrivateKey key_;
  PeerId id_;
  std::unique_ptr<runtime::Node> node_;
  std::unique_ptr<io::TaskGroup> tasks_;
  std::uint64_t life_ = 0;
  TimePoint up_since_{};
  bool up_ = false;
  Last last_;
};

}  // namespace starling::testing
