// The plaintext handshake against a remote that says anything.
#include "security_fuzz_peer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto protocol = starling::security::make_plaintext(starling::fuzz::fixed_key(1));
  starling::fuzz::feed_handshake(*protocol, {data, size});
  return 0;
}
