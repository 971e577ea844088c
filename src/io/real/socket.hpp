// What the real sockets share: conversions between our addresses and Asio's, and readiness queues on a native socket.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <boost/asio/socket_base.hpp>
#include <cerrno>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "io/real/reactor.hpp"

namespace starling::io {

namespace asio = boost::asio;
using SystemCode = boost::system::error_code;

inline asio::ip::address to_asio(const IpAddress& address) {
  const Bytes bytes = address.bytes();
  if (address.is_v4()) {
    asio::ip::address_v4::bytes_type four;
    std::copy(bytes.begin(), bytes.end(), four.begin());
    return asio::ip::address_v4(four);
  }
  asio::ip::address_v6::bytes_type sixteen;
  std::copy(bytes.begin(), bytes.end(), sixteen.begin());
  return asio::ip::address_v6(sixteen, address.scope_id());
}

inline IpAddress from_asio(const asio::ip::address& address) {
  if (address.is_v4()) return IpAddress::v4(address.to_v4().to_bytes());
  return IpAddress::v6(address.to_v6().to_bytes(), std::uint32_t(address.to_v6().scope_id()));
}

template <typename Protocol>
auto to_asio(const Endpoint& endpoint) {
  return typename Protocol::endpoint(to_asio(endpoint.address), endpoint.port);
}

Endpoint from_asio(const auto& endpoint) { return {from_asio(endpoint.address()), endpoint.port()}; }

inline Result<std::size_t> io_result(ssize_t count, Op op, std::string_view what) {
  if (count >= 0) return std::size_t(count);
  if (errno == EAGAIN || errno == EWOULDBLOCK) return fail(ErrorCode::WouldBlock, op, Origin::Local);
  return fail(system_error(errno, op, std::string(what)));
}

// A native socket with two readiness queues. Asio calls back after close(), so the state is shared with its handlers.
template <typename Socket>
struct SocketState {
  SocketState(Reactor& reactor_in, Socket socket_in) : reactor(reactor_in), socket(std::move(socket_in)) {}
  void wake_readers() {
    reading = false;
    readable.notify_all();
    call(on_readable);
  }
  void wake_writers() {
    writing = false;
    writable.notify_all();
    call(on_writable);
  }
  void call(Runnable*& work) {
    Runnable* due = std::exchange(work, nullptr);
    if (due != nullptr && !due->linked()) reactor.post(*due);
  }
  Reactor& reactor;
  Socket socket;
  WaitQueue readable, writable;
  Runnable *on_readable = nullptr, *on_writable = nullptr;
  bool reading = false, writing = false, closed = false;
};

template <typename Socket>
class Readiness {
 public:
  using State = SocketState<Socket>;
  Readiness(Reactor& reactor, Socket socket) : state_(std::make_shared<State>(reactor, std::move(socket))) {}
  ~Readiness() {
    state_->on_readable = state_->on_writable = nullptr;
    close();
  }

  int handle() { return state_->socket.native_handle(); }
  bool closed() const { return state_->closed; }
  QueueWait readable() {
    await_readable();
    return state_->readable.wait();
  }
  QueueWait writable() {
    await_writable();
    return state_->writable.wait();
  }
  void when_readable(Runnable& work) {
    state_->on_readable = &work;
    await_readable();
  }
  void when_writable(Runnable& work) {
    state_->on_writable = &work;
    await_writable();
  }
  /// Something else than the system made the socket readable.
  void wake_readers() { state_->wake_readers(); }
  void close() {
    if (std::exchange(state_->closed, true)) return;
    SystemCode ignored;
    state_->socket.close(ignored);
    state_->wake_readers();
    state_->wake_writers();
  }
  Socket& socket() { return state_->socket; }

 private:
  void await_readable() {
    if (std::exchange(state_->reading, true)) return;
    state_->socket.async_wait(Socket::wait_read, [state = state_](const SystemCode&) { state->wake_readers(); });
  }
  void await_writable() {
    if (std::exchange(state_->writing, true)) return;
    state_->socket.async_wait(Socket::wait_write, [state = state_](const SystemCode&) { state->wake_writers(); });
  }
  std::shared_ptr<State> state_;
};

}  // namespace starling::io
