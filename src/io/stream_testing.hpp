// What tests of networks say often: make a pair of connected sockets, move all of something, run until done.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "starling/io/network.hpp"

namespace starling::io::testing {

using SocketPtr = std::unique_ptr<StreamSocket>;

inline Task<Status> write_all(StreamSocket& socket, Bytes bytes) {
  while (!bytes.empty()) {
    const auto written = socket.try_write(bytes);
    if (written) {
      bytes = bytes.subspan(*written);
    } else if (written.error() == ErrorCode::WouldBlock) {
      STARLING_CO_CHECK(co_await socket.writable());
    } else {
      co_return std::unexpected(written.error());
    }
  }
  co_return Status{};
}

/// Waits for some bytes; 0 at the end of the stream.
inline Task<Result<std::size_t>> read_some(StreamSocket& socket, MutableBytes into) {
  for (;;) {
    auto size = socket.try_read(into);
    if (size || !(size.error() == ErrorCode::WouldBlock)) co_return size;
    STARLING_CO_CHECK(co_await socket.readable());
  }
}

inline Task<Result<std::string>> read_exactly(StreamSocket& socket, std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t at = 0; at < size;) {
    MutableBytes rest{reinterpret_cast<std::uint8_t*>(text.data()) + at, size - at};
    STARLING_CO_TRY(const std::size_t got, co_await read_some(socket, rest));
    if (got == 0) co_return fail(ErrorCode::EndOfStream, Op::Read, Origin::Remote);
    at += got;
  }
  co_return text;
}

inline Task<Result<std::string>> read_to_end(StreamSocket& socket) {
  std::string text;
  std::vector<std::uint8_t> buffer(64 << 10);
  for (;;) {
    STARLING_CO_TRY(const std::size_t got, co_await read_some(socket, buffer));
    if (got == 0) co_return text;
    text += as_text(Bytes(buffer.data(), got));
  }
}

struct SocketPair {
  SocketPtr client, server;
};

/// A connection from `from` to `listener`, which listens on `to`.
inline Task<Result<SocketPair>> make_pair(Network& from, Listener& listener, Endpoint to) {
  SocketPair pair;
  STARLING_CO_TRY(pair.client, co_await from.connect(to, {}));
  STARLING_CO_TRY(pair.server, co_await listener.accept());
  co_return pair;
}

/// Reproducible bytes that differ everywhere.
inline std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  std::uint32_t state = 1;
  for (char& c : text) {
    state = state * 1664525 + 1013904223;
    c = char(state >> 24);
  }
  return text;
}

template <typename T>
ErrorCode code_of(const Result<T>& result) {
  EXPECT_FALSE(result.has_value()) << "expected an error";
  return result ? ErrorCode::Internal : result.error().code();
}

}  // namespace starling::io::testing
