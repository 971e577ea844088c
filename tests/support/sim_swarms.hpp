// Swarms on simulated machines, each with the TCP transport and a listener, for the tests of the swarm.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "starling/io/sim_network.hpp"
#include "support/swarm_options.hpp"
#include "support/transport_ends.hpp"

namespace starling::testing {

inline names::ResolverOptions resolver_options() {
  return {.lookup_timeout = 5s,
          .max_depth = 4,
          .max_lookups = 8,
          .max_addresses = 10,
          .max_txt_records = 4,
          .max_answer_bytes = 4096,
          .max_pending = 8,
          .cache_entries = 8,
          .min_ttl = 1s,
          .max_ttl = 60s,
          .negative_ttl = 5s,
          .resolution_delay = 50ms};
}

/// A swarm that listens on its machine, and what it told.
struct Member final : private swarm::SwarmEvents {
  Member(io::SimHost& machine_in, std::uint64_t number, const swarm::SwarmOptions& options)
      : machine(machine_in), end(machine.world(), number), swarm(machine.world(), end.id, options, *this) {
    swarm.use_resolver(
        std::make_unique<names::Resolver>(machine.world().reactor, resolver_options(),
                                          machine.world().network.make_name_client(io::NameClientOptions{})));
    swarm.add_transport(transport::make_tcp_transport(*end.upgrader));
    EXPECT_TRUE(swarm.listen(address()));
  }
  Multiaddr address() const { return transport::tcp_multiaddr(machine.at(4001)); }
  void on_connected(swarm::Link&) override { ++connected; }
  void on_disconnected(swarm::Link&, const transport::CloseReason& reason) override { ended.push_back(reason); }
  void on_inbound_stream(swarm::Link&, std::unique_ptr<transport::RawStream>) override {}
  void on_listening(const Multiaddr&) override {}

  io::SimHost& machine;
  End end;
  swarm::Swarm swarm;
  int connected = 0;
  std::vector<transport::CloseReason> ended;
};

class SimSwarms : public ::testing::Test {
 protected:
  void TearDown() override {
    for (auto& member : members_) run(member->swarm.close());
    for (auto& member : members_) EXPECT_EQ(member->machine.open_descriptors(), 0u);
    members_.clear();
  }
  Member& add(const swarm::SwarmOptions& options = swarm_options(), io::SimHostOptions machine = {}) {
    members_.push_back(std::make_unique<Member>(world_.add_host(std::move(machine)), members_.size() + 1, options));
    return *members_.back();
  }
  Result<swarm::Link*> dial(Member& from, Member& to, std::vector<Multiaddr> addresses,
                            swarm::DialReport* report = nullptr) {
    return run(from.swarm.dial(to.end.id, std::move(addresses), report));
  }
  Result<swarm::Link*> dial(Member& from, Member& to, swarm::DialReport* report = nullptr) {
    return dial(from, to, {to.address()}, report);
  }
  /// By the node itself, with addresses that another peer told.
  Result<swarm::Link*> dial_in_background(Member& from, Member& to, std::vector<Multiaddr> addresses,
                                          swarm::DialReport* report = nullptr,
                                          AddressSource source = AddressSource::Dht) {
    return run(from.swarm.dial(to.end.id, swarm::from_source(source, std::move(addresses)),
                               {swarm::DialOrigin::Background}, report));
  }
  /// An address where nobody answers, and one where nobody listens.
  Multiaddr black_hole(std::uint16_t port = 1) {
    io::SimHost& host = world_.add_host();
    host.crash(io::SimCrash::Silent);
    return transport::tcp_multiaddr(host.at(port));
  }
  Multiaddr refusing(std::uint16_t port = 1) { return transport::tcp_multiaddr(world_.add_host().at(port)); }
  template <typename T>
  T run(io::Task<T> task) {
    return io::run_task(world_.reactor(), std::move(task));
  }
  void run(io::Task<void> task) { io::run_task(world_.reactor(), std::move(task)); }

  io::SimWorld world_;
  std::vector<std::unique_ptr<Member>> members_;
};

}  // namespace starling::testing
