// Floods against the node's budgets: connections from one address and from many networks, slow handshakes, streams of
// many peers. What a handshake costs in processor time is bounded by how many are begun: the tests count them.
#include "hostile/arena.hpp"

namespace starling::testing {
namespace {

using namespace std::chrono_literals;
using namespace muxer::yamux;

constexpr std::size_t kBudget = 24u << 20;

std::string proposal(std::string_view protocol) {
  return multistream(transport::kMultistreamId) + multistream(protocol);
}

std::uint64_t handshakes(Arena& arena) {
  const transport::InboundCounters& c = arena.inbound();
  return c.accepted - c.refused_by_gate;
}

/// A newcomer with nothing to recommend it: connects and pings.
io::Task<Status> visit(Arena& arena) {
  SimNode visitor(arena.world().add_host(), deterministic_options());
  visitor.start();
  Status served;
  const auto connected = co_await visitor.host().connect(arena.victim().id(), {arena.victim().listen_address()});
  if (!connected) {
    served = std::unexpected(connected.error());
  } else {
    auto pinger = co_await ping::Pinger::open(visitor.host(), arena.victim().id(), visitor.node().ping_options());
    if (!pinger) served = std::unexpected(pinger.error());
    if (pinger) {
      if (const auto ping = co_await pinger->ping(); !ping) served = std::unexpected(ping.error());
      (void)co_await pinger->close();
    }
  }
  co_await visitor.stop();
  co_return served;
}

using Peers = std::vector<std::unique_ptr<RawPeer>>;

void close_all(Peers& peers) {
  for (auto& peer : peers) peer->close();
}

// One address, as many connections as it can: it gets its eight, and its sixteen handshakes.
io::Task<void> flood_from_one_address(Arena& arena) {
  const io::World machine = arena.attacker();
  const std::uint64_t before = handshakes(arena);
  Peers peers;
  for (int i = 0; i < 500; ++i) {  // within the time in which silent ones are kept
    peers.push_back(std::make_unique<RawPeer>(machine));
    if (const Status in = co_await peers.back()->secure(arena.target(), {std::string(muxer::kYamuxId)}); !in)
      peers.pop_back();
  }
  const auto& limits = arena.victim().node().options().resource;
  EXPECT_EQ(peers.size(), limits.ip4_32_connections);
  EXPECT_EQ(handshakes(arena) - before, limits.ip4_32_connections);
  EXPECT_GE(arena.inbound().refused_by_gate, 490u);
  const Status newcomer = co_await visit(arena);
  EXPECT_TRUE(newcomer) << newcomer.error().message();
  close_all(peers);
  (void)co_await arena.pass(5s);
}

TEST(Hostile, connection_flood_from_one_address) {
  Arena arena;
  arena.endure(flood_from_one_address(arena), kBudget);
}

// It leaves and comes again, always below its number: then the rate holds it.
io::Task<void> come_and_go(Arena& arena) {
  const io::World machine = arena.attacker();
  const std::uint64_t before = handshakes(arena);
  const TimePoint start = arena.world().now();
  for (int i = 0; i < 1000; ++i) {
    RawPeer peer(machine);
    if (co_await peer.secure(arena.target(), {std::string(muxer::kYamuxId)})) peer.close();
    (void)co_await arena.pass(50ms);
  }
  const auto& limits = arena.victim().node().options().resource;
  const double minutes = std::chrono::duration<double>(arena.world().now() - start).count() / 60;
  EXPECT_LE(handshakes(arena) - before, limits.ip4_32_burst + std::uint64_t(limits.ip4_32_per_minute * minutes) + 1);
  EXPECT_GT(arena.victim().node().resources().prefixes().counters().refused_rate, 900u);
  EXPECT_TRUE(co_await visit(arena));
  (void)co_await arena.pass(5s);
}

TEST(Hostile, an_address_that_comes_and_goes_is_held_to_its_rate) {
  Arena arena;
  arena.endure(come_and_go(arena), kBudget);
}

// Every connection from a network of its own: the cap holds, strangers wait, and those we know still come in.
io::Task<void> flood_from_many_networks(Arena& arena) {
  swarm::ConnectionManager& manager = arena.victim().host().swarm().manager();
  const std::size_t cap = manager.options().max_connections;
  Peers peers;
  for (std::size_t i = 0; i < 4 * cap; ++i) {
    peers.push_back(std::make_unique<RawPeer>(arena.attacker()));
    (void)co_await peers.back()->secure(arena.target(), {std::string(muxer::kYamuxId)});
    EXPECT_LE(manager.open(), cap);
  }
  EXPECT_EQ(manager.open(), cap);
  EXPECT_LE(arena.victim().machine().open_descriptors(), 2 * cap + 1) << "those that are being closed count, too";
  SimNode known(arena.world().add_host(), deterministic_options());
  EXPECT_TRUE(manager.tag(known.id(), "known", 10));
  known.start();
  EXPECT_TRUE(co_await known.host().connect(arena.victim().id(), {arena.victim().listen_address()}));
  (void)co_await arena.pass(5s);
  EXPECT_NE(arena.victim().host().swarm().find(known.id()), nullptr);
  EXPECT_EQ(manager.counters().closed_hard_cap, 1u) << "one for one";
  co_await known.stop();
  close_all(peers);
  (void)co_await arena.pass(5s);
  EXPECT_TRUE(co_await visit(arena)) << "when the flood is over, strangers are served again";
  (void)co_await arena.pass(5s);
}

TEST(Hostile, connection_flood_from_many_networks) {
  runtime::Options options = victim_options();
  options.swarm.max_connections = options.swarm.max_inbound_connections = 64;
  Arena arena(options);
  arena.victim().host().swarm().manager().protect(arena.honest_peer(), "customer");
  arena.endure(flood_from_many_networks(arena), kBudget);
}

// Thousands that connect and say nothing, each from a network of its own: the oldest give way to the next.
io::Task<void> slow_handshakes(Arena& arena) {
  Peers peers;
  for (int i = 0; i < 3000; ++i) {
    peers.push_back(std::make_unique<RawPeer>(arena.attacker()));
    (void)co_await peers.back()->connect(arena.target());
    if (i % 500 == 499) {
      const Status newcomer = co_await visit(arena);
      EXPECT_TRUE(newcomer) << i << ": " << newcomer.error().message();
    }
  }
  EXPECT_GT(arena.inbound().evicted_pending, 2000u);
  EXPECT_EQ(arena.inbound().refused_by_gate, 0u);
  const auto used = arena.victim().node().resources().used();
  EXPECT_LE(used[resource::Resource::Connections], 64u);
  close_all(peers);
  (void)co_await arena.pass(15s);
  EXPECT_LE(arena.victim().node().resources().used()[resource::Resource::Connections], 1u);
}

TEST(Hostile, slow_handshakes_from_many_networks) {
  runtime::Options options = victim_options();
  options.resource.limits = {"transient.inbound_connections=40"};
  Arena arena(options);
  arena.endure(slow_handshakes(arena), kBudget);
}

constexpr std::string_view kWaitProtocol = "/wait/1.0.0";

io::Task<void> wait_for_data(host::Stream stream) { (void)co_await stream.peek(); }

// Forty peers open all the streams they can, half of them without a word, half for a protocol whose handler waits.
// Everybody else still gets a few.
io::Task<void> flood_of_streams(Arena& arena) {
  arena.victim().host().handle(std::string(kWaitProtocol), wait_for_data);
  Peers peers;
  io::TaskGroup reading(arena.world().reactor());
  for (int i = 0; i < 40; ++i) {
    peers.push_back(std::make_unique<RawPeer>(arena.attacker()));
    EXPECT_TRUE(co_await reach(*peers.back(), arena.target(), Stage::Muxer));
    reading.spawn(peers.back()->read_until_closed());
    ByteVector frames;
    for (std::uint32_t stream = 0; stream < 500; ++stream)
      append(frames, yamux_open(2 * stream + 1, i < 20 ? proposal(kWaitProtocol) : std::string()));
    EXPECT_TRUE(co_await peers.back()->send_plain(frames));
  }
  (void)co_await arena.pass(1s);
  resource::Manager& manager = arena.victim().node().resources();
  const std::uint64_t limit = manager.limits()[resource::ScopeKind::System][resource::Resource::Streams];
  const std::uint64_t reserve = manager.limits().reserved_streams_per_peer * (peers.size() + 2);
  EXPECT_GE(manager.used()[resource::Resource::Streams], limit);
  EXPECT_LE(manager.used()[resource::Resource::Streams], limit + reserve);
  EXPECT_GT(arena.host().refused_limit + arena.host().refused_per_protocol, 40u * 500 - limit - reserve - 1);
  const Status newcomer = co_await visit(arena);
  EXPECT_TRUE(newcomer) << newcomer.error().message();
  close_all(peers);
  co_await reading.join();
  (void)co_await arena.pass(15s);
  EXPECT_LE(manager.used()[resource::Resource::Streams], 4u);
}

TEST(Hostile, stream_flood_of_many_peers) {
  runtime::Options options = victim_options();
  options.resource.limits = {"system.streams=2000", "system.inbound_streams=2000", "transient.inbound_streams=500"};
  Arena arena(options);
  arena.endure(flood_of_streams(arena), kBudget);
}

}  // namespace
}  // namespace starling::testing
