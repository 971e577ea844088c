#include "requests.hpp"

#include <array>

namespace starling::bench {
namespace {

using Message = std::array<std::uint8_t, 1 + kRequestBytes>;

Message request() {
  Message message;
  message.fill(0x5a);
  message[0] = kRequestBytes;
  return message;
}

io::Task<void> answer(host::Stream stream) {
  Message message;
  for (;;) {
    if (const Status read = co_await stream.read_exactly(message); !read) {
      if (read.error() == ErrorCode::EndOfStream) stream.close_write();
      co_return;
    }
    if (!co_await stream.write(message)) co_return;
  }
}

}  // namespace

void serve_requests(host::Host& host) { host.handle(std::string(kRequestsId), answer); }

io::Task<Result<Requester>> Requester::open(host::Host& host, PeerId peer) {
  STARLING_CO_TRY(host::Stream stream, co_await host.open_stream(std::move(peer), {std::string(kRequestsId)}));
  co_return Requester(host, std::move(stream));
}

io::Task<Result<Duration>> Requester::exchange() {
  const Message sent = request();
  Message got;
  const TimePoint start = reactor_->now();
  STARLING_CO_CHECK(co_await stream_.write(sent));
  STARLING_CO_CHECK(co_await stream_.read_exactly(got));
  if (got != sent)
    co_return fail(ErrorCode::ProtocolViolation, Op::Read, Origin::Remote, "the answer differs from the request");
  co_return reactor_->now() - start;
}

io::Task<void> finish(Requester requester) { (void)co_await requester.close(); }

}  // namespace starling::bench
