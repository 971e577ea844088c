// The simulated world: same seed same trace, names, interfaces, partitions, crashes, and speed in the large.
#include "starling/io/name_client.hpp"
#include "starling/io/sim_network.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "io/stream_testing.hpp"

namespace starling::io {
namespace {

using namespace std::chrono_literals;
using namespace testing;

Task<void> echo(SocketPtr socket) {
  std::uint8_t buffer[4096];
  for (;;) {
    const auto got = co_await read_some(*socket, buffer);
    if (!got || *got == 0) break;
    if (!co_await write_all(*socket, {buffer, *got})) break;
  }
}

Task<void> serve_echo(Listener& listener, TaskGroup& group) {
  for (;;) {
    auto socket = co_await listener.accept();
    if (!socket) break;
    group.spawn(echo(std::move(*socket)));
  }
}

/// Dials somebody at random and sends an amount at random, a few times.
Task<void> chatter(SimHost& self, SimWorld& world) {
  World mine = self.world();
  for (int i = 0; i < 5; ++i) {
    SimHost& other = world.host(mine.random.below(world.host_count()));
    auto socket = co_await mine.network.connect(other.at(1), {});
    if (!socket) continue;
    const std::string text = pattern(mine.random.below(20'000));
    if (!co_await write_all(**socket, as_bytes(text))) continue;
    (void)co_await read_exactly(**socket, text.size());
    (void)co_await sleep_for(mine.reactor, std::chrono::milliseconds(mine.random.below(100)));
  }
}

Task<void> close_group(TaskGroup& group) { co_await group.close(); }

std::uint64_t hash_of_run(std::uint64_t seed, std::vector<std::string>* lines = nullptr) {
  SimWorld world(seed);
  world.set_default_link({.latency = 20ms, .jitter = 10ms});
  if (lines != nullptr) world.trace_to([lines](std::string_view line) { lines->emplace_back(line); });
  TaskGroup servers(world.reactor()), clients(world.reactor());
  std::vector<std::unique_ptr<Listener>> listeners;
  for (int i = 0; i < 20; ++i) {
    SimHost& host = world.add_host();
    listeners.push_back(std::move(*host.world().network.listen(host.at(1), {})));
    servers.spawn(serve_echo(*listeners.back(), servers));
  }
  for (std::size_t i = 0; i < 20; ++i) clients.spawn(chatter(world.host(i), world));
  world.run_for(60s);
  EXPECT_EQ(clients.running(), 0u);
  run_task(world.reactor(), close_group(servers));
  return world.trace_hash();
}

TEST(SimWorld, the_same_seed_gives_the_same_trace_and_another_one_does_not) {
  std::vector<std::string> first, second;
  const std::uint64_t hash = hash_of_run(1, &first);
  EXPECT_EQ(hash_of_run(1, &second), hash);
  EXPECT_EQ(first, second);
  EXPECT_GT(first.size(), 200u);
  EXPECT_NE(hash_of_run(2), hash);
}

TEST(SimWorld, hosts_draw_different_randomness) {
  SimWorld world;
  EXPECT_NE(world.add_host().world().random.next_u64(), world.add_host().world().random.next_u64());
}

Result<NameRecords> look_up(SimWorld& world, NameClient& client, const char* name, RecordType type) {
  return run_task(world.reactor(), client.look_up({name, type}));
}

TEST(SimWorld, names_are_found_after_a_while_by_type) {
  SimWorld world;
  const auto client = world.add_host().world().network.make_name_client(NameClientOptions{});
  const IpAddress four = IpAddress::v4({1, 2, 3, 4}), six = IpAddress::v6({0x20, 1});
  world.set_name("boot.example", {four, six}, 5min);
  world.set_txt("boot.example", {"one", "two"});
  const TimePoint start = world.now();
  const auto found = look_up(world, *client, "boot.example", RecordType::A);
  EXPECT_EQ(world.now() - start, 20ms);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->addresses, std::vector{four});
  EXPECT_EQ(found->ttl, 5min);
  EXPECT_EQ(look_up(world, *client, "boot.example", RecordType::Aaaa)->addresses, std::vector{six});
  EXPECT_EQ(look_up(world, *client, "boot.example", RecordType::Txt)->texts, (std::vector<std::string>{"one", "two"}));
}

TEST(SimWorld, names_that_are_not_there_or_without_such_records_differ) {
  SimWorld world;
  const auto client = world.add_host().world().network.make_name_client(NameClientOptions{});
  world.set_name("boot.example", {IpAddress::v4({1, 2, 3, 4})});
  EXPECT_EQ(code_of(look_up(world, *client, "other.example", RecordType::A)), ErrorCode::NameNotFound);
  EXPECT_EQ(code_of(look_up(world, *client, "boot.example", RecordType::Aaaa)), ErrorCode::NoRecords);
  world.set_name("boot.example", {});
  EXPECT_EQ(code_of(look_up(world, *client, "boot.example", RecordType::A)), ErrorCode::NoRecords);
}

TEST(SimWorld, silent_names_are_answered_when_the_silence_ends) {
  SimWorld world;
  const auto client = world.add_host().world().network.make_name_client(NameClientOptions{});
  world.set_name("boot.example", {IpAddress::v4({1, 2, 3, 4})});
  world.set_names_silent(true);
  auto late = with_deadline(5s, timeout_error(Op::Resolve, "test"), client->look_up({"boot.example", RecordType::A}));
  EXPECT_EQ(code_of(run_task(world.reactor(), std::move(late))), ErrorCode::Timeout);
  world.set_names_silent(false);
  EXPECT_TRUE(look_up(world, *client, "boot.example", RecordType::A));
}

TEST(SimWorld, interfaces_are_the_loopback_and_the_addresses_of_the_host) {
  SimWorld world;
  SimHost& host = world.add_host({.addresses = {IpAddress::v4({10, 0, 0, 5}), IpAddress::v6({0xfd})}});
  auto interfaces = host.world().network.interfaces();
  ASSERT_TRUE(interfaces);
  std::vector<IpAddress> found;
  for (const Interface& interface : *interfaces)
    if (!interface.address.is_loopback()) found.push_back(interface.address);
  EXPECT_EQ(found, host.addresses());
}

TEST(SimWorld, links_of_a_pair_differ_from_the_default) {
  SimWorld world;
  SimHost &a = world.add_host(), &b = world.add_host(), &c = world.add_host({.access_latency = 5ms});
  world.set_link(a, b, {.latency = 100ms});
  auto listener_b = *b.world().network.listen(b.at(1), {});
  auto listener_c = *c.world().network.listen(c.at(1), {});
  const auto time_to = [&](SimHost& to) {
    const TimePoint start = world.now();
    EXPECT_TRUE(run_task(world.reactor(), a.world().network.connect(to.at(1), {})));
    return world.now() - start;
  };
  EXPECT_EQ(time_to(b), 200ms);
  EXPECT_EQ(time_to(c), 30ms);
}

struct Connected {
  Connected() {
    listener = *b.world().network.listen(b.at(1), {});
    pair = *run_task(world.reactor(), make_pair(a.world().network, *listener, b.at(1)));
  }
  Result<SocketPtr> dial() { return run_task(world.reactor(), a.world().network.connect(b.at(1), {})); }
  SimWorld world{3};
  SimHost &a = world.add_host(), &b = world.add_host();
  std::unique_ptr<Listener> listener;
  SocketPair pair;
};

TEST(SimPartition, stalls_bytes_until_it_heals) {
  Connected c;
  ASSERT_TRUE(c.pair.client->try_write(as_bytes("before ")));
  const int cut = c.world.partition(c.a, c.b);
  ASSERT_TRUE(c.pair.client->try_write(as_bytes("during ")));
  c.world.run_for(100s);
  std::uint8_t buffer[100];
  EXPECT_EQ(code_of(c.pair.server->try_read(buffer)), ErrorCode::WouldBlock);
  c.world.heal(cut);
  ASSERT_TRUE(c.pair.client->try_write(as_bytes("after")));
  EXPECT_EQ(run_task(c.world.reactor(), read_exactly(*c.pair.server, 19)), "before during after");
}

TEST(SimPartition, a_blocked_writer_goes_on_after_it_heals) {
  Connected c;
  const std::string sent = pattern(1 << 20);
  TaskGroup group(c.world.reactor());
  group.spawn([](StreamSocket& socket, const std::string& text) -> Task<void> {
    EXPECT_TRUE(co_await write_all(socket, as_bytes(text)));
    socket.shutdown_write();
  }(*c.pair.client, sent));
  for (int i = 0; i < 3; ++i) {
    c.world.run_for(5ms);
    const int cut = c.world.partition(c.a, c.b);
    std::vector<std::uint8_t> sink(32 << 10);
    c.world.run_for(1s);
    c.world.heal(cut);
  }
  auto received = run_task(c.world.reactor(), read_to_end(*c.pair.server));
  ASSERT_TRUE(received);
  EXPECT_TRUE(*received == sent);
}

TEST(SimPartition, connects_time_out_or_succeed_when_it_heals_in_time) {
  Connected c;
  c.world.partition(c.a, c.b);
  const TimePoint start = c.world.now();
  EXPECT_EQ(code_of(c.dial()), ErrorCode::Timeout);
  EXPECT_EQ(c.world.now() - start, 20s);
  CallbackTimer heal(c.world.reactor(), [&] { c.world.heal_all(); });
  heal.set(c.world.now() + 5s);
  EXPECT_TRUE(c.dial());
}

TEST(SimPartition, drops_datagrams_and_spares_other_hosts) {
  Connected c;
  SimHost& other = c.world.add_host();
  auto socket = *c.b.world().network.bind_datagram(c.b.at(2));
  auto from_a = *c.a.world().network.bind_datagram(c.a.at(0));
  auto from_other = *other.world().network.bind_datagram(other.at(0));
  c.world.partition(c.a, c.b);
  ASSERT_TRUE(from_a->try_send(as_bytes("cut"), c.b.at(2)));
  ASSERT_TRUE(from_other->try_send(as_bytes("whole"), c.b.at(2)));
  c.world.run_for(1s);
  c.world.heal_all();
  c.world.run_for(1s);
  std::uint8_t buffer[10];
  auto got = socket->try_receive(buffer);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->from.address, other.addresses().front());
  EXPECT_FALSE(socket->try_receive(buffer));
}

TEST(SimPartition, overlapping_ones_heal_each_by_itself) {
  Connected c;
  const int first = c.world.partition(c.a, c.b), second = c.world.partition(c.b, c.a);
  c.world.heal(first);
  c.world.heal(first);
  EXPECT_EQ(code_of(c.dial()), ErrorCode::Timeout);
  c.world.heal(second);
  EXPECT_TRUE(c.dial());
}

TEST(SimCrashes, an_answering_host_resets_whoever_sends_next) {
  Connected c;
  c.b.crash();
  EXPECT_EQ(c.b.open_descriptors(), 0u);
  EXPECT_EQ(code_of(c.pair.server->try_write(as_bytes("x"))), ErrorCode::ConnectionReset);
  c.world.run_for(100s);
  std::uint8_t byte;
  EXPECT_EQ(code_of(c.pair.client->try_read({&byte, 1})), ErrorCode::WouldBlock);
  ASSERT_TRUE(c.pair.client->try_write(as_bytes("x")));
  EXPECT_EQ(code_of(run_task(c.world.reactor(), read_some(*c.pair.client, {&byte, 1}))), ErrorCode::ConnectionReset);
  EXPECT_EQ(code_of(c.dial()), ErrorCode::ConnectionRefused);
}

TEST(SimCrashes, a_silent_host_answers_nothing_until_it_is_back) {
  Connected c;
  c.b.crash(SimCrash::Silent);
  ASSERT_TRUE(c.pair.client->try_write(as_bytes("x")));
  c.world.run_for(100s);
  std::uint8_t byte;
  EXPECT_EQ(code_of(c.pair.client->try_read({&byte, 1})), ErrorCode::WouldBlock);
  EXPECT_EQ(code_of(c.dial()), ErrorCode::Timeout);
  c.b.restart();
  c.world.run_for(1s);
  EXPECT_EQ(code_of(c.pair.client->try_read({&byte, 1})), ErrorCode::ConnectionReset);
  EXPECT_EQ(code_of(c.dial()), ErrorCode::ConnectionRefused);
}

TEST(SimCrashes, wakes_everybody_on_the_host_and_refuses_until_restart) {
  Connected c;
  TaskGroup group(c.world.reactor());
  group.spawn(
      [](Connected& all) -> Task<void> { EXPECT_EQ(code_of(co_await all.listener->accept()), ErrorCode::Closed); }(c));
  group.spawn([](Connected& all) -> Task<void> {
    std::uint8_t byte;
    EXPECT_EQ(code_of(co_await read_some(*all.pair.server, {&byte, 1})), ErrorCode::ConnectionReset);
  }(c));
  group.spawn([](Connected& all) -> Task<void> {
    EXPECT_EQ(code_of(co_await all.b.world().network.connect(all.a.at(9), {})), ErrorCode::ConnectionReset);
  }(c));
  c.world.run_for(1ms);
  c.b.crash();
  c.world.run_for(1s);
  EXPECT_EQ(group.running(), 0u);
  Network& network = c.b.world().network;
  EXPECT_EQ(code_of(network.listen(c.b.at(1), {})), ErrorCode::Unreachable);
  EXPECT_EQ(code_of(run_task(c.world.reactor(), network.connect(c.a.at(1), {}))), ErrorCode::Unreachable);
  c.b.restart();
  auto listener = network.listen(c.b.at(1), {});
  ASSERT_TRUE(listener);
  EXPECT_TRUE(c.dial());
}

TEST(SimWorld, a_thousand_hosts_with_sixteen_connections_each) {
  SimWorld world(5);
  world.set_default_link({.latency = 10ms, .jitter = 5ms});
  TaskGroup servers(world.reactor()), clients(world.reactor());
  std::vector<std::unique_ptr<Listener>> listeners;
  for (int i = 0; i < 1000; ++i) {
    SimHost& host = world.add_host();
    listeners.push_back(std::move(*host.world().network.listen(host.at(1), {})));
    servers.spawn(serve_echo(*listeners.back(), servers));
  }
  struct Client {
    static Task<void> run(SimHost& from, SimHost& to, std::size_t& done) {
      auto socket = co_await from.world().network.connect(to.at(1), {});
      if (!socket) co_return;
      const std::string text(4096, 'x');
      if (!co_await write_all(**socket, as_bytes(text))) co_return;
      if (co_await read_exactly(**socket, text.size())) ++done;
    }
  };
  std::size_t done = 0;
  for (std::size_t i = 0; i < 1000; ++i)
    for (std::size_t k = 1; k <= 16; ++k)
      clients.spawn(Client::run(world.host(i), world.host((i + k * 37) % 1000), done));
  world.run_for(10s);
  EXPECT_EQ(done, 16'000u);
  run_task(world.reactor(), close_group(servers));
}

}  // namespace
}  // namespace starling::io
