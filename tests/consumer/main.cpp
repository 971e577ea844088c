// Parses an address with the installed package, and takes the peer id out of it.
#include <cstdio>
#include <string>

#include "starling/multiformats/multiaddr.hpp"
#include "starling/peer/peer_id.hpp"

int main() {
  const std::string peer_text = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA";
  const auto address = starling::Multiaddr::from_string("/ip4/127.0.0.1/tcp/4001/p2p/" + peer_text);
  const auto peer = starling::PeerId::from_string(peer_text);
  if (!address || !peer || peer->to_string() != peer_text) return 1;
  std::printf("consumer: %s\n", address->to_string().c_str());
}
