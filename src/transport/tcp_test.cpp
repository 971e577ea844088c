// The TCP transport as a whole: faults at each operation, cancelling at each moment, floods, and what cannot be agreed.
#include <gtest/gtest.h>

#include "starling/io/faulty.hpp"
#include "starling/io/sim_network.hpp"
#include "starling/transport/spread.hpp"
#include "support/transport_ends.hpp"

namespace starling::transport {
namespace {

using namespace starling::testing;

io::Task<void> serve_echo(std::unique_ptr<Connection> connection) {
  Live live(std::move(connection));
  if (const auto stream = co_await live.next_stream()) (void)co_await echo(*stream);
  (void)co_await live.gone();
}

io::Task<void> serve(TransportListener& listener, io::TaskGroup& group) {
  for (;;) {
    auto connection = co_await listener.accept();
    if (!connection) co_return;
    group.spawn(serve_echo(std::move(*connection)));
  }
}

io::Task<Status> ask(Live& live) {
  STARLING_CO_TRY(auto stream, live.connection->open_stream());
  const ByteVector question = pattern(3000);
  STARLING_CO_CHECK(co_await send_and_close(*stream, question));
  STARLING_CO_TRY(const ByteVector answer, co_await receive(*stream));
  if (answer != question) co_return fail(ErrorCode::Internal, Op::Read, Origin::Bug, "the echo differs");
  co_return Status{};
}

io::Task<Status> dial_and_ask(End& from, Multiaddr to, PeerId peer) {
  STARLING_CO_TRY(auto connection, co_await from.transport->dial(std::move(to), {std::move(peer), nullptr}));
  Live live(std::move(connection));
  const Status asked = co_await ask(live);
  co_await live.close();
  co_return asked;
}

struct Faults {
  io::FaultPlan client, server;
  bool spread = false;  // connections are on lanes of the world's reactor
};

/// Places the first connections of an end on lanes. close() it when they are gone.
struct OnLanes {
  OnLanes(End& end, bool really) : spread(end.upgrader->world.reactor, lanes(end.upgrader->world), 64u << 10) {
    if (really) end.upgrader->spread = &spread;
  }
  std::span<const std::unique_ptr<io::Lane>> lanes(const io::World& world) {
    for (int i = 0; i < 2; ++i) made.push_back(std::make_unique<io::Lane>(world.reactor, world));
    return made;
  }
  std::vector<std::unique_ptr<io::Lane>> made;
  Spread spread;
};

struct Scenario {
  Status status;
  bool injected = false;
};

/// Dial, upgrade, one echo, close; with faults on either side.
Scenario dial_upgrade_echo(const Stack& stack, const Faults& faults) {
  io::SimWorld world;
  io::SimHost &client_host = world.add_host(), &server_host = world.add_host();
  io::FaultyNetwork client_network(client_host.world().network, faults.client);
  io::FaultyNetwork server_network(server_host.world().network, faults.server);
  Scenario scenario;
  {
    End client({world.reactor(), client_network, client_host.world().random}, 1, stack);
    End server({world.reactor(), server_network, server_host.world().random}, 2, stack);
    OnLanes client_lanes(client, faults.spread), server_lanes(server, faults.spread);
    const Multiaddr address = server.address(server_host.at(1));
    auto listening = server.transport->listen(address);
    io::TaskGroup serving(world.reactor());
    if (listening) {
      server.listener = std::move(*listening);
      serving.spawn(serve(*server.listener, serving));
    }
    std::optional<Status> asked;
    io::TaskGroup asking(world.reactor());
    asking.spawn(keep(dial_and_ask(client, address, server.id), asked));
    world.run_for(100s);
    EXPECT_TRUE(asked) << "hangs";
    scenario.status = asked.value_or(Status{});
    io::run_task(world.reactor(), server.close());
    io::run_task(world.reactor(), serving.close());
    io::run_task(world.reactor(), asking.close());
    io::run_task(world.reactor(), client_lanes.spread.close());
    io::run_task(world.reactor(), server_lanes.spread.close());
  }
  EXPECT_EQ(client_host.open_descriptors() + server_host.open_descriptors(), 0u);
  EXPECT_EQ(world.reactor().armed_timers(), 0u);
  scenario.injected = client_network.injected() || server_network.injected();
  return scenario;
}

const std::vector<Stack>& stacks() {
  static const std::vector<Stack> all = {{{"noise"}, {"yamux"}, true},
                                         {{"tls"}, {"mplex"}, true},
                                         {{"plaintext", "noise"}, {"mplex", "yamux"}, false},
                                         {{"noise"}, {"yamux"}, true, false, "tcp", 1},
                                         {{"noise"}, {"yamux"}, true, false, "wss", 1},
                                         {{"tls"}, {"yamux"}, true, false, "ws"}};
  return all;
}

class TcpTransportFaults : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Reactors, TcpTransportFaults, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "spread" : "one"; });

TEST_P(TcpTransportFaults, each_operation_of_the_dialer_may_fail) {
  for (const Stack& stack : stacks()) {
    const auto operations = io::fail_each_operation([&](std::uint64_t n) {
      const Scenario scenario =
          dial_upgrade_echo(stack, {.client = {.fail_at = n}, .server = {}, .spread = GetParam()});
      EXPECT_TRUE(scenario.status || scenario.injected) << n << ": " << scenario.status.error().message();
      return scenario.injected;
    });
    EXPECT_GT(operations, 8u);
    EXPECT_LT(operations, 200u);
  }
}

TEST_P(TcpTransportFaults, each_operation_of_the_listener_may_fail) {
  for (const Stack& stack : stacks()) {
    const auto operations = io::fail_each_operation([&](std::uint64_t n) {
      const Scenario scenario =
          dial_upgrade_echo(stack, {.client = {}, .server = {.fail_at = n}, .spread = GetParam()});
      EXPECT_TRUE(scenario.status || scenario.injected) << n << ": " << scenario.status.error().message();
      return scenario.injected;
    });
    EXPECT_GT(operations, 8u);
    EXPECT_LT(operations, 200u);
  }
}

TEST_P(TcpTransportFaults, everything_works_a_byte_at_a_time) {
  for (const Stack& stack : stacks()) {
    const Scenario scenario = dial_upgrade_echo(
        stack, {.client = {.max_transfer_bytes = 1}, .server = {.max_transfer_bytes = 1}, .spread = GetParam()});
    EXPECT_TRUE(scenario.status) << scenario.status.error().message();
  }
}

TEST_P(TcpTransportFaults, a_listener_survives_running_out_of_descriptors) {
  io::FaultPlan once{.fail_at = 1,
                     .error = Error(ErrorCode::OutOfDescriptors, Op::Accept, Origin::Limit),
                     .operations = io::NetworkOperation::Accept};
  const Scenario scenario = dial_upgrade_echo({}, {.client = {}, .server = once, .spread = GetParam()});
  EXPECT_TRUE(scenario.injected);
  EXPECT_TRUE(scenario.status) << scenario.status.error().message();
}

class TcpTransportDials : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Reactors, TcpTransportDials, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "spread" : "one"; });

TEST_P(TcpTransportDials, cancelled_at_any_moment_leave_nothing_behind) {
  for (const Stack& stack : stacks()) {
    bool dialed_at_last = false;
    for (Duration moment{0}; !dialed_at_last && moment < 1s; moment += 1ms) {
      io::SimWorld world;
      io::SimHost &client_host = world.add_host(), &server_host = world.add_host();
      {
        End client(client_host.world(), 1, stack), server(server_host.world(), 2, stack);
        OnLanes client_lanes(client, GetParam()), server_lanes(server, GetParam());
        const Multiaddr address = server.listen(server_host.at(1));
        io::TaskGroup serving(world.reactor()), dialing(world.reactor());
        serving.spawn(serve(*server.listener, serving));
        std::optional<Result<std::unique_ptr<Connection>>> dialed;
        dialing.spawn(keep(client.transport->dial(address, {server.id, nullptr}), dialed));
        world.run_for(moment);
        dialed_at_last = dialed && *dialed;
        const TimePoint cancelled = world.now();
        io::run_task(world.reactor(), dialing.close());
        EXPECT_EQ(world.now(), cancelled) << "a cancelled dial ends at once";
        ASSERT_TRUE(dialed);
        if (!*dialed) EXPECT_EQ(dialed->error(), ErrorCode::Cancelled) << dialed->error().message();
        dialed.reset();
        io::run_task(world.reactor(), client_lanes.spread.close());
        EXPECT_EQ(client_host.open_descriptors(), 0u);
        world.run_for(20s);
        EXPECT_EQ(server_host.open_descriptors(), 1u) << "the listener alone";
        const InboundCounters& counters = server.upgrader->counters;
        EXPECT_EQ(counters.accepted,
                  counters.upgraded + counters.failed_negotiation + counters.failed_security + counters.failed_muxer);
        io::run_task(world.reactor(), server.close());
        io::run_task(world.reactor(), serving.close());
        io::run_task(world.reactor(), server_lanes.spread.close());
      }
      EXPECT_EQ(server_host.open_descriptors(), 0u);
      EXPECT_EQ(world.reactor().armed_timers(), 0u);
    }
    EXPECT_TRUE(dialed_at_last);
  }
}

class TwoStacks : public ::testing::Test {
 protected:
  Error refused(const Stack& ours, const Stack& theirs) {
    End client(client_host_.world(), 1, ours), server(server_host_.world(), 2, theirs);
    const Multiaddr address = server.listen(server_host_.at(1));
    const TimePoint start = world_.now();
    auto dialed = io::run_task(world_.reactor(), client.transport->dial(address, {server.id, nullptr}));
    EXPECT_LT(world_.now() - start, 1s) << "at once, not by a time-out";
    io::run_task(world_.reactor(), server.close());
    EXPECT_FALSE(dialed);
    return dialed ? Error(ErrorCode::Internal, Op::None, Origin::Bug) : dialed.error();
  }
  static bool caused_by(const Error& error, ErrorCode code) {
    for (const Error* each = &error; each != nullptr; each = each->cause())
      if (*each == code) return true;
    return false;
  }
  io::SimWorld world_;
  io::SimHost &client_host_ = world_.add_host(), &server_host_ = world_.add_host();
};

TEST_F(TwoStacks, without_a_common_security_protocol_fail_while_negotiating) {
  const Error lazy = refused({{"noise"}, {"yamux"}}, {{"tls"}, {"yamux"}});
  EXPECT_EQ(lazy.op(), Op::Negotiate);
  EXPECT_TRUE(caused_by(lazy, ErrorCode::NoCommonProtocol)) << lazy.message();
  const Error both = refused({{"noise", "tls"}, {"yamux"}}, {{"plaintext"}, {"yamux"}});
  EXPECT_TRUE(caused_by(both, ErrorCode::NoCommonProtocol)) << both.message();
}

TEST_F(TwoStacks, without_a_common_muxer_fail_while_agreeing_on_one) {
  for (const char* security : {"noise", "tls", "plaintext"}) {
    const Error error = refused({{security}, {"yamux"}, false}, {{security}, {"mplex"}, false});
    EXPECT_EQ(error.op(), Op::Mux);
    EXPECT_TRUE(caused_by(error, ErrorCode::NoCommonProtocol)) << error.message();
  }
}

TEST_F(TwoStacks, agree_on_the_dialers_first_choice_that_both_have) {
  End client(client_host_.world(), 1, {{"plaintext", "tls", "noise"}, {"mplex", "yamux"}, true});
  End server(server_host_.world(), 2, {{"noise", "tls"}, {"yamux", "mplex"}, true});
  const Multiaddr address = server.listen(server_host_.at(1));
  auto pair = io::run_task(world_.reactor(), connect(client, server, address));
  ASSERT_TRUE(pair) << pair.error().message();
  EXPECT_EQ(pair->dialer->connection->info().security, "/tls/1.0.0");
  io::run_task(world_.reactor(), pair->dialer->close());
  io::run_task(world_.reactor(), pair->acceptor->gone());
  io::run_task(world_.reactor(), server.close());
}

TEST_F(TwoStacks, dial_a_second_time_only_when_the_first_proposal_is_refused) {
  const auto connects = [&](const Stack& ours, const Stack& theirs) {
    const std::uint64_t before = world_.counters().connects;
    End client(client_host_.world(), 1, ours), server(server_host_.world(), 2, theirs);
    auto pair = io::run_task(world_.reactor(), connect(client, server, server.listen(server_host_.at(1))));
    EXPECT_TRUE(pair) << pair.error().message();
    if (pair) {
      io::run_task(world_.reactor(), pair->dialer->close());
      io::run_task(world_.reactor(), pair->acceptor->gone());
    }
    io::run_task(world_.reactor(), server.close());
    return world_.counters().connects - before;
  };
  EXPECT_EQ(connects({{"noise", "tls"}}, {{"tls", "noise"}}), 1u);
  EXPECT_EQ(connects({{"noise", "tls"}}, {{"tls"}}), 2u);
  EXPECT_EQ(connects({{"tls", "noise"}}, {{"noise"}}), 2u);
}

TEST_F(TwoStacks, need_three_round_trips_to_connect_and_be_answered) {
  world_.set_default_link({.latency = 30ms});
  for (const Stack& stack : {Stack{{"noise", "tls"}}, Stack{{"tls", "noise"}}}) {
    End client(client_host_.world(), 1, stack), server(server_host_.world(), 2, stack);
    const Multiaddr address = server.listen(server_host_.at(1));
    io::TaskGroup serving(world_.reactor());
    serving.spawn(serve(*server.listener, serving));
    const TimePoint start = world_.now();
    Live live(std::move(*io::run_task(world_.reactor(), client.transport->dial(address, {server.id, nullptr}))));
    EXPECT_TRUE(io::run_task(world_.reactor(), ask(live)));
    EXPECT_EQ(world_.now() - start, 3 * 60ms) << stack.securities[0];
    io::run_task(world_.reactor(), live.close());
    io::run_task(world_.reactor(), server.close());
    io::run_task(world_.reactor(), serving.close());
  }
}

TEST(TcpTransport, the_oldest_pending_handshake_gives_way_and_is_counted) {
  io::SimWorld world;
  io::SimHost &client_host = world.add_host(), &server_host = world.add_host();
  UpgraderOptions options = upgrader_options();
  options.max_pending_inbound = 4;
  End client(client_host.world(), 1), server(server_host.world(), 2, {}, options);
  const Multiaddr address = server.listen(server_host.at(1));
  std::vector<std::unique_ptr<io::StreamSocket>> silent;
  for (int i = 0; i < 10; ++i)
    silent.push_back(
        std::move(*io::run_task(world.reactor(), client_host.world().network.connect(server_host.at(1), {}))));
  world.run_for(100ms);
  EXPECT_EQ(server.upgrader->counters.evicted_pending, 6u);
  EXPECT_EQ(server_host.open_descriptors(), 1u + 4u);
  std::uint8_t byte;
  EXPECT_EQ(silent[5]->try_read({&byte, 1}).value_or(9), 0u) << "cut";
  EXPECT_EQ(silent[6]->try_read({&byte, 1}).error(), ErrorCode::WouldBlock) << "still there";
  auto pair = io::run_task(world.reactor(), connect(client, server, address));
  ASSERT_TRUE(pair) << "an honest peer gets through a flood of silent ones: " << pair.error().message();
  io::run_task(world.reactor(), pair->dialer->close());
  io::run_task(world.reactor(), pair->acceptor->gone());
  io::run_task(world.reactor(), server.close());
}

struct OneAtATime final : AcceptGate {
  Result<resource::ConnectionScope> admit(const Arrival& arrival) override {
    last = arrival;
    return manager.open_connection(Direction::Inbound, arrival.uses_descriptor, arrival.remote, TimePoint());
  }
  static resource::LimitTable table() {
    resource::LimitTable table = resource::derive({1u << 30, 1024});
    table[resource::ScopeKind::System][resource::Resource::Connections] = 1;
    return table;
  }
  resource::Manager manager{table()};
  Arrival last;
};

TEST(TcpTransport, the_gate_is_asked_before_the_handshake_and_its_scope_goes_with_the_connection) {
  io::SimWorld world;
  OneAtATime gate;
  io::SimHost &client_host = world.add_host(), &server_host = world.add_host();
  End client(client_host.world(), 1), server(server_host.world(), 2);
  server.upgrader->gate = &gate;
  const Multiaddr address = server.listen(server_host.at(1));
  auto pair = io::run_task(world.reactor(), connect(client, server, address));
  ASSERT_TRUE(pair);
  EXPECT_EQ(gate.last.remote, client_host.addresses()[0]);
  EXPECT_EQ(gate.manager.used(), resource::Amounts::connection(Direction::Inbound, true));
  const auto second = io::run_task(world.reactor(), client.transport->dial(address, {server.id, nullptr}));
  EXPECT_FALSE(second);
  EXPECT_EQ(server.upgrader->counters.refused_by_gate, 1u);
  EXPECT_EQ(server.upgrader->counters.failed_negotiation + server.upgrader->counters.failed_security, 0u);
  io::run_task(world.reactor(), pair->dialer->close());
  (void)io::run_task(world.reactor(), pair->acceptor->gone());
  pair = {};
  EXPECT_TRUE(gate.manager.used().none());
  io::run_task(world.reactor(), server.close());
}

TEST(TcpTransport, a_listener_that_closes_ends_the_handshakes_under_way) {
  io::SimWorld world;
  io::SimHost &client_host = world.add_host(), &server_host = world.add_host();
  End server(server_host.world(), 2);
  server.listen(server_host.at(1));
  auto silent = *io::run_task(world.reactor(), client_host.world().network.connect(server_host.at(1), {}));
  world.run_for(50ms);
  const TimePoint start = world.now();
  io::run_task(world.reactor(), server.close());
  EXPECT_EQ(world.now(), start);
  EXPECT_EQ(server_host.open_descriptors(), 0u);
}

TEST(TcpTransport, a_connect_that_nobody_answers_ends_by_the_connect_timeout) {
  io::SimWorld world;
  io::SimHost &client_host = world.add_host(), &server_host = world.add_host();
  End client(client_host.world(), 1);
  world.partition(client_host, server_host);
  StageTimes times;
  const auto dialed =
      io::run_task(world.reactor(), client.transport->dial(tcp_multiaddr(server_host.at(1)), {std::nullopt, &times}));
  ASSERT_FALSE(dialed);
  EXPECT_EQ(dialed.error(), ErrorCode::Timeout);
  EXPECT_EQ(dialed.error().op(), Op::Connect);
  EXPECT_EQ(times.connect, client.upgrader->options.connect_timeout);
}

TEST(TcpTransport, takes_ip_and_tcp_addresses_and_nothing_else) {
  io::SimWorld world;
  End end(world.add_host().world(), 1);
  for (const char* good : {"/ip4/1.2.3.4/tcp/5", "/ip6/::1/tcp/5"}) {
    const Multiaddr address = *Multiaddr::from_string(good);
    EXPECT_TRUE(end.transport->can_dial(address)) << good;
    EXPECT_EQ(tcp_multiaddr(*tcp_endpoint(address)), address);
  }
  for (const char* bad :
       {"/ip4/1.2.3.4", "/ip4/1.2.3.4/udp/5", "/dns4/a.example/tcp/5", "/ip4/1.2.3.4/tcp/5/ws", "/tcp/5"}) {
    const Multiaddr address = *Multiaddr::from_string(bad);
    EXPECT_FALSE(end.transport->can_dial(address)) << bad;
    EXPECT_EQ(io::run_task(world.reactor(), end.transport->dial(address, {})).error(), ErrorCode::Unsupported);
    EXPECT_EQ(end.transport->listen(address).error(), ErrorCode::Unsupported);
  }
}

TEST(TcpTransport, dials_leave_from_the_listening_port_when_asked_to) {
  io::SimWorld world;
  io::SimHost &client_host = world.add_host(), &server_host = world.add_host();
  UpgraderOptions options = upgrader_options();
  options.reuse_port = true;
  End client(client_host.world(), 1, {}, options), server(server_host.world(), 2);
  client.listen({io::IpAddress(), 4001});
  auto pair = io::run_task(world.reactor(), connect(client, server, server.listen(server_host.at(1))));
  ASSERT_TRUE(pair) << pair.error().message();
  EXPECT_EQ(pair->acceptor->connection->info().remote_address, tcp_multiaddr(client_host.at(4001)));
  io::run_task(world.reactor(), pair->dialer->close());
  io::run_task(world.reactor(), pair->acceptor->gone());
  io::run_task(world.reactor(), server.close());
  io::run_task(world.reactor(), client.close());
}

}  // namespace
}  // namespace starling::transport
