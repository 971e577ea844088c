// The HTTP upgrade, either side, against anything: no more than the bound is held, and nobody is done by chance.
#include "security_fuzz_peer.hpp"
#include "transport/websocket/websocket_upgrade.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace starling;
  constexpr std::size_t kLimit = 2048, kPiece = 64;
  fuzz::Input input({data, size});
  const auto random = seeded_random(1);
  const bool client = (input.byte() & 1) != 0;
  const auto machine = client ? transport::make_websocket_client_upgrade("host", kLimit, *random)
                              : transport::make_websocket_server_upgrade(kLimit);
  ByteQueue in, out;
  Status status = machine->start(out);
  out.clear();
  while (status && !machine->done() && !input.empty()) {
    in.append(input.take(kPiece));
    status = machine->receive(in, out);
    STARLING_ASSERT(!status || machine->done() || in.size() <= kLimit + kPiece, "a header is bounded");
  }
  STARLING_ASSERT(status || !machine->done(), "a refused upgrade is not done");
  STARLING_ASSERT(client || status || !out.empty(), "a client is told why");
  return 0;
}
