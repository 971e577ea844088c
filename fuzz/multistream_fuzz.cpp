// Any bytes at a multistream dialer and listener, in pieces that the first byte chooses: whole or cut, the same ends.
#include <algorithm>

#include "starling/base/assert.hpp"
#include "starling/transport/multistream.hpp"

using namespace starling;
using namespace starling::transport;

namespace {

struct End {
  bool failed = false, done = false;
  ByteVector rest, said;
};

template <typename Machine>
End feed(Machine machine, Bytes input, std::size_t piece) {
  End end;
  ByteQueue in, out;
  while (!input.empty() && !end.failed && !machine.done()) {
    const std::size_t count = std::min(piece, input.size());
    in.append(input.first(count));
    input = input.subspan(count);
    end.failed = !machine.receive(in, out);
    STARLING_ASSERT(end.failed || machine.done() || in.size() <= kMaxMultistreamMessage + 2,
                    "only a partial message waits");
  }
  end.done = machine.done();
  end.said = to_vector(out.view());
  if (!end.failed) end.rest = to_vector(in.view());
  append(end.rest, input);
  return end;
}

template <typename Make>
void check(Make make, Bytes input, std::size_t piece) {
  const End whole = feed(make(), input, input.size()), cut = feed(make(), input, piece);
  STARLING_ASSERT(whole.failed == cut.failed && whole.done == cut.done && whole.said == cut.said,
                  "pieces do not matter");
  STARLING_ASSERT(whole.failed || whole.rest == cut.rest, "what follows is left alone");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const Bytes input(data + 1, size - 1);
  const std::size_t piece = 1 + data[0] % 64;
  check([] { return MultistreamDialer({"/noise", "/tls/1.0.0"}); }, input, piece);
  check([] { return MultistreamListener([](std::string_view name) { return name == "/noise"; }, {"/noise"}); }, input,
        piece);
  return 0;
}
