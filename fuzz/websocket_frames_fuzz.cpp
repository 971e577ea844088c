// WebSocket frames from a remote that says anything, in pieces: the same bytes come out whole or in pieces, nothing but
// an unfinished header or control frame is held, and what we answer stays small.
#include <vector>

#include "security_fuzz_peer.hpp"
#include "transport/websocket/websocket_channel.hpp"

namespace {

using namespace starling;

constexpr std::size_t kMostHeld = 14 + 125;

struct Collect final : security::PlaintextSink {
  Status on_plaintext(Bytes plaintext) override {
    append(bytes, plaintext);
    return {};
  }
  ByteVector bytes;
};

struct Run {
  Run(bool client, Random& random) : channel({.client = client, .max_frame_bytes = 1u << 16}, random) {}
  transport::WebSocketChannel channel;
  ByteQueue wire, answers;
  Collect sink;
  Status status;

  void feed(Bytes bytes) {
    if (!status) return;
    wire.append(bytes);
    status = channel.open(wire, sink);
    STARLING_ASSERT(!status || wire.size() <= kMostHeld, "frames are not held");
    (void)channel.seal({}, answers);
    STARLING_ASSERT(answers.size() <= kMostHeld, "one answer at a time");
    answers.clear();
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input({data, size});
  const auto random = seeded_random(1);
  const bool client = (input.byte() & 1) != 0;
  Run whole(client, *random), pieces(client, *random);
  const Bytes rest = input.rest();
  whole.feed(rest);
  for (Bytes left = rest; !left.empty();) {
    const std::size_t count = std::min<std::size_t>(left.size(), 1 + left[0] % 16);
    pieces.feed(left.first(count));
    left = left.subspan(count);
  }
  STARLING_ASSERT(whole.sink.bytes == pieces.sink.bytes, "pieces do not change the content");
  STARLING_ASSERT(whole.status.has_value() == pieces.status.has_value(), "nor the verdict");
  return 0;
}
