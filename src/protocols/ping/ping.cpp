#include "starling/protocols/ping/ping.hpp"

#include <array>

namespace starling::ping {
namespace {

using Payload = std::array<std::uint8_t, kPingSize>;

io::Task<Status> answer_one(host::Stream& stream) {
  Payload payload;
  STARLING_CO_CHECK(co_await stream.read_exactly(payload));
  co_return co_await stream.write(payload);
}

// The end of the stream between two pings is the normal end.
io::Task<Status> wait_for_next(host::Stream& stream, bool& ended) {
  STARLING_CO_TRY(const Bytes next, co_await stream.peek());
  ended = next.empty();
  co_return Status{};
}

io::Task<void> answer(host::Stream stream, PingOptions options) {
  const Error late = io::timeout_error(Op::Ping, "the next ping");
  for (;;) {
    bool ended = false;
    if (!co_await io::with_deadline(options.timeout, late, wait_for_next(stream, ended))) co_return;
    if (ended) co_return stream.close_write();
    if (!co_await io::with_deadline(options.timeout, late, answer_one(stream))) co_return;
  }
}

}  // namespace

void serve(host::Host& host, PingOptions options) {
  host.handle(std::string(kProtocolId), [options](host::Stream stream) { return answer(std::move(stream), options); });
}

io::Task<Result<Pinger>> Pinger::open(host::Host& host, PeerId peer, PingOptions options) {
  STARLING_CO_TRY(host::Stream stream, co_await host.open_stream(std::move(peer), {std::string(kProtocolId)}));
  co_return Pinger(host, std::move(stream), options);
}

io::Task<Status> Pinger::exchange() {
  Payload sent, received;
  host_->world().random.fill(sent);
  STARLING_CO_CHECK(co_await stream_.write(sent));
  STARLING_CO_CHECK(co_await stream_.read_exactly(received));
  if (sent == received) co_return Status{};
  co_return fail(ErrorCode::ProtocolViolation, Op::Ping, Origin::Remote, "other bytes came back than were sent");
}

io::Task<Result<Duration>> Pinger::ping() {
  const io::Reactor& reactor = host_->world().reactor;
  const TimePoint start = reactor.now();
  STARLING_CO_CHECK(co_await io::with_deadline(options_.timeout, too_late_, exchange()));
  co_return reactor.now() - start;
}

}  // namespace starling::ping
