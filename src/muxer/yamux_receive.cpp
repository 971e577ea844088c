#include <algorithm>

#include "muxer/reset_codes.hpp"
#include "muxer/yamux_session.hpp"
#include "starling/base/assert.hpp"

namespace starling::muxer::yamux {
namespace {

// Between calls an idle session keeps no queue larger than this.
constexpr std::size_t kKeptAckQueue = 64;

}  // namespace

Status YamuxSession::receive(Bytes bytes, TimePoint now, Events& events) {
  if (failure_) return fail(*failure_);
  STARLING_ASSERT(!receiving_, "receive() is not called from Events");
  now_ = now;
  pinger_.on_bytes(now);
  receiving_ = true;
  const Status status = read_frames(bytes, events);
  receiving_ = false;
  STARLING_CHECK(status);
  STARLING_CHECK(send_acks());
  if (refused_open_ && may_open()) {
    refused_open_ = false;
    events.on_openable();
  }
  return {};
}

Status YamuxSession::read_frames(Bytes bytes, Events& events) {
  while (!bytes.empty()) {
    if (body_.left > 0) {
      read_body(bytes, events);
    } else {
      STARLING_CHECK(read_header(bytes, events));
    }
  }
  return {};
}

Status YamuxSession::read_header(Bytes& bytes, Events& events) {
  if (header_have_ == 0 && bytes.size() >= kHeaderSize) {
    const std::uint8_t* header = bytes.data();
    bytes = bytes.subspan(kHeaderSize);
    return on_frame(header, events);
  }
  const std::size_t size = std::min(bytes.size(), kHeaderSize - header_have_);
  std::memcpy(header_.data() + header_have_, bytes.data(), size);
  header_have_ += std::uint32_t(size);
  bytes = bytes.subspan(size);
  if (header_have_ < kHeaderSize) return {};
  header_have_ = 0;
  return on_frame(header_.data(), events);
}

Status YamuxSession::on_frame(const std::uint8_t* header, Events& events) {
  if (is_plain_stream_frame(header)) [[likely]]
    return on_stream_frame(decode(header), events);
  if (const std::string_view complaint = complaint_about(header); !complaint.empty()) [[unlikely]] {
    return remote_fault(ErrorCode::ProtocolViolation, complaint);
  }
  const Header frame = decode(header);
  if (frame.type == Type::Ping) return on_ping(frame);
  heard_go_away_ = true;
  events.on_go_away(frame.length);
  return {};
}

Status YamuxSession::on_ping(const Header& frame) {
  if (frame.has(kAck)) {
    if (pinger_.on_answer(frame.length, now_)) doubt_.clear();
    ping_if_due();
    return {};
  }
  // As in go-yamux: what the remote asks beyond the bound gets no answer.
  if (pongs_.count(sent()) >= config_.max_pending_pings) {
    ++dropped_pings_;
    return {};
  }
  put_header({Type::Ping, kAck, 0, frame.length});
  pongs_.add(1, written_);
  return count_control_frame();
}

Status YamuxSession::on_stream_frame(const Header& frame, Events& events) {
  if (frame.type == Type::Data) body_ = {.left = frame.length};
  if (frame.has(kRst)) {
    on_rst(frame, events);
    return {};
  }
  if (frame.has(kSyn)) STARLING_CHECK(on_syn(frame, events));
  Stream* stream = streams_.find(frame.stream);
  if (stream == nullptr) return {};  // ended by us a moment ago: go-yamux and rust-yamux pass over it too
  if (frame.has(kAck)) on_ack(*stream);
  return frame.type == Type::Data ? on_data(frame, *stream, events) : on_window_update(frame, *stream, events);
}

// Everything is checked before the stream comes into being (CVE-2026-32314 = GHSA-vxx9-2994-q338, CVE-2026-31814).
Status YamuxSession::on_syn(const Header& frame, Events& events) {
  const bool odd = frame.stream % 2 == 1;
  if (odd == config_.initiator) return remote_fault(ErrorCode::ProtocolViolation, "yamux stream id of the wrong side");
  if (streams_.find(frame.stream) != nullptr)
    return remote_fault(ErrorCode::ProtocolViolation, "yamux stream opened twice");
  if (frame.type == Type::Data && frame.length > kInitialWindow) {
    return remote_fault(ErrorCode::ProtocolViolation, "yamux data beyond the initial window");
  }
  if (frame.type == Type::WindowUpdate && frame.length > UINT32_MAX - kInitialWindow) {
    return remote_fault(ErrorCode::ProtocolViolation, "yamux window overflow");
  }
  if (said_go_away_) return refuse(frame.stream, kStreamShutdown);
  if (inbound_ >= config_.max_inbound_streams) return refuse(frame.stream, kStreamResourceLimit);
  return accept(frame.stream, events);
}

Status YamuxSession::accept(std::uint32_t wire, Events& events) {
  Stream stream{.owes_ack = true};
  if (wire <= highest_remote_) stream.use = ++reuses_;  // opened late, or used before: then the count tells them apart
  highest_remote_ = std::max(highest_remote_, wire);
  stream.window.last_update = now_;
  streams_.insert(wire, stream);
  budget_.take_initial();
  ++inbound_;
  const StreamId id = id_of(wire, stream);
  if (events.on_stream(id)) {
    ack_queue_.push_back(id);
    return {};
  }
  if (find(id) == nullptr) return {};
  erase(wire);
  return refuse(wire, kStreamResourceLimit);
}

Status YamuxSession::refuse(std::uint32_t wire, ResetCode code) {
  ++refused_;
  put_header({Type::WindowUpdate, kRst, wire, code});
  return count_control_frame();
}

void YamuxSession::on_ack(Stream& stream) {
  if (!stream.awaits_ack) return;
  stream.awaits_ack = false;
  --unacknowledged_;
}

// go-libp2p puts an error code into the length of a window update with RST; rust-libp2p resets with an empty data
// frame.
void YamuxSession::on_rst(const Header& frame, Events& events) {
  const Stream* stream = streams_.find(frame.stream);
  if (stream == nullptr) return;
  const StreamId id = id_of(frame.stream, *stream);
  erase(frame.stream);
  events.on_reset(id, frame.type == Type::WindowUpdate ? frame.length : 0);
}

Status YamuxSession::on_window_update(const Header& frame, Stream& stream, Events& events) {
  if (frame.length > UINT32_MAX - stream.send_credit)
    return remote_fault(ErrorCode::ProtocolViolation, "yamux window overflow");
  stream.send_credit += frame.length;
  const StreamId id = id_of(frame.stream, stream);
  if (stream.blocked && frame.length > 0) {
    stream.blocked = false;
    events.on_writable(id);
  }
  if (frame.has(kFin)) on_fin(id, events);
  return {};
}

Status YamuxSession::on_data(const Header& frame, const Stream& stream, Events& events) {
  if (frame.length > stream.window.credit)
    return remote_fault(ErrorCode::ProtocolViolation, "yamux data beyond the window");
  body_.stream = id_of(frame.stream, stream);
  body_.fin = frame.has(kFin);
  if (body_.left == 0) end_body(events);
  return {};
}

// A stream that ended in the middle of a frame loses the rest of it; so does one whose remote closed it before:
// go-yamux can put a concurrent write behind its FIN.
void YamuxSession::read_body(Bytes& bytes, Events& events) {
  const Bytes piece = bytes.first(std::min<std::size_t>(bytes.size(), body_.left));
  bytes = bytes.subspan(piece.size());
  body_.left -= std::uint32_t(piece.size());
  Stream* stream = body_.stream != 0 ? find(body_.stream) : nullptr;
  if (stream != nullptr && !stream->closed_there) {
    stream->window.deliver(std::uint32_t(piece.size()));
    events.on_data(body_.stream, piece);
  } else {
    if (stream != nullptr) stream->window.discard(std::uint32_t(piece.size()));
    discarded_bytes_ += piece.size();
  }
  if (body_.left == 0) end_body(events);
}

void YamuxSession::end_body(Events& events) {
  const Body ended = std::exchange(body_, {});
  if (ended.fin && ended.stream != 0) on_fin(ended.stream, events);
}

// spec: Closing a stream
void YamuxSession::on_fin(StreamId id, Events& events) {
  Stream* stream = find(id);
  if (stream == nullptr || stream->closed_there) return;
  stream->closed_there = true;
  if (stream->closed_here) erase(wire_of(id));
  events.on_remote_close(id);
}

// At once, although the application has not touched the streams yet: until then they weigh on the remote's backlog.
Status YamuxSession::send_acks() {
  for (const StreamId id : ack_queue_) {
    Stream* stream = find(id);
    if (stream == nullptr || !stream->owes_ack) continue;
    put_header({Type::WindowUpdate, owed_flags(*stream), wire_of(id), 0});
    STARLING_CHECK(count_control_frame());
  }
  ack_queue_.clear();
  if (ack_queue_.capacity() > kKeptAckQueue) ack_queue_.shrink_to_fit();
  return {};
}

// For the frames that the remote makes us write (CVE-2024-32984).
Status YamuxSession::count_control_frame() {
  control_bytes_.add(kHeaderSize, written_);
  if (control_bytes_.count(sent()) <= config_.max_control_output) return {};
  return remote_fault(ErrorCode::LimitExceeded, "max_control_output: the peer causes answers and does not read them");
}

Status YamuxSession::remote_fault(ErrorCode code, std::string_view detail) {
  failure_ = Error(code, Op::Mux, Origin::Remote, std::string(detail));
  put_header({Type::GoAway, kNoFlags, 0, kProtocolError});
  return fail(*failure_);
}

}  // namespace starling::muxer::yamux
