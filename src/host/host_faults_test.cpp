// The host's shells (accepting, identify, push, a handler's stream) with the N-th operation of the network failing, for
// each N, on either side: whatever fails, the two hosts end in time with nothing left behind.
#include <gtest/gtest.h>

#include "starling/host/host.hpp"
#include "starling/io/faulty.hpp"
#include "support/sim_hosts.hpp"

namespace starling::host {
namespace {

using namespace starling::testing;

/// A host whose network fails by plan.
struct FaultyHost {
  FaultyHost(io::SimHost& machine, std::uint64_t number, const io::FaultPlan& plan)
      : network(machine.world().network, plan),
        world{machine.world().reactor, network, machine.world().random},
        upgrader(make_upgrader(world, test_key(number), {})),
        host(world, test_key(number), host_options(), swarm_options()) {
    host.swarm().add_transport(transport::make_tcp_transport(*upgrader));
  }
  io::FaultyNetwork network;
  io::World world;
  std::unique_ptr<transport::Upgrader> upgrader;
  Host host;
};

io::Task<void> say(Stream stream) {
  (void)co_await stream.write(as_bytes("said"));
  (void)co_await stream.close();
}

io::Task<Result<std::string>> ask(Host& from, PeerId to, Multiaddr at) {
  STARLING_CO_CHECK(co_await from.connect(to, {std::move(at)}));
  STARLING_CO_CHECK(co_await from.identified(to));
  STARLING_CO_TRY(Stream stream, co_await from.open_stream(to, {"/say"}));
  STARLING_CO_TRY(const Bytes said, co_await stream.peek());
  co_return std::string(as_text(said));
}

struct Outcome {
  bool injected = false, answered = false;
  std::uint64_t identified = 0, pushed = 0;
};

/// a connects to b; both identify; a asks b; b changes what it serves and pushes; both close.
Outcome connect_identify_push(const io::FaultPlan& plan_a, const io::FaultPlan& plan_b) {
  io::SimWorld world;
  io::SimHost &machine_a = world.add_host(), &machine_b = world.add_host();
  Outcome outcome;
  {
    FaultyHost a(machine_a, 1, plan_a), b(machine_b, 2, plan_b);
    b.host.handle("/say", say);
    (void)b.host.listen(transport::tcp_multiaddr(machine_b.at(4001)));
    std::optional<Result<std::string>> said;
    io::TaskGroup asking(world.reactor());
    asking.spawn(keep(ask(a.host, b.host.id(), transport::tcp_multiaddr(machine_b.at(4001))), said));
    world.run_for(60s);
    EXPECT_TRUE(said) << "hangs";
    outcome.answered = said && *said && **said == "said";
    b.host.handle("/new", say);
    world.run_for(60s);
    outcome.identified = a.host.counters().identify_ok + b.host.counters().identify_ok;
    outcome.pushed = a.host.counters().pushes_received;
    io::run_task(world.reactor(), a.host.close());
    io::run_task(world.reactor(), b.host.close());
    io::run_task(world.reactor(), asking.close());
    outcome.injected = a.network.injected() || b.network.injected();
  }
  EXPECT_EQ(machine_a.open_descriptors() + machine_b.open_descriptors(), 0u);
  EXPECT_EQ(world.reactor().armed_timers(), 0u);
  return outcome;
}

void sweep(const std::function<Outcome(const io::FaultPlan&)>& run) {
  const std::uint64_t operations = io::fail_each_operation([&](std::uint64_t n) {
    const Outcome outcome = run({.fail_at = n});
    if (!outcome.injected) {
      EXPECT_TRUE(outcome.answered);
      EXPECT_EQ(outcome.identified, 2u);
      EXPECT_EQ(outcome.pushed, 1u);
    }
    return outcome.injected;
  });
  EXPECT_GT(operations, 15u);
  EXPECT_LT(operations, 300u);
}

TEST(HostFaults, each_operation_of_the_dialing_host_may_fail) {
  sweep([](const io::FaultPlan& plan) { return connect_identify_push(plan, {}); });
}

TEST(HostFaults, each_operation_of_the_listening_host_may_fail) {
  sweep([](const io::FaultPlan& plan) { return connect_identify_push({}, plan); });
}

TEST(HostFaults, everything_works_a_byte_at_a_time) {
  const io::FaultPlan slow{.max_transfer_bytes = 1};
  const Outcome outcome = connect_identify_push(slow, slow);
  EXPECT_TRUE(outcome.answered);
  EXPECT_EQ(outcome.identified, 2u);
  EXPECT_EQ(outcome.pushed, 1u);
}

}  // namespace
}  // namespace starling::host
