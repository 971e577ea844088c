// The door: what stands between a listener and the node's budgets. Asks the gater's rules, then the resource manager.
// Threading: the reactor's thread. Borrows all it asks.
#pragma once

#include "starling/io/reactor.hpp"
#include "starling/resource/manager.hpp"
#include "starling/swarm/rule_gater.hpp"
#include "starling/transport/accept_gate.hpp"

namespace starling::swarm {

class Door final : public transport::AcceptGate {
 public:
  Door(io::Reactor& reactor, resource::Manager& resources, RuleGater& gater)
      : reactor_(reactor), resources_(resources), gater_(gater) {}
  Result<resource::ConnectionScope> admit(const transport::Arrival& arrival) override {
    if (arrival.remote) STARLING_CHECK(gater_.may_arrive(*arrival.remote));
    return resources_.open_connection(resource::Direction::Inbound, arrival.uses_descriptor, arrival.remote,
                                      reactor_.now());
  }

 private:
  io::Reactor& reactor_;
  resource::Manager& resources_;
  RuleGater& gater_;
};

}  // namespace starling::swarm
