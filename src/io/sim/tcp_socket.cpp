#include "io/sim/tcp_socket.hpp"

#include <algorithm>

#include "io/sim/world_state.hpp"

namespace starling::io::sim {

SimStreamSocket::SimStreamSocket(TcpConnection& connection, int side)
    : host_(connection.host(side)),
      connection_(&connection),
      side_(side),
      local_(connection.local(side)),
      remote_(connection.local(1 - side)) {
  connection.attach(side, this);
  host_.take_descriptor();
}

std::unexpected<Error> SimStreamSocket::gone(Op op) const {
  if (vanished_) return fail(ErrorCode::ConnectionReset, op, Origin::Local, "the host crashed");
  return fail(ErrorCode::Closed, op, Origin::Local);
}

Result<std::size_t> SimStreamSocket::try_read(MutableBytes into) {
  return connection_ != nullptr ? connection_->read(side_, into) : gone(Op::Read);
}

Result<std::size_t> SimStreamSocket::try_write(Bytes from) {
  return connection_ != nullptr ? connection_->write(side_, from) : gone(Op::Write);
}

QueueWait SimStreamSocket::readable() {
  return readable_.wait(host_.reactor(), connection_ == nullptr || connection_->readable(side_));
}

QueueWait SimStreamSocket::writable() {
  const bool ready = connection_ == nullptr || connection_->writable(side_);
  if (!ready) connection_->watch_room(side_);
  return writable_.wait(host_.reactor(), ready);
}

void SimStreamSocket::shutdown_write() {
  if (connection_ != nullptr) connection_->shutdown_write(side_);
}

void SimStreamSocket::close() {
  if (connection_ == nullptr) {
    vanished_ = false;
    return;
  }
  connection_->close(side_);
  detach();
}

void SimStreamSocket::vanish() {
  vanished_ = true;
  detach();
}

void SimStreamSocket::detach() {
  connection_ = nullptr;
  host_.give_descriptor();
  readable_.notify();
  writable_.notify();
}

SimListener::SimListener(Host& host, std::uint64_t number, const Endpoint& at, const ListenOptions& options)
    : host_(host),
      number_(number),
      local_(at),
      backlog_(std::size_t(std::max(options.backlog, 1))),
      shares_port_(options.reuse_port) {
  host_.take_descriptor();
  host_.tcp().add_listener(*this);
}

Task<Result<std::unique_ptr<StreamSocket>>> SimListener::accept() {
  while (!closed_) {
    if (!waiting_.empty()) {
      STARLING_CO_CHECK(host_.check_descriptors(Op::Accept));
      co_return std::make_unique<SimStreamSocket>(*waiting_.pop_front(), 1);
    }
    STARLING_CO_CHECK(co_await acceptable_.wait());
  }
  co_return fail(ErrorCode::Closed, Op::Accept, Origin::Local, local_.to_string());
}

bool SimListener::offer(TcpConnection& connection) {
  if (full()) return false;
  waiting_.push_back(&connection);
  acceptable_.notify_one();
  return true;
}

void SimListener::close() {
  if (closed_) return;
  while (!waiting_.empty()) waiting_.pop_front()->abort(1);
  host_.tcp().remove_listener(*this);
  detach();
}

void SimListener::vanish() {
  waiting_.clear();
  detach();
}

void SimListener::detach() {
  closed_ = true;
  host_.give_descriptor();
  acceptable_.notify_all();
}

}  // namespace starling::io::sim
