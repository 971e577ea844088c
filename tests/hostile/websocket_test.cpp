// Strangers at a port that TCP and WebSocket share: floods of half upgrades, endless headers, pings that nobody asked
// for and frames of every size, while an honest peer is served on the same port.
#include "hostile/arena.hpp"
#include "transport/run_machine.hpp"
#include "transport/websocket/websocket_channel.hpp"
#include "transport/websocket/websocket_upgrade.hpp"

namespace starling::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBudget = 8u << 20;

runtime::Options with_websocket() {
  runtime::Options options = victim_options();
  options.transport.transports = {"tcp", "ws"};
  return options;
}

/// An attacker inside a WebSocket.
struct Client {
  explicit Client(io::World world_in)
      : world(world_in), frames({.client = true, .max_frame_bytes = 1u << 20}, world.random) {}
  io::Task<Status> connect(io::Endpoint to) {
    STARLING_CO_TRY(socket, co_await world.network.connect(to, {}));
    const auto upgrade = transport::make_websocket_client_upgrade("victim", 2048, world.random);
    co_return co_await transport::run_machine(*socket, *upgrade, in, out);
  }
  io::Task<Status> send(Bytes bytes) {
    out.append(bytes);
    co_return co_await io::with_deadline(30s, io::timeout_error(Op::Write, "the victim does not read"),
                                         transport::write_all(*socket, out));
  }
  io::World world;
  std::unique_ptr<io::StreamSocket> socket;
  transport::WebSocketChannel frames;
  ByteQueue in, out;
};

void open_websocket(Arena& arena) {
  const Multiaddr ws = transport::tcp_multiaddr(arena.target()).with(Protocol::Ws);
  ASSERT_TRUE(arena.victim().host().listen(ws));
}

io::Task<void> flood_with_pings(Arena& arena) {
  open_websocket(arena);
  Client client(arena.attacker());
  EXPECT_TRUE(co_await client.connect(arena.target()));
  ByteVector pings;
  const ByteVector content(125, 'p');
  for (int i = 0; i < 500; ++i) {
    append(pings, from_hex("89fd00000000").value());  // a masked ping of 125 bytes
    append(pings, content);
  }
  for (int i = 0; i < 100; ++i) {  // 6 MiB; the answers are never read
    if (!co_await client.send(pings)) break;
    (void)co_await arena.pass(10ms);
  }
  client.socket->close();
  (void)co_await arena.pass(15s);
}

TEST(HostileWebSocket, a_flood_of_pings_is_answered_within_bounds) {
  Arena arena(with_websocket());
  arena.endure(flood_with_pings(arena), kBudget);
}

io::Task<void> never_come_to_the_point(Arena& arena) {
  open_websocket(arena);
  std::vector<std::unique_ptr<io::StreamSocket>> held;
  const std::string_view beginnings[] = {"", "GE", "GET / HTTP/1.1\r\nX: ", "\x16\x03\x01", "PUT / HTTP/1.1\r\n\r\n"};
  for (std::size_t i = 0; i < 500; ++i) {
    auto socket = co_await arena.attacker().network.connect(arena.target(), {});
    if (!socket) continue;
    (void)(*socket)->try_write(as_bytes(beginnings[i % std::size(beginnings)]));
    held.push_back(std::move(*socket));
    if (i % 50 == 0) (void)co_await arena.pass(10ms);
  }
  (void)co_await arena.pass(30s);
  const auto& in = arena.inbound();
  EXPECT_GE(in.timed_out + in.failed_negotiation + in.evicted_pending + in.refused_by_gate, 490u)
      << in.timed_out << " timed out, " << in.failed_negotiation << " failed, " << in.evicted_pending << " gave way";
  held.clear();
  (void)co_await arena.pass(1s);
}

TEST(HostileWebSocket, half_upgrades_are_cut_and_honest_peers_on_the_same_port_are_served) {
  Arena arena(with_websocket());
  arena.endure(never_come_to_the_point(arena), kBudget);
}

io::Task<void> send_endless_header(Arena& arena) {
  open_websocket(arena);
  Client client(arena.attacker());
  auto socket = co_await arena.attacker().network.connect(arena.target(), {});
  EXPECT_TRUE(socket);
  if (!socket) co_return;
  client.socket = std::move(*socket);
  const std::string piece(64u << 10, 'a');
  EXPECT_TRUE(co_await client.send(as_bytes("GET / HTTP/1.1\r\nX: ")));
  for (int i = 0; i < 100; ++i)
    if (!co_await client.send(as_bytes(piece))) break;
  (void)co_await arena.pass(1s);
  EXPECT_EQ(arena.inbound().failed_negotiation, 1u);
  client.socket->close();
  (void)co_await arena.pass(1s);
}

TEST(HostileWebSocket, a_header_without_end_costs_its_bound) {
  Arena arena(with_websocket());
  arena.endure(send_endless_header(arena), kBudget);
}

}  // namespace
}  // namespace starling::testing
