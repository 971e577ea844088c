#include "io/sim/tcp_connection.hpp"

#include <algorithm>
#include <utility>

#include "io/sim/tcp_socket.hpp"
#include "io/sim/world_state.hpp"

namespace starling::io::sim {
namespace {

TraceKind trace_kind(SegmentKind kind) {
  switch (kind) {
    case SegmentKind::Open:
      return TraceKind::Accepted;
    case SegmentKind::Data:
      return TraceKind::Data;
    case SegmentKind::Fin:
      return TraceKind::Fin;
    case SegmentKind::Reset:
      return TraceKind::Reset;
  }
  return TraceKind::Data;
}

std::unexpected<Error> reset_error(Op op) { return fail(ErrorCode::ConnectionReset, op, Origin::Remote, "tcp"); }

}  // namespace

TcpConnection::TcpConnection(WorldState& world, std::uint64_t number, Host& client, const Endpoint& client_at,
                             Host& server, const Endpoint& server_at)
    : world_(world),
      number_(number),
      ends_{End{&client, client_at}, End{&server, server_at}},
      pipes_{
          Pipe(*this, 0, world.path(client, server), world.path(server, client), server.options().stream_window_bytes),
          Pipe(*this, 1, world.path(server, client), world.path(client, server),
               client.options().stream_window_bytes)} {
  client.tcp().add_connection({client_at, server_at}, {this, 0});
  server.tcp().add_connection({server_at, client_at}, {this, 1});
}

Result<std::size_t> TcpConnection::read(int side, MutableBytes into) {
  Pipe& incoming = pipe(1 - side);
  if (incoming.arrived() > 0) return incoming.read(into);
  if (end(side).reset) return reset_error(Op::Read);
  if (end(side).remote_ended) return 0;
  return fail(ErrorCode::WouldBlock, Op::Read, Origin::Local);
}

Result<std::size_t> TcpConnection::write(int side, Bytes from) {
  if (end(side).reset) return reset_error(Op::Write);
  if (end(side).write_ended) return fail(ErrorCode::Closed, Op::Write, Origin::Local, "tcp");
  if (from.empty()) return 0;
  const std::size_t size = std::min(from.size(), pipe(side).room());
  if (size == 0) return fail(ErrorCode::WouldBlock, Op::Write, Origin::Local);
  pipe(side).write(from.first(size));
  return size;
}

bool TcpConnection::readable(int side) const {
  return pipe(1 - side).arrived() > 0 || end(side).reset || end(side).remote_ended;
}

bool TcpConnection::writable(int side) { return end(side).reset || end(side).write_ended || pipe(side).room() > 0; }

void TcpConnection::shutdown_write(int side) {
  if (end(side).write_ended || end(side).reset) return;
  end(side).write_ended = true;
  pipe(side).send(SegmentKind::Fin);
}

void TcpConnection::close(int side) {
  if (!end(side).open) return;
  if (!end(side).reset) {
    if (pipe(1 - side).arrived() > 0) {
      send_reset(side);
    } else {
      shutdown_write(side);
    }
  }
  leave(side);
}

void TcpConnection::abort(int side) {
  if (!end(side).reset) send_reset(side);
  leave(side);
}

void TcpConnection::send_reset(int side) {
  if (std::exchange(end(side).reset_sent, true)) return;
  pipe(side).send(SegmentKind::Reset);
}

void TcpConnection::vanish(int side) {
  pipe(side).drop_in_flight();
  leave(side);
}

void TcpConnection::look_for_addresses() {
  cut_off_ = !std::ranges::all_of(ends_, [](const End& end) { return end.host->has_address(end.local.address); });
}

void TcpConnection::leave(int side) {
  if (!end(side).open) return;
  end(side).open = false;
  end(side).socket = nullptr;
  pipe(1 - side).drop_arrived();
  end(side).host->tcp().remove_connection({end(side).local, end(1 - side).local}, *this);
  if (!end(1 - side).open) world_.bury(*this);
}

void TcpConnection::open_at(std::uint64_t listener) {
  listener_ = listener;
  pipe(0).send(SegmentKind::Open);
}

void TcpConnection::arrived(int from_side, SegmentKind kind, std::size_t size) {
  const int side = 1 - from_side;
  const End& from = end(from_side);
  const End& to = end(side);
  world_.record({trace_kind(kind), from.host->number(), to.host->number(), from.local.port, to.local.port, size});
  if (!to.open) {
    pipe(from_side).drop_arrived();
    // To a socket that is gone: data is answered with a reset, the rest is not.
    if (kind == SegmentKind::Data && from.open) send_reset(side);
    return;
  }
  switch (kind) {
    case SegmentKind::Open:
      return offer_to_listener();
    case SegmentKind::Reset:
      return receive_reset(side);
    case SegmentKind::Fin:
      end(side).remote_ended = true;
      break;
    case SegmentKind::Data:
      ++world_.counters.segments;
      world_.counters.segment_bytes += size;
      break;
  }
  if (to.socket != nullptr) to.socket->notify_readable();
}

void TcpConnection::offer_to_listener() {
  SimListener* listener = end(1).host->tcp().listener_at(end(1).local);
  if (listener != nullptr && listener->number() == listener_ && listener->offer(*this)) return;
  abort(1);
}

void TcpConnection::receive_reset(int side) {
  ++world_.counters.resets;
  end(side).reset = true;
  pipe(side).drop_in_flight();
  SimStreamSocket* socket = end(side).socket;
  if (socket == nullptr) return;
  socket->notify_readable();
  socket->notify_writable();
}

void TcpConnection::room_opened(int side) {
  if (end(side).socket != nullptr) end(side).socket->notify_writable();
}

}  // namespace starling::io::sim
