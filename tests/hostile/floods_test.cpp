// Peers that got through the handshake and then send too much of something.
#include "hostile/arena.hpp"
#include "muxer/mplex_frame.hpp"
#include "starling/protocols/perf/perf.hpp"

namespace starling::testing {
namespace {

using namespace std::chrono_literals;
using namespace muxer::yamux;

// The attacker's machine and the network between hold up to a megabyte of the flood; the rest is the victim's.
constexpr std::size_t kBudget = 24u << 20;
constexpr std::uint32_t kFramesPerRecord = 2000;

std::string proposal(std::string_view protocol) {
  return multistream(transport::kMultistreamId) + multistream(protocol);
}

io::Task<void> drain(RawPeer& peer) { co_await peer.read_until_closed(); }

/// Sends `count` pieces made by `make(i)`, many in a record, until the victim has had enough.
template <typename Make>
io::Task<Status> flood(RawPeer& peer, std::uint32_t count, Make make) {
  for (std::uint32_t sent = 0; sent < count;) {
    ByteVector record;
    for (std::uint32_t i = 0; i < kFramesPerRecord && sent < count; ++i, ++sent) append(record, make(sent));
    STARLING_CO_CHECK(co_await peer.send_plain(record));
  }
  co_return Status{};
}

io::Task<void> open_streams(Arena& arena, bool reading) {
  RawPeer peer(arena.attacker());
  io::TaskGroup tasks(arena.world().reactor());
  EXPECT_TRUE(co_await reach(peer, arena.target(), Stage::Muxer));
  if (reading) tasks.spawn(drain(peer));
  (void)co_await flood(peer, 100'000, [](std::uint32_t i) { return yamux_open(2 * i + 1); });
  (void)co_await arena.pass(1s);
  EXPECT_GT(arena.host().refused_negotiating, 0u);
  (void)co_await arena.pass(12s);                                // those without a protocol time out
  EXPECT_EQ(arena.swarm().closed_violation, reading ? 0u : 1u);  // answers that nobody reads are bounded
  if (reading)
    EXPECT_EQ(arena.host().negotiation_timeout, arena.victim().node().options().host.max_negotiating_streams);
  peer.close();
  co_await tasks.join();
  (void)co_await arena.pass(1s);
}

TEST(Hostile, stream_flood_of_a_peer_that_reads) {
  Arena arena;
  arena.endure(open_streams(arena, true), kBudget);
}

TEST(Hostile, stream_flood_of_a_peer_that_does_not_read) {
  Arena arena;
  arena.endure(open_streams(arena, false), kBudget);
}

// The answer to the question waits when the record behind it ends the channel: nobody can seal it any more.
io::Task<void> ask_and_break(Arena& arena) {
  for (std::uint64_t round = 1; round <= 20; ++round) {
    RawPeer peer(arena.attacker());
    EXPECT_TRUE(co_await reach(peer, arena.target(), Stage::Muxer));
    ByteVector both = peer.sealed(yamux_frame({Type::Ping, kSyn, 0, 7}));
    append(both, ByteVector(66, 0));  // records of no bytes, not even a tag
    EXPECT_TRUE(co_await peer.send(both));
    const TimePoint asked = arena.world().reactor().now();
    co_await peer.read_until_closed();
    EXPECT_LT(arena.world().reactor().now() - asked, 1s) << "at once, not when the goodbye has taken too long";
    peer.close();
    (void)co_await arena.pass(1s);
    EXPECT_EQ(arena.swarm().closed_violation, round);
  }
}

TEST(Hostile, a_bad_record_behind_a_question_ends_the_connection_at_once) {
  Arena arena;
  arena.endure(ask_and_break(arena), kBudget);
}

io::Task<void> open_and_reset(Arena& arena) {
  RawPeer peer(arena.attacker());
  io::TaskGroup tasks(arena.world().reactor());
  EXPECT_TRUE(co_await reach(peer, arena.target(), Stage::Muxer));
  tasks.spawn(drain(peer));
  (void)co_await flood(peer, 100'000, [](std::uint32_t i) {
    ByteVector both = yamux_open(2 * i + 1, proposal(ping::kProtocolId));
    append(both, yamux_frame({Type::WindowUpdate, kRst, 2 * i + 1, 0}));
    return both;
  });
  (void)co_await arena.pass(1s);
  EXPECT_GE(arena.host().negotiation_failed + arena.host().refused_negotiating, 100'000u);
  peer.close();
  co_await tasks.join();
  (void)co_await arena.pass(1s);
}

TEST(Hostile, rapid_reset) {
  Arena arena;
  arena.endure(open_and_reset(arena), kBudget);
}

io::Task<void> flood_of_pings(Arena& arena) {
  RawPeer peer(arena.attacker());
  EXPECT_TRUE(co_await reach(peer, arena.target(), Stage::Muxer));
  (void)co_await flood(peer, 200'000, [](std::uint32_t i) { return yamux_frame({Type::Ping, kSyn, 0, i}); });
  (void)co_await arena.pass(1s);
  std::uint64_t dropped = 0;
  for (const swarm::Link* link : arena.victim().host().swarm().connections()) dropped += link->stats().dropped_pings;
  EXPECT_GT(dropped + arena.swarm().closed_violation, 0u);
  peer.close();
  (void)co_await arena.pass(1s);
}

TEST(Hostile, muxer_ping_flood) {
  Arena arena;
  arena.endure(flood_of_pings(arena), kBudget);
}

io::Task<void> violate_window(Arena& arena) {
  RawPeer peer(arena.attacker());
  EXPECT_TRUE(co_await reach(peer, arena.target(), Stage::Muxer));
  EXPECT_TRUE(co_await peer.send_plain(yamux_open(1, proposal(kSinkProtocol))));
  const ByteVector piece(64u << 10);
  for (int i = 0; i < 6; ++i) (void)co_await put(peer, Stage::Stream, piece);
  (void)co_await arena.pass(3s);  // it waits a moment for us to read its goodbye
  EXPECT_EQ(arena.swarm().closed_violation, 1u);
  peer.close();
  (void)co_await arena.pass(1s);
}

TEST(Hostile, window_violation_closes_the_connection) {
  Arena arena;
  arena.endure(violate_window(arena), kBudget);
}

ByteVector mplex_message(muxer::mplex::Flag flag, std::uint64_t stream, Bytes payload = {}) {
  ByteVector message(muxer::mplex::kMaxHeaderSize);
  message.resize(muxer::mplex::encode({flag, stream, payload.size()}, message.data()));
  append(message, payload);
  return message;
}

io::Task<void> overrun_with_mplex(Arena& arena, std::uint64_t streams) {
  using muxer::mplex::Flag;
  RawPeer peer(arena.attacker());
  EXPECT_TRUE(co_await peer.secure(arena.target(), {std::string(muxer::kMplexId)}));
  for (std::uint64_t id = 0; id < streams; ++id) {
    EXPECT_TRUE(co_await peer.send_plain(mplex_message(Flag::NewStream, id)));
    EXPECT_TRUE(co_await peer.send_plain(mplex_message(Flag::MessageInitiator, id, as_bytes(proposal(kSinkProtocol)))));
  }
  const ByteVector piece(1u << 20);
  for (int i = 0; i < 8; ++i) {
    for (std::uint64_t id = 0; id < streams; ++id)
      (void)co_await peer.send_plain(mplex_message(Flag::MessageInitiator, id, piece));
  }
  (void)co_await arena.pass(1s);
  std::uint64_t overrun = 0;
  for (const swarm::Link* link : arena.victim().host().swarm().connections()) overrun += link->stats().overrun_streams;
  EXPECT_EQ(overrun, streams);
  peer.close();
  (void)co_await arena.pass(1s);
}

TEST(Hostile, mplex_sender_that_never_stops_loses_its_stream) {
  Arena arena;
  arena.endure(overrun_with_mplex(arena, 1), kBudget);
}

TEST(Hostile, mplex_streams_share_the_memory_of_their_connection) {
  runtime::Options options = victim_options();
  options.muxer.window_memory = 8u << 20;
  Arena arena(options);
  arena.endure(overrun_with_mplex(arena, 32), kBudget);
}

// Asks for gigabytes on many streams, opens every window, and reads nothing.
io::Task<void> never_read(Arena& arena) {
  RawPeer peer(arena.attacker());
  EXPECT_TRUE(co_await reach(peer, arena.target(), Stage::Muxer));
  std::string request = proposal(perf::kProtocolId) + std::string("\0\0\0\x01\0\0\0\0", 8);  // 4 GiB
  (void)co_await flood(peer, 100, [&](std::uint32_t i) {
    ByteVector frames = yamux_open(2 * i + 1, request);
    append(frames, yamux_frame({Type::WindowUpdate, kFin, 2 * i + 1, 1u << 30}));
    return frames;
  });
  (void)co_await arena.pass(1s);
  EXPECT_GE(arena.victim().host().open_streams(),
            1u);  // the first has filled the connection; the others wait behind it
  (void)co_await arena.pass(90s);
  EXPECT_EQ(arena.victim().host().open_streams(), 0u) << "streams without progress end";
  peer.close();
  (void)co_await arena.pass(5s);
}

TEST(Hostile, peer_that_never_reads_makes_us_hold_little) {
  Arena arena;
  arena.endure(never_read(arena), kBudget);
}

io::Task<void> connect_without_end(Arena& arena, std::size_t connections) {
  std::vector<std::unique_ptr<RawPeer>> peers;
  for (std::size_t i = 0; i < connections; ++i) {
    peers.push_back(std::make_unique<RawPeer>(arena.attacker()));
    (void)co_await peers.back()->secure(arena.target(), {std::string(muxer::kYamuxId)});
  }
  (void)co_await arena.pass(5s);
  const std::size_t limit = arena.victim().node().options().swarm.max_inbound_connections;
  EXPECT_EQ(arena.victim().host().swarm().connection_count(), limit);
  EXPECT_EQ(arena.swarm().refused_limit, connections + 1 - limit);  // the honest peer has one of the places
  for (auto& peer : peers) peer->close();
  (void)co_await arena.pass(5s);
}

TEST(Hostile, connections_beyond_the_limit_are_turned_away) {
  runtime::Options options = victim_options();
  options.swarm.max_inbound_connections = 32;
  Arena arena(options);
  arena.endure(connect_without_end(arena, 200), kBudget);
}

}  // namespace
}  // namespace starling::testing
