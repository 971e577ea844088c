// Hosts on simulated machines, for the tests of the host and of the protocols on it.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "starling/host/host.hpp"
#include "starling/io/sim_network.hpp"
#include "support/swarm_options.hpp"
#include "support/transport_ends.hpp"

namespace starling::testing {

inline host::HostOptions host_options() {
  host::HostOptions options{};
  options.agent_version = "test/1";
  options.protocol_version = "test/0";
  options.negotiate_timeout = 3s;
  options.identify_timeout = 4s;
  options.push_delay = 200ms;
  options.max_negotiating_streams = 8;
  options.identify = true;
  options.record_sequence = 7;
  options.address_book = {.max_addresses = 1000,
                          .max_addresses_bytes = 100'000,
                          .max_addresses_per_peer = 16,
                          .max_addresses_connected = 32,
                          .max_addresses_after_disconnect = 8,
                          .max_address_bytes = 256,
                          .max_records = 100,
                          .max_record_bytes = 100'000,
                          .max_protocols_per_peer = 100,
                          .max_facts_bytes = 100'000,
                          .max_facts_bytes_offline = 4096,
                          .max_failures_shared = 3,
                          .temporary_ttl = 120s,
                          .normal_ttl = 3600s,
                          .recently_connected_ttl = 900s};
  options.observed = {.activation_votes = 4,
                      .max_external_per_listen = 3,
                      .max_votes = 100,
                      .max_votes_per_observer = 4,
                      .observer_bits_v4 = 32,
                      .observer_bits_v6 = 56,
                      .keep = 1800s};
  options.announce.max_addresses = 32;
  options.announce.max_bytes = 2048;
  options.upkeep_interval = 60s;
  options.interface_check_interval = 5s;
  return options;
}

/// Four inbound streams of a protocol at once, four connections of a peer.
inline resource::LimitTable test_limits() {
  resource::LimitTable limits = resource::derive({1u << 30, 1024});
  const auto mistakes = resource::apply_settings({"protocol_peer.inbound_streams=4", "peer.connections=4"}, limits);
  EXPECT_TRUE(mistakes.empty());
  return limits;
}

/// A host that listens on its machine. close() before it dies.
struct TestHost {
  TestHost(io::SimHost& machine_in, std::uint64_t number, const host::HostOptions& options = host_options(),
           const transport::UpgraderOptions& transport_options = upgrader_options())
      : machine(machine_in),
        upgrader(make_upgrader(machine.world(), test_key(number), {}, transport_options)),
        host(machine.world(), test_key(number), options, counted(resources)) {
    host.swarm().add_transport(transport::make_tcp_transport(*upgrader));
    EXPECT_TRUE(host.listen(address()));
  }
  Multiaddr address() const { return transport::tcp_multiaddr(machine.at(4001)); }
  static swarm::SwarmOptions counted(resource::Manager& resources) {
    swarm::SwarmOptions options = swarm_options();
    options.resources = &resources;
    return options;
  }

  io::SimHost& machine;
  resource::Manager resources{test_limits()};
  std::unique_ptr<transport::Upgrader> upgrader;
  host::Host host;
};

/// Two hosts with 10 ms between them.
class TwoHosts : public ::testing::Test {
 protected:
  void SetUp() override { restart(host_options()); }
  void TearDown() override {
    close();
    EXPECT_EQ(machine_a_.open_descriptors() + machine_b_.open_descriptors(), 0u);
    EXPECT_EQ(world_.reactor().armed_timers(), 0u);
  }
  void restart(const host::HostOptions& options, const transport::UpgraderOptions& transport = upgrader_options()) {
    close();
    a_ = std::make_unique<TestHost>(machine_a_, 1, options, transport);
    b_ = std::make_unique<TestHost>(machine_b_, 2, options, transport);
  }
  void close() {
    if (a_) run(a_->host.close());
    if (b_) run(b_->host.close());
    a_.reset();
    b_.reset();
  }
  void connect() {
    const auto connection = run(a().connect(b().id(), {b_->address()}));
    ASSERT_TRUE(connection) << connection.error().message();
  }
  host::Host& a() { return a_->host; }
  host::Host& b() { return b_->host; }
  template <typename T>
  T run(io::Task<T> task) {
    return io::run_task(world_.reactor(), std::move(task));
  }
  void run(io::Task<void> task) { io::run_task(world_.reactor(), std::move(task)); }

  io::SimWorld world_;
  io::SimHost &machine_a_ = world_.add_host(), &machine_b_ = world_.add_host();
  std::unique_ptr<TestHost> a_, b_;
};

}  // namespace starling::testing
