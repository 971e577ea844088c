// Runs a handshake machine (start, receive, done) over a socket.
#pragma once

#include "starling/io/network.hpp"

namespace starling::transport {

/// At least one more byte into `in`, at most `most`. Errors: EndOfStream, and those of sockets.
io::Task<Status> read_more(io::StreamSocket& socket, ByteQueue& in, std::size_t most);
io::Task<Status> write_all(io::StreamSocket& socket, ByteQueue& out);

/// Until `machine` is done. What it says last stays in `out`, to leave together with what follows; what came behind the
/// handshake stays in `in`. If it fails, its last words are sent as far as the socket takes them.
template <typename Machine>
io::Task<Status> run_machine(io::StreamSocket& socket, Machine& machine, ByteQueue& in, ByteQueue& out) {
  constexpr std::size_t kRead = 4096;
  STARLING_CO_CHECK(machine.start(out));
  for (;;) {
    if (const Status status = machine.receive(in, out); !status) {
      if (!out.empty()) (void)socket.try_write(out.view());
      co_return status;
    }
    if (machine.done()) co_return Status{};
    STARLING_CO_CHECK(co_await write_all(socket, out));
    STARLING_CO_CHECK(co_await read_more(socket, in, kRead));
  }
}

}  // namespace starling::transport
