// Holds N connections to one peer open, each from a node of its own, and does nothing with them: for measuring what
// an idle connection costs the listener. Prints "ready", ends when its input ends.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "starling/io/real.hpp"
#include "starling/runtime/node.hpp"

namespace {

using namespace starling;

std::string transport_of(const Multiaddr& address) { return address.value(Protocol::QuicV1) ? "quic-v1" : "tcp"; }

io::Task<Status> hold(io::World world, Multiaddr address, PeerId peer, std::size_t count) {
  std::vector<std::unique_ptr<runtime::Node>> nodes;
  Status status;
  for (std::size_t i = 0; i < count && status; ++i) {
    runtime::Options options;
    options.transport.transports = {transport_of(address)};
    auto key = crypto::PrivateKey::generate(crypto::KeyType::Ed25519, world.random);
    if (!key) co_return std::unexpected(key.error());
    auto node = runtime::Node::create(world, std::move(*key), options, /*wall_clock_ns=*/1);
    if (!node) co_return std::unexpected(node.error());
    nodes.push_back(std::move(*node));
    const auto connected = co_await nodes.back()->host().connect(peer, {address});
    if (!connected)
      status = std::unexpected(connected.error());
    else
      (void)co_await nodes.back()->host().identified(peer);
  }
  if (status) {
    std::puts("ready");
    std::fflush(stdout);
    (void)std::getchar();  // nothing else is to happen here meanwhile
  }
  for (auto& node : nodes) co_await node->close();
  co_return status;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: idle_connections MULTIADDR COUNT\n"), 2;
  const auto address = Multiaddr::from_string(argv[1]);
  const auto id = address ? address->value(Protocol::P2p) : std::nullopt;
  const auto peer = id ? PeerId::from_bytes(*id) : Result<PeerId>(fail(ErrorCode::Malformed, Op::Parse, Origin::Local));
  if (!peer) return std::fprintf(stderr, "not an address that ends in /p2p/<peer id>: %s\n", argv[1]), 2;
  const auto reactor = io::RealReactor::create();
  const auto network = reactor->make_network();
  const Status status = io::run_task(
      *reactor, hold({*reactor, *network, system_random()}, *address, *peer, std::size_t(std::atoi(argv[2]))));
  if (!status) std::fprintf(stderr, "%s\n", status.error().message().c_str());
  return status ? 0 : 1;
}
