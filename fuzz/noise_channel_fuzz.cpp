// A Noise channel fed true records that the fuzzer cuts, joins and changes. What comes out is what went in, or an
// error.
#include "security/noise_channel.hpp"
#include "security_fuzz_peer.hpp"

using namespace starling;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteVector key_a(32, 1), key_b(32, 2);
  security::NoiseChannel sender{crypto::ChaChaPoly(key_a), crypto::ChaChaPoly(key_b)};
  security::NoiseChannel receiver{crypto::ChaChaPoly(key_b), crypto::ChaChaPoly(key_a)};
  fuzz::Input input({data, size});
  ByteQueue sealed, wire;
  fuzz::Expecting sink;
  fuzz::Counting source;
  Status status;
  while (status && !input.empty()) {
    const std::uint8_t what = input.byte();
    if (what < 96) {  // seal some more
      STARLING_ASSERT(sender.seal(source.next(std::size_t(what) * what * 20), sealed), "sealing cannot fail");
    } else if (what < 160) {  // a part goes over
      const std::size_t part = sealed.size() * (what - 95u) / 64;
      wire.append(sealed.view().first(part));
      sealed.consume(part);
      status = receiver.open(wire, sink);
    } else if (what < 200) {  // bytes of the attacker's own
      wire.append(input.take(what - 159u));
      status = receiver.open(wire, sink);
    } else if (!sealed.empty()) {  // a changed bit
      sealed.mutable_view()[(std::size_t(input.byte()) << 8 | input.byte()) % sealed.size()] ^= std::uint8_t(what | 1);
    }
  }
  return 0;
}
