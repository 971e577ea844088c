// Any bytes as a web server's reply to DNS over HTTPS, in pieces that the first byte chooses: bounded, and the same
// whether whole or cut.
#include <algorithm>
#include <optional>

#include "names/doh_exchange.hpp"
#include "starling/base/assert.hpp"

using namespace starling;

namespace {

constexpr std::size_t kMaxReply = 512;
constexpr std::size_t kMaxWaiting = 8192 + 64;  // of a header that is not whole, and a piece more

struct Outcome {
  bool failed = false, done = false;
  ByteVector message;
};

Outcome feed(Bytes input, std::size_t piece) {
  names::DohExchange exchange(kMaxReply);
  ByteQueue in;
  Outcome outcome;
  while (!input.empty() && !outcome.failed && !exchange.done()) {
    const std::size_t count = std::min(piece, input.size());
    in.append(input.first(count));
    input = input.subspan(count);
    outcome.failed = !exchange.receive(in);
    STARLING_ASSERT(outcome.failed || exchange.done() || in.size() <= kMaxWaiting, "what waits is bounded");
  }
  if (!outcome.failed && !exchange.done()) outcome.failed = !exchange.end();
  outcome.done = !outcome.failed && exchange.done();
  if (!outcome.done) return outcome;
  outcome.message = to_vector(exchange.message());
  STARLING_ASSERT(outcome.message.size() <= kMaxReply, "a message is bounded");
  STARLING_ASSERT(exchange.age() >= Duration::zero(), "an age is never negative");
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const Bytes input(data + 1, std::min<std::size_t>(size - 1, 4096));
  const Outcome whole = feed(input, input.size()), cut = feed(input, 1 + data[0] % 64);
  STARLING_ASSERT(whole.done == cut.done, "pieces do not matter");
  STARLING_ASSERT(whole.message == cut.message, "nor for the message");
  return 0;
}
