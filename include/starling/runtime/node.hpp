// Node: one wired libp2p node. Everything is put together in runtime/wiring.cpp, by hand, and nowhere else.
// Resource; end it with close(). Threading: the world's reactor.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "starling/diagnostics/registry.hpp"
#include "starling/host/address_keeper.hpp"
#include "starling/host/host.hpp"
#include "starling/protocols/perf/perf.hpp"
#include "starling/protocols/ping/ping.hpp"
#include "starling/runtime/options.hpp"
#include "starling/swarm/door.hpp"
#include "starling/transport/quic.hpp"
#include "starling/transport/spread.hpp"
#include "starling/transport/transport.hpp"

namespace starling::runtime {

/// How many lanes beside the home reactor `options` ask for on this machine.
std::size_t lanes_wanted(const Options& options);

class Node {
 public:
  /// `wall_clock_ns` (nanoseconds since 1970) dates signed peer records; it comes from outside like all time.
  /// Errors: the first mistake in `options` with all of them in its text, or key material that cannot be used.
  /// With `store`, the address book is read from it now, which may take a moment, and written to it behind the node's
  /// work. With `lanes`, which outlive the node, TCP and WebSocket connections are spread over them and the world's
  /// reactor.
  static Result<std::unique_ptr<Node>> create(io::World world, crypto::PrivateKey key, Options options,
                                              std::uint64_t wall_clock_ns,
                                              std::unique_ptr<AddressStore> store = nullptr,
                                              std::span<const std::unique_ptr<io::Lane>> lanes = {});
  ~Node();

  const PeerId& id() const { return host_->id(); }
  host::Host& host() { return *host_; }
  const Options& options() const { return options_; }
  const transport::InboundCounters& inbound() const { return upgrader_->counters; }
  const transport::HandshakeTimes& handshakes() const { return upgrader_->handshakes; }
  /// Null without the transport "quic-v1".
  const transport::QuicCounters* quic() const { return quic_ != nullptr ? &quic_->counters() : nullptr; }
  /// Null without lanes.
  const transport::Spread* spread() const { return spread_.get(); }
  /// Pages and metrics of this node; src/runtime/diagnostics.cpp adds those of each layer.
  diagnostics::Registry& diagnostics() { return diagnostics_; }
  resource::Manager& resources() { return *resources_; }
  /// The rules about who may connect; after a change, swarm().apply_gater() closes whom they forbid now.
  swarm::RuleGater& gater() { return gater_; }
  ping::PingOptions ping_options() const { return {options_.ping.timeout}; }
  perf::PerfOptions perf_options() const;

  /// Ends handlers and connections and waits for all of it.
  io::Task<void> close();
  /// What carries the address book to its store; null without one.
  const host::AddressKeeper* address_keeper() const { return keeper_.get(); }

 private:
  explicit Node(Options options);
  Status add_transport(const std::string& name, io::World world);
  Status add_quic(io::World world);
  Status keep_addresses(io::World world, std::unique_ptr<AddressStore> store, std::uint64_t wall_clock_ns);

  Options options_;
  swarm::RuleGater gater_;
  std::unique_ptr<resource::Manager> resources_;
  std::unique_ptr<swarm::Door> door_;
  std::unique_ptr<transport::Spread> spread_;
  std::unique_ptr<transport::Upgrader> upgrader_;
  std::unique_ptr<host::Host> host_;
  const transport::QuicTransport* quic_ = nullptr;  // of the host's swarm
  diagnostics::Registry diagnostics_;
  std::unique_ptr<host::AddressKeeper> keeper_;  // of the host's book: goes first
};

}  // namespace starling::runtime
