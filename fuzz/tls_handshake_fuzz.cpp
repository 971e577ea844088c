// The TLS handshake against a remote that says anything, and, chosen by the first byte, an honest exchange in which the
// fuzzer changes bytes on their way: those reach the certificate and the finished messages.
#include "security_fuzz_peer.hpp"

namespace {

using namespace starling;

std::int64_t fixed_time() { return 1'800'000'000; }

security::Protocol& protocol(std::uint64_t seed) {
  static const auto dialer = security::make_tls(fuzz::fixed_key(1), fixed_time).value();
  static const auto listener = security::make_tls(fuzz::fixed_key(2), fixed_time).value();
  return seed == 0 ? *dialer : *listener;
}

/// Three bytes of input change one byte of what passes: where (two bytes) and how.
void garble(fuzz::Input& input, ByteQueue& passing) {
  if (passing.empty() || input.empty()) return;
  const std::size_t where = (std::size_t(input.byte()) << 8 | input.byte()) % passing.size();
  passing.mutable_view()[where] ^= input.byte();
}

void exchange(fuzz::Input input) {
  const auto initiator = protocol(0).begin({.role = security::Role::Initiator, .muxers = {"/yamux/1.0.0"}});
  const auto responder = protocol(1).begin({.role = security::Role::Responder, .muxers = {"/yamux/1.0.0"}});
  ByteQueue to_initiator, to_responder;
  bool alive = initiator->start(to_responder) && responder->start(to_initiator);
  for (int round = 0; alive && round < 4; ++round) {
    garble(input, to_responder);
    alive = responder->receive(to_responder, to_initiator).has_value();
    garble(input, to_initiator);
    alive = alive && initiator->receive(to_initiator, to_responder);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input({data, size});
  if (input.byte() < 64)
    exchange(input);
  else
    fuzz::feed_handshake(protocol(0), input.rest());
  return 0;
}
