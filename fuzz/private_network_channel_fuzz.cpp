// A stream of a private network whose other end is a member, a stranger, or noise: what a member said comes out as it
// went in, nothing passes from anybody else, and once refused the stream stays refused.
#include <string>

#include "security_fuzz_peer.hpp"
#include "starling/security/private_network.hpp"

namespace {

using namespace starling;

constexpr std::string_view kWords = "\x13/multistream/1.0.0\n";

class Recording final : public security::PlaintextSink {
 public:
  Status on_plaintext(Bytes plaintext) override {
    append(said, plaintext);
    return {};
  }
  ByteVector said;
};

security::PrivateNetworkKey key(std::uint64_t seed) {
  return security::PrivateNetworkKey::generate(*seeded_random(seed));
}

// The fuzzer's own bytes. By luck it may hit on the first of the words; it never gets all of them.
void feed_noise(fuzz::Input input) {
  const auto random = seeded_random(3);
  const auto channel = security::make_private_network_channel(key(1), *random, std::string(kWords));
  ByteQueue wire, answer;
  Recording sink;
  bool refused = false;
  while (!input.empty()) {
    wire.append(input.take(1u + input.byte()));
    const Status status = channel->open(wire, sink);
    STARLING_ASSERT(!refused || !status, "refused once is refused for good");
    refused = refused || !status;
    STARLING_ASSERT(sink.said.size() < kWords.size(), "nobody without the key gets a word through");
  }
  STARLING_ASSERT(channel->close(answer), "closing cannot fail");
}

// A member's stream, cut and changed on the way. Until the first change everything arrives.
void feed_member(fuzz::Input input) {
  const auto random = seeded_random(4);
  const auto near = security::make_private_network_channel(key(1), *random, std::string(kWords));
  const auto far = security::make_private_network_channel(key(1), *random, std::string(kWords));
  ByteQueue sealed, wire;
  ByteVector sent = to_vector(as_bytes(kWords));
  STARLING_ASSERT(near->seal(sent, sealed), "sealing cannot fail");
  Recording sink;
  bool changed = false;
  for (Status status; status && !input.empty();) {
    const std::uint8_t what = input.byte();
    if (what < 100) {  // says some more
      const ByteVector more(std::size_t(what) * 7, what);
      append(sent, more);
      STARLING_ASSERT(near->seal(more, sealed), "sealing cannot fail");
    } else if (what < 220) {  // a part goes over
      const std::size_t part = sealed.size() * (what - 99u) / 120;
      wire.append(sealed.view().first(part));
      sealed.consume(part);
      status = far->open(wire, sink);
      STARLING_ASSERT(status || changed, "a member is not refused");
    } else if (!sealed.empty()) {  // a changed bit
      sealed.mutable_view()[(std::size_t(input.byte()) << 8 | input.byte()) % sealed.size()] ^= std::uint8_t(what | 1);
      changed = true;
    }
    STARLING_ASSERT(sink.said.size() <= sent.size(), "no more than was said");
    if (!changed) STARLING_ASSERT(equal(sink.said, Bytes(sent).first(sink.said.size())), "what was said arrives");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input({data, size});
  if (input.byte() < 128)
    feed_member(input);
  else
    feed_noise(input);
  return 0;
}
