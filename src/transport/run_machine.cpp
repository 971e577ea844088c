#include "transport/run_machine.hpp"

namespace starling::transport {

io::Task<Status> read_more(io::StreamSocket& socket, ByteQueue& in, std::size_t most) {
  for (;;) {
    const auto got = socket.try_read(in.prepare(most).first(most));
    if (got && *got > 0) {
      in.commit(*got);
      co_return Status{};
    }
    if (got) co_return fail(ErrorCode::EndOfStream, Op::Read, Origin::Remote, "the peer ended the connection");
    if (!(got.error() == ErrorCode::WouldBlock)) co_return fail(got.error());
    if (in.empty()) in.clear();  // a peer that stalls holds no buffer of ours
    STARLING_CO_CHECK(co_await socket.readable());
  }
}

io::Task<Status> write_all(io::StreamSocket& socket, ByteQueue& out) {
  while (!out.empty()) {
    const auto wrote = socket.try_write(out.view());
    if (wrote) {
      out.consume(*wrote);
    } else if (wrote.error() == ErrorCode::WouldBlock) {
      STARLING_CO_CHECK(co_await socket.writable());
    } else {
      co_return fail(wrote.error());
    }
  }
  co_return Status{};
}

}  // namespace starling::transport
