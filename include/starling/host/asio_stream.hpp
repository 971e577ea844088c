// AsioStream: a libp2p stream as a Boost.Asio AsyncReadStream and AsyncWriteStream, so that asio::async_read, Beast's
// HTTP and any other Asio protocol code run over it unchanged. Header-only: nothing else in the tree sees Asio for it.
// Threading: the reactor's thread, which is the one that runs its io_context.
#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <cstring>
#include <utility>

#include "starling/host/stream.hpp"
#include "starling/io/asio.hpp"

namespace starling::host {

/// Errors as Asio code knows them; the libp2p reason stays in Stream::close_reason().
inline boost::system::error_code to_asio_error(const Error& error) {
  if (error == ErrorCode::Cancelled) return boost::asio::error::operation_aborted;
  if (error == ErrorCode::Timeout) return boost::asio::error::timed_out;
  if (error == ErrorCode::EndOfStream) return boost::asio::error::eof;
  return boost::asio::error::connection_reset;
}

/// Owns the stream and the operations under way on it: at most one read and one write. close() before it dies.
class AsioStream {
 public:
  using executor_type = boost::asio::io_context::executor_type;

  AsioStream(io::RealReactor& reactor, Stream stream)
      : executor_(io::io_context_of(reactor).get_executor()), stream_(std::move(stream)), tasks_(reactor) {}

  executor_type get_executor() const noexcept { return executor_; }
  Stream& stream() { return stream_; }

  /// Completes with (error_code, bytes); eof when the remote ended its side.
  template <typename Buffers, typename Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
        [this](auto handler, Buffers into) { start(read(std::move(into), std::move(handler))); }, token, buffers);
  }
  /// Completes when the first non-empty buffer was taken whole.
  template <typename Buffers, typename Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
        [this](auto handler, Buffers from) { start(write(std::move(from), std::move(handler))); }, token, buffers);
  }

  /// Ends operations under way with operation_aborted.
  io::Task<void> close() { co_await tasks_.close(); }

 private:
  void start(io::Task<void> operation) { (void)tasks_.spawn(std::move(operation)); }

  template <typename Handler>
  void complete(Handler handler, boost::system::error_code error, std::size_t bytes) {
    const auto executor = boost::asio::get_associated_executor(handler, executor_);
    boost::asio::dispatch(executor,
                          [handler = std::move(handler), error, bytes]() mutable { std::move(handler)(error, bytes); });
  }

  template <typename Buffers, typename Handler>
  io::Task<void> read(Buffers into, Handler handler) {
    const auto got = co_await stream_.peek();
    if (!got) co_return complete(std::move(handler), to_asio_error(got.error()), 0);
    const std::size_t room = boost::asio::buffer_size(into);
    if (got->empty() && room > 0) co_return complete(std::move(handler), boost::asio::error::eof, 0);
    const std::size_t copied = boost::asio::buffer_copy(into, boost::asio::buffer(got->data(), got->size()));
    stream_.consume(copied);
    complete(std::move(handler), {}, copied);
  }

  template <typename Buffers, typename Handler>
  io::Task<void> write(Buffers from, Handler handler) {
    for (auto each = boost::asio::buffer_sequence_begin(from); each != boost::asio::buffer_sequence_end(from); ++each) {
      const boost::asio::const_buffer buffer(*each);
      if (buffer.size() == 0) continue;
      const Status written = co_await stream_.write({static_cast<const std::uint8_t*>(buffer.data()), buffer.size()});
      if (!written) co_return complete(std::move(handler), to_asio_error(written.error()), 0);
      co_return complete(std::move(handler), {}, buffer.size());
    }
    complete(std::move(handler), {}, 0);
  }

  executor_type executor_;
  Stream stream_;
  io::TaskGroup tasks_;
};

}  // namespace starling::host
