// TCP of the simulated network: times, order, windows, ends, refusals.
#include <gtest/gtest.h>

#include "io/stream_testing.hpp"
#include "starling/io/sim_network.hpp"

namespace starling::io {
namespace {

using namespace std::chrono_literals;
using namespace testing;

struct TwoHosts {
  explicit TwoHosts(SimLink link = {}, SimHostOptions client_options = {}, SimHostOptions server_options = {})
      : world(1), client(world.add_host(client_options)), server(world.add_host(server_options)) {
    world.set_default_link(link);
    auto listening = server.world().network.listen(server.at(4001), {});
    EXPECT_TRUE(listening);
    listener = std::move(*listening);
  }
  SocketPair connect() {
    auto pair = run_task(world.reactor(), make_pair(client.world().network, *listener, server.at(4001)));
    EXPECT_TRUE(pair) << pair.error().message();
    return std::move(*pair);
  }
  Result<SocketPtr> dial(const Endpoint& to, ConnectOptions options = {}) {
    return run_task(world.reactor(), client.world().network.connect(to, options));
  }
  SimWorld world;
  SimHost& client;
  SimHost& server;
  std::unique_ptr<Listener> listener;
};

TEST(SimTcp, a_connect_takes_one_round_trip_and_an_accept_half_of_one_more) {
  TwoHosts two(SimLink{.latency = 30ms});
  const TimePoint start = two.world.now();
  auto client = two.dial(two.server.at(4001));
  ASSERT_TRUE(client);
  EXPECT_EQ(two.world.now() - start, 60ms);
  auto server = run_task(two.world.reactor(), two.listener->accept());
  ASSERT_TRUE(server);
  EXPECT_EQ(two.world.now() - start, 90ms);
  EXPECT_EQ((*server)->remote(), (*client)->local());
  EXPECT_EQ((*server)->local(), (*client)->remote());
}

TEST(SimTcp, nobody_listening_refuses_after_one_round_trip) {
  TwoHosts two(SimLink{.latency = 30ms});
  const TimePoint start = two.world.now();
  EXPECT_EQ(code_of(two.dial(two.server.at(4002))), ErrorCode::ConnectionRefused);
  EXPECT_EQ(two.world.now() - start, 60ms);
}

TEST(SimTcp, an_address_of_no_host_is_unreachable) {
  TwoHosts two;
  EXPECT_EQ(code_of(two.dial({IpAddress::v4({9, 9, 9, 9}), 1})), ErrorCode::Unreachable);
  EXPECT_EQ(code_of(two.dial({IpAddress::v6({0x20, 1}), 1})), ErrorCode::Unreachable);
}

TEST(SimTcp, bytes_take_the_latency) {
  TwoHosts two(SimLink{.latency = 30ms});
  SocketPair pair = two.connect();
  const TimePoint start = two.world.now();
  ASSERT_TRUE(pair.client->try_write(as_bytes("hello")));
  auto text = run_task(two.world.reactor(), read_exactly(*pair.server, 5));
  EXPECT_EQ(text, "hello");
  EXPECT_EQ(two.world.now() - start, 30ms);
}

Task<void> send_and_end(StreamSocket& socket, std::string text) {
  EXPECT_TRUE(co_await write_all(socket, as_bytes(text)));
  socket.shutdown_write();
}

TEST(SimTcp, jitter_keeps_the_order_within_a_stream) {
  TwoHosts two(SimLink{.latency = 5ms, .jitter = 50ms});
  SocketPair pair = two.connect();
  const std::string sent = pattern(3 << 20);
  TaskGroup group(two.world.reactor());
  group.spawn(send_and_end(*pair.client, sent));
  auto received = run_task(two.world.reactor(), read_to_end(*pair.server));
  ASSERT_TRUE(received);
  EXPECT_TRUE(*received == sent);
}

TEST(SimTcp, throughput_is_the_narrowest_bandwidth) {
  TwoHosts two(SimLink{.latency = 1ms, .bytes_per_second = 5'000'000}, {.upload_bytes_per_second = 2'000'000},
               {.download_bytes_per_second = 1'000'000});
  SocketPair pair = two.connect();
  TaskGroup group(two.world.reactor());
  const TimePoint start = two.world.now();
  group.spawn(send_and_end(*pair.client, pattern(2'000'000)));
  ASSERT_TRUE(run_task(two.world.reactor(), read_to_end(*pair.server)));
  const auto took = std::chrono::duration<double>(two.world.now() - start).count();
  EXPECT_NEAR(took, 2.0, 0.1);
}

TEST(SimTcp, a_long_way_with_a_small_window_carries_one_window_a_round_trip) {
  TwoHosts two(SimLink{.latency = 50ms}, {}, {.stream_window_bytes = 64 << 10});
  SocketPair pair = two.connect();
  TaskGroup group(two.world.reactor());
  const TimePoint start = two.world.now();
  group.spawn(send_and_end(*pair.client, pattern(640 << 10)));
  ASSERT_TRUE(run_task(two.world.reactor(), read_to_end(*pair.server)));
  const auto round_trips = double((two.world.now() - start).count()) / double(Duration(100ms).count());
  EXPECT_GT(round_trips, 8.9);
  EXPECT_LT(round_trips, 10.1);
}

TEST(SimTcp, a_writer_whose_reader_does_not_read_is_stopped_by_the_window) {
  TwoHosts two({}, {}, {.stream_window_bytes = 100'000});
  SocketPair pair = two.connect();
  const std::string sent = pattern(250'000);
  const auto first = pair.client->try_write(as_bytes(sent));
  ASSERT_TRUE(first);
  EXPECT_EQ(*first, 100'000u);
  two.world.run_for(10s);
  EXPECT_EQ(code_of(pair.client->try_write(as_bytes(sent))), ErrorCode::WouldBlock);
  TaskGroup group(two.world.reactor());
  group.spawn(send_and_end(*pair.client, sent.substr(100'000)));
  two.world.run_for(10s);
  EXPECT_EQ(group.running(), 1u);
  auto received = run_task(two.world.reactor(), read_to_end(*pair.server));
  ASSERT_TRUE(received);
  EXPECT_TRUE(*received == sent);
}

TEST(SimTcp, either_side_may_end_its_half_and_go_on_reading) {
  TwoHosts two;
  SocketPair pair = two.connect();
  pair.client->shutdown_write();
  EXPECT_EQ(code_of(pair.client->try_write(as_bytes("x"))), ErrorCode::Closed);
  EXPECT_EQ(run_task(two.world.reactor(), read_to_end(*pair.server)), "");
  TaskGroup group(two.world.reactor());
  group.spawn(send_and_end(*pair.server, "still here"));
  EXPECT_EQ(run_task(two.world.reactor(), read_to_end(*pair.client)), "still here");
  EXPECT_TRUE(run_task(two.world.reactor(), write_all(*pair.server, {})));
}

TEST(SimTcp, close_with_unread_bytes_resets_the_other_side) {
  TwoHosts two;
  SocketPair pair = two.connect();
  ASSERT_TRUE(pair.client->try_write(as_bytes("unread")));
  two.world.run_for(1s);
  pair.server->close();
  std::uint8_t byte;
  const auto read = run_task(two.world.reactor(), read_some(*pair.client, {&byte, 1}));
  EXPECT_EQ(code_of(read), ErrorCode::ConnectionReset);
  EXPECT_EQ(code_of(pair.client->try_write(as_bytes("x"))), ErrorCode::ConnectionReset);
}

TEST(SimTcp, writing_to_a_closed_side_is_answered_with_a_reset) {
  TwoHosts two;
  SocketPair pair = two.connect();
  pair.server->close();
  EXPECT_EQ(run_task(two.world.reactor(), read_to_end(*pair.client)), "");
  EXPECT_TRUE(pair.client->try_write(as_bytes("anybody?")));
  two.world.run_for(1s);
  EXPECT_EQ(code_of(pair.client->try_write(as_bytes("x"))), ErrorCode::ConnectionReset);
}

TEST(SimTcp, what_was_written_before_close_arrives) {
  TwoHosts two;
  SocketPair pair = two.connect();
  ASSERT_TRUE(pair.client->try_write(as_bytes("last words")));
  pair.client.reset();
  EXPECT_EQ(run_task(two.world.reactor(), read_to_end(*pair.server)), "last words");
}

TEST(SimTcp, close_wakes_who_waits) {
  TwoHosts two;
  SocketPair pair = two.connect();
  TaskGroup group(two.world.reactor());
  ErrorCode reading{};
  group.spawn([](StreamSocket& socket, ErrorCode& code) -> Task<void> {
    std::uint8_t byte;
    code = code_of(co_await read_some(socket, {&byte, 1}));
  }(*pair.client, reading));
  two.world.run_for(1s);
  pair.client->close();
  two.world.run_for(1s);
  EXPECT_EQ(group.running(), 0u);
  EXPECT_EQ(reading, ErrorCode::Closed);
}

TEST(SimTcp, without_its_address_a_connection_stands_still_and_goes_on_when_it_is_back) {
  TwoHosts two(SimLink{.latency = 30ms});
  SocketPair pair = two.connect();
  const std::vector<IpAddress> home = two.client.addresses();
  two.client.set_addresses({IpAddress::v4({11, 1, 1, 2})});
  ASSERT_TRUE(pair.client->try_write(as_bytes("from")));
  ASSERT_TRUE(pair.server->try_write(as_bytes("to")));
  two.world.run_for(1h);
  std::array<std::uint8_t, 8> room{};
  EXPECT_EQ(code_of(pair.server->try_read(room)), ErrorCode::WouldBlock);
  EXPECT_EQ(code_of(pair.client->try_read(room)), ErrorCode::WouldBlock);
  two.client.set_addresses(home);
  const TimePoint start = two.world.now();
  EXPECT_EQ(run_task(two.world.reactor(), read_exactly(*pair.server, 4)), "from");
  EXPECT_EQ(run_task(two.world.reactor(), read_exactly(*pair.client, 2)), "to");
  EXPECT_EQ(two.world.now() - start, 30ms);
}

TEST(SimTcp, the_other_addresses_of_a_host_do_not_help_a_connection_but_carry_new_ones) {
  TwoHosts two;
  SocketPair pair = two.connect();
  const Endpoint old = two.server.at(4001);
  two.server.set_addresses({IpAddress::v4({11, 1, 1, 2})});
  EXPECT_EQ(code_of(two.dial(old)), ErrorCode::Unreachable);
  auto listener = two.server.world().network.listen(two.server.at(4001), {});
  ASSERT_TRUE(listener);
  EXPECT_TRUE(two.dial(two.server.at(4001)));
  ASSERT_TRUE(pair.client->try_write(as_bytes("lost")));
  two.world.run_for(1min);
  std::array<std::uint8_t, 8> room{};
  EXPECT_EQ(code_of(pair.server->try_read(room)), ErrorCode::WouldBlock);
}

TEST(SimTcp, a_connect_from_an_address_that_goes_away_times_out) {
  TwoHosts two(SimLink{.latency = 30ms});
  TaskGroup group(two.world.reactor());
  std::optional<ErrorCode> outcome;
  struct Dialer {
    static Task<void> run(TwoHosts& two, std::optional<ErrorCode>& outcome) {
      const auto socket = co_await two.client.world().network.connect(two.server.at(4001), {});
      if (!socket) outcome = socket.error().code();
    }
  };
  group.spawn(Dialer::run(two, outcome));
  two.world.run_for(10ms);
  two.client.set_addresses({IpAddress::v4({11, 1, 1, 2})});
  two.world.run_for(1min);
  EXPECT_EQ(outcome, ErrorCode::Timeout);
  EXPECT_EQ(two.client.open_descriptors(), 0u);
}

TEST(SimTcp, a_port_has_one_listener_and_is_free_after_it) {
  TwoHosts two;
  Network& network = two.server.world().network;
  EXPECT_EQ(code_of(network.listen(two.server.at(4001), {})), ErrorCode::AddressInUse);
  EXPECT_EQ(code_of(network.listen({IpAddress(), 4001}, {})), ErrorCode::AddressInUse);
  EXPECT_EQ(code_of(network.listen({IpAddress::v4({1, 2, 3, 4}), 4001}, {})), ErrorCode::AddressNotAvailable);
  two.listener->close();
  EXPECT_TRUE(network.listen(two.server.at(4001), {}));
  auto any = network.listen(two.server.at(0), {});
  ASSERT_TRUE(any);
  EXPECT_NE((*any)->local().port, 0);
}

TEST(SimTcp, a_dial_leaves_from_the_listening_port_and_falls_back_to_another) {
  TwoHosts two;
  auto own = two.client.world().network.listen({IpAddress(), 5001}, {});
  ASSERT_TRUE(own);
  auto first = two.dial(two.server.at(4001), {.local = (*own)->local()});
  ASSERT_TRUE(first);
  EXPECT_EQ((*first)->local(), two.client.at(5001));
  auto second = two.dial(two.server.at(4001), {.local = (*own)->local()});
  ASSERT_TRUE(second);
  EXPECT_NE((*second)->local().port, 5001);
}

TEST(SimTcp, both_sides_dialling_at_once_make_one_connection) {
  TwoHosts two;
  Result<SocketPtr> back = fail(ErrorCode::Internal, Op::None, Origin::Bug);
  auto own = two.client.world().network.listen(two.client.at(5001), {});
  TaskGroup group(two.world.reactor());
  group.spawn([](TwoHosts& hosts, Result<SocketPtr>& out) -> Task<void> {
    out = co_await hosts.server.world().network.connect(hosts.client.at(5001), {.local = hosts.server.at(4001)});
  }(two, back));
  auto there = two.dial(two.server.at(4001), {.local = two.client.at(5001)});
  two.world.run_for(1s);
  ASSERT_TRUE(there);
  ASSERT_TRUE(back);
  EXPECT_EQ((*there)->local(), (*back)->remote());
  ASSERT_TRUE((*there)->try_write(as_bytes("one")));
  EXPECT_EQ(run_task(two.world.reactor(), read_exactly(**back, 3)), "one");
}

TEST(SimTcp, a_full_backlog_makes_dialers_try_again_later) {
  TwoHosts two;
  auto small = two.server.world().network.listen(two.server.at(4002), {.backlog = 1});
  ASSERT_TRUE(small);
  auto first = two.dial(two.server.at(4002));
  ASSERT_TRUE(first);
  two.world.run_for(1s);
  const TimePoint start = two.world.now();
  TaskGroup group(two.world.reactor());
  group.spawn([](SimWorld& world, Listener& listener) -> Task<void> {
    (void)co_await sleep_for(world.reactor(), 500ms);
    EXPECT_TRUE(co_await listener.accept());
  }(two.world, **small));
  auto second = two.dial(two.server.at(4002));
  EXPECT_TRUE(second);
  EXPECT_GE(two.world.now() - start, 1s);
}

TEST(SimTcp, connections_nobody_accepted_are_reset_when_the_listener_closes) {
  TwoHosts two;
  auto client = two.dial(two.server.at(4001));
  ASSERT_TRUE(client);
  two.world.run_for(1s);
  two.listener->close();
  std::uint8_t byte;
  EXPECT_EQ(code_of(run_task(two.world.reactor(), read_some(**client, {&byte, 1}))), ErrorCode::ConnectionReset);
}

TEST(SimTcp, a_host_out_of_descriptors_says_so_and_recovers) {
  TwoHosts two({}, {.max_descriptors = 1});
  auto first = two.dial(two.server.at(4001));
  ASSERT_TRUE(first);
  EXPECT_EQ(code_of(two.dial(two.server.at(4001))), ErrorCode::OutOfDescriptors);
  first->reset();
  EXPECT_TRUE(two.dial(two.server.at(4001)));
}

TEST(SimTcp, cancel_while_connecting_leaves_nothing_behind) {
  TwoHosts two(SimLink{.latency = 1s});
  auto connecting = two.client.world().network.connect(two.server.at(4001), {});
  auto result =
      run_task(two.world.reactor(), with_deadline(1500ms, timeout_error(Op::Dial, "x"), std::move(connecting)));
  EXPECT_EQ(code_of(result), ErrorCode::Timeout);
  EXPECT_EQ(two.client.open_descriptors(), 0u);
  two.world.run_for(10s);
  EXPECT_EQ(two.world.counters().connects, 0u);
}

TEST(SimTcp, readiness_holds_while_bytes_are_left) {
  TwoHosts two;
  SocketPair pair = two.connect();
  ASSERT_TRUE(pair.client->try_write(as_bytes("ab")));
  EXPECT_EQ(run_task(two.world.reactor(), read_exactly(*pair.server, 1)), "a");
  struct Wait {
    static Task<Status> readable(StreamSocket& socket) { co_return co_await socket.readable(); }
    static Task<Status> writable(StreamSocket& socket) { co_return co_await socket.writable(); }
  };
  EXPECT_TRUE(run_task(two.world.reactor(), Wait::readable(*pair.server)));
  EXPECT_TRUE(run_task(two.world.reactor(), Wait::writable(*pair.server)));
  pair.server->close();
  EXPECT_TRUE(run_task(two.world.reactor(), Wait::readable(*pair.server)));
}

}  // namespace
}  // namespace starling::io
