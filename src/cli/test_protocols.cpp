#include "cli/test_protocols.hpp"

#include <array>

namespace starling::cli {
namespace {

io::Task<void> echo(host::Stream stream) {
  for (;;) {
    auto got = co_await stream.peek();
    if (!got) co_return;
    if (got->empty()) co_return stream.close_write();
    const ByteVector piece =
        to_vector(got->first(std::min<std::size_t>(got->size(), 64u << 10)));  // the view dies in write()
    stream.consume(piece.size());
    if (!co_await stream.write(piece)) co_return;
  }
}

io::Task<void> reset_after_one(host::Stream stream) {
  std::array<std::uint8_t, 1> one;
  (void)co_await stream.read_exactly(one);
  stream.reset(kTestResetCode);
}

io::Task<void> leave_after_64k(host::Stream stream) {
  for (std::size_t left = 64u << 10; left > 0;) {
    auto got = co_await stream.peek();
    if (!got || got->empty()) co_return;
    const std::size_t size = std::min(got->size(), left);
    stream.consume(size);
    left -= size;
  }
}  // dropping the stream resets it: the peer is still writing

}  // namespace

void serve_test_protocols(host::Host& host) {
  host.handle(std::string(kEchoId), echo);
  host.handle(std::string(kTestResetId), reset_after_one);
  host.handle(std::string(kTestCloseId), leave_after_64k);
}

}  // namespace starling::cli
