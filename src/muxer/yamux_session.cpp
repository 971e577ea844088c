#include "muxer/yamux_session.hpp"

#include <algorithm>

#include "starling/base/assert.hpp"

namespace starling::muxer {

std::unique_ptr<Session> make_yamux(const Config& config) { return std::make_unique<yamux::YamuxSession>(config); }

namespace yamux {
namespace {

constexpr std::uint64_t kLastId = 0xFFFFFFFFu;

std::uint32_t first_id_of(const Config& config) { return config.initiator ? 1 : 2; }

}  // namespace

YamuxSession::YamuxSession(const Config& config, std::uint32_t first_id)
    : config_(config),
      budget_(config.window_memory_budget, config.window_memory),
      pinger_({.interval = config.keep_alive_interval, .timeout = config.keep_alive_timeout}),
      next_id_(first_id != 0 ? first_id : first_id_of(config)) {
  STARLING_ASSERT(next_id_ % 2 == first_id_of(config) % 2, "odd for the initiator, even for the other");
}

void YamuxSession::start(TimePoint now) {
  now_ = now;
  pinger_.start(now);
  ping_if_due();
}

void YamuxSession::probe(TimePoint now, Duration patience, std::string doubt) {
  if (failure_ || !doubt_.empty()) return;  // asked already: the answer is due when it was
  now_ = now;
  doubt_ = std::move(doubt);
  pinger_.probe(now, patience);
  ping_if_due();
}

void YamuxSession::trust() {
  doubt_.clear();
  pinger_.trust();
}

Status YamuxSession::on_timer(TimePoint now, Events&) {
  if (failure_) return fail(*failure_);
  now_ = now;
  if (pinger_.timed_out(now)) {
    failure_ = Error(ErrorCode::Timeout, Op::Mux, Origin::Timeout,
                     doubt_.empty() ? "the peer answers no keep-alive ping" : doubt_);
    return fail(*failure_);
  }
  ping_if_due();
  return {};
}

bool YamuxSession::may_open() const {
  return outbound_ < config_.max_outbound_streams && unacknowledged_ < config_.accept_backlog && next_id_ <= kLastId;
}

// spec: Opening a stream; ACK backlog
Result<StreamId> YamuxSession::open_stream() {
  if (failure_) return fail(ErrorCode::ConnectionClosed, Op::OpenStream, failure_->origin(), failure_->detail());
  if (heard_go_away_ || said_go_away_)
    return fail(ErrorCode::GoAway, Op::OpenStream, heard_go_away_ ? Origin::Remote : Origin::Local);
  if (!may_open()) {
    refused_open_ = true;
    if (next_id_ > kLastId)
      return fail(ErrorCode::StreamLimit, Op::OpenStream, Origin::Limit, "all yamux stream ids are used up");
    const bool backlog = unacknowledged_ >= config_.accept_backlog;
    return fail(ErrorCode::StreamLimit, Op::OpenStream, Origin::Limit,
                backlog ? "accept_backlog" : "max_outbound_streams");
  }
  const auto wire = std::uint32_t(next_id_);
  next_id_ += 2;
  Stream stream{.ours = true, .awaits_ack = true};
  stream.window.last_update = now_;
  streams_.insert(wire, stream);
  budget_.take_initial();
  ++outbound_;
  ++unacknowledged_;
  put_header({Type::WindowUpdate, kSyn, wire, 0});
  return StreamId(wire);
}

std::size_t YamuxSession::send(StreamId id, Bytes payload) {
  Stream* stream = find(id);
  if (stream == nullptr || stream->closed_here || payload.empty()) return 0;
  const std::size_t taken = std::min<std::size_t>(payload.size(), stream->send_credit);
  stream->send_credit -= std::uint32_t(taken);
  stream->blocked = taken < payload.size();
  const std::size_t most = std::max(config_.max_frame_payload, 1u);
  output_.prepare(taken + (taken + most - 1) / most * kHeaderSize);  // once, not frame by frame
  for (Bytes rest = payload.first(taken); !rest.empty();) {
    const Bytes piece = rest.first(std::min(rest.size(), most));
    put_data(wire_of(id), owed_flags(*stream), piece);
    rest = rest.subspan(piece.size());
  }
  return taken;
}

void YamuxSession::close_write(StreamId id) {
  Stream* stream = find(id);
  if (stream == nullptr || stream->closed_here) return;
  stream->closed_here = true;
  put_header({Type::WindowUpdate, std::uint16_t(owed_flags(*stream) | kFin), wire_of(id), 0});
  if (stream->closed_there) erase(wire_of(id));
}

void YamuxSession::reset(StreamId id, ResetCode code) {
  if (find(id) == nullptr) return;
  put_header({Type::WindowUpdate, kRst, wire_of(id), code});
  erase(wire_of(id));
}

void YamuxSession::consumed(StreamId id, std::size_t bytes, TimePoint now) {
  Stream* stream = find(id);
  if (stream == nullptr) return;
  now_ = now;
  STARLING_ASSERT(bytes <= stream->window.unread, "more consumed than was delivered");
  stream->window.consume(std::uint32_t(bytes));
  if (stream->closed_there) return;  // nothing more comes
  const ReceiveWindow::Growth growth{pinger_.round_trip(), std::max(config_.max_stream_window, kInitialWindow)};
  const std::uint32_t size = stream->window.size;
  const std::uint32_t credit = stream->window.next_update(now, growth, budget_);
  if (credit > 0) put_header({Type::WindowUpdate, owed_flags(*stream), wire_of(id), credit});
  if (stream->window.size == size) return;
  pinger_.measure(now);
  ping_if_due();
}

void YamuxSession::ping_if_due() {
  if (const auto value = pinger_.due(now_)) put_header({Type::Ping, kSyn, 0, *value});
}

void YamuxSession::go_away(ResetCode code) {
  if (said_go_away_ || failure_) return;
  said_go_away_ = true;
  put_header({Type::GoAway, kNoFlags, 0, code});
}

Stats YamuxSession::stats() const {
  return {.inbound_streams = inbound_,
          .outbound_streams = outbound_,
          .receive_window_total = budget_.total(),
          .round_trip = pinger_.round_trip(),
          .refused_streams = refused_,
          .dropped_pings = dropped_pings_,
          .discarded_bytes = discarded_bytes_};
}

YamuxSession::Stream* YamuxSession::find(StreamId id) {
  if (failure_) return nullptr;
  Stream* stream = streams_.find(wire_of(id));
  return stream != nullptr && stream->use == std::uint32_t(id >> 32) ? stream : nullptr;
}

void YamuxSession::erase(std::uint32_t wire) {
  const Stream* stream = streams_.find(wire);
  budget_.give_back(stream->window.size);
  --(stream->ours ? outbound_ : inbound_);
  if (stream->awaits_ack) --unacknowledged_;
  streams_.erase(wire);
}

// The acknowledgement rides on the first frame we send on the stream.
std::uint16_t YamuxSession::owed_flags(Stream& stream) {
  const std::uint16_t flags = stream.owes_ack ? kAck : kNoFlags;
  stream.owes_ack = false;
  return flags;
}

void YamuxSession::put_header(const Header& header) {
  encode(header, output_.prepare(kHeaderSize).data());
  output_.commit(kHeaderSize);
  written_ += kHeaderSize;
}

void YamuxSession::put_data(std::uint32_t wire, std::uint16_t flags, Bytes payload) {
  std::uint8_t* to = output_.prepare(kHeaderSize + payload.size()).data();
  encode({Type::Data, flags, wire, std::uint32_t(payload.size())}, to);
  std::memcpy(to + kHeaderSize, payload.data(), payload.size());
  output_.commit(kHeaderSize + payload.size());
  written_ += kHeaderSize + payload.size();
}

}  // namespace yamux
}  // namespace starling::muxer
