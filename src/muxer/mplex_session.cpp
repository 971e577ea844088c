#include "muxer/mplex_session.hpp"

#include <algorithm>

#include "starling/base/assert.hpp"

namespace starling::muxer {

std::unique_ptr<Session> make_mplex(const Config& config) { return std::make_unique<mplex::MplexSession>(config); }

namespace mplex {

MplexSession::MplexSession(const Config& config, std::uint64_t first_id) : config_(config), next_id_(first_id) {}

Status MplexSession::on_timer(TimePoint, Events&) {
  if (failure_) return fail(*failure_);
  return {};
}

Status MplexSession::receive(Bytes bytes, TimePoint, Events& events) {
  if (failure_) return fail(*failure_);
  STARLING_ASSERT(!receiving_, "receive() is not called from Events");
  receiving_ = true;
  const Status status = read_messages(bytes, events);
  receiving_ = false;
  STARLING_CHECK(status);
  if (refused_open_ && may_open()) {
    refused_open_ = false;
    events.on_openable();
  }
  return {};
}

Status MplexSession::read_messages(Bytes bytes, Events& events) {
  while (!bytes.empty()) {
    if (body_.left > 0) {
      read_body(bytes, events);
      continue;
    }
    const HeaderReader::State state = reader_.read(bytes);
    if (state == HeaderReader::State::Malformed) return remote_fault(ErrorCode::ProtocolViolation, "mplex varint");
    if (state == HeaderReader::State::More) return {};
    STARLING_CHECK(on_message(reader_.take(), events));
  }
  return {};
}

// What follows a close, or is for a stream that we ended, is passed over: in go-mplex a write can overtake a close.
void MplexSession::read_body(Bytes& bytes, Events& events) {
  const Bytes piece = bytes.first(std::size_t(std::min<std::uint64_t>(bytes.size(), body_.left)));
  bytes = bytes.subspan(piece.size());
  body_.left -= piece.size();
  const Stream* stream = find(body_.stream);
  if (stream != nullptr && !stream->closed_there) {
    events.on_data(body_.stream, piece);
  } else {
    discarded_bytes_ += piece.size();
  }
}

Status MplexSession::on_message(const Header& header, Events& events) {
  if (std::uint8_t(header.flag) > kLastFlag) return remote_fault(ErrorCode::ProtocolViolation, "unknown mplex flag");
  if (header.length > config_.max_message_size) {
    return remote_fault(ErrorCode::MessageTooLarge, "mplex message above max_message_size");
  }
  body_ = {.left = header.length};
  const StreamId id = id_of(header);
  switch (header.kind()) {
    case Kind::New:
      return on_new_stream(header, events);
    case Kind::Message:
      body_.stream = id;
      break;
    case Kind::Close:
      on_close(id, events);
      break;
    case Kind::Reset:
      on_reset(id, events);
      break;
  }
  return {};
}

// The stream's name is passed over, as go-mplex does.
Status MplexSession::on_new_stream(const Header& header, Events& events) {
  if (inbound_ids_.find(header.stream + 1) != nullptr) {
    return remote_fault(ErrorCode::ProtocolViolation, "mplex stream opened twice");
  }
  if (closing_ || inbound_ >= config_.max_inbound_streams) return refuse(header.stream);
  const StreamId id = ++accepted_ << 1;
  streams_.insert(id, {.wire = header.stream});
  inbound_ids_.insert(header.stream + 1, id);
  ++inbound_;
  if (events.on_stream(id) || find(id) == nullptr) return {};
  erase(id);
  return refuse(header.stream);
}

void MplexSession::on_close(StreamId id, Events& events) {
  Stream* stream = find(id);
  if (stream == nullptr || stream->closed_there) return;
  stream->closed_there = true;
  if (stream->closed_here) erase(id);
  events.on_remote_close(id);
}

void MplexSession::on_reset(StreamId id, Events& events) {
  if (find(id) == nullptr) return;
  erase(id);
  events.on_reset(id, 0);
}

Status MplexSession::refuse(std::uint64_t wire) {
  ++refused_;
  const std::uint64_t before = written_;
  put({.flag = Flag::ResetReceiver, .stream = wire});
  control_bytes_.add(written_ - before, written_);
  if (control_bytes_.count(written_ - output_.size()) <= config_.max_control_output) return {};
  return remote_fault(ErrorCode::LimitExceeded, "max_control_output: the peer causes answers and does not read them");
}

Result<StreamId> MplexSession::open_stream() {
  if (failure_) return fail(ErrorCode::ConnectionClosed, Op::OpenStream, failure_->origin(), failure_->detail());
  if (closing_) return fail(ErrorCode::GoAway, Op::OpenStream, Origin::Local);
  if (!may_open()) {
    refused_open_ = true;
    const bool ids = next_id_ > kLastId;
    return fail(ErrorCode::StreamLimit, Op::OpenStream, Origin::Limit,
                ids ? "all mplex stream ids are used up" : "max_outbound_streams");
  }
  const std::uint64_t wire = next_id_++;
  const StreamId id = wire << 1 | 1;
  streams_.insert(id, {.wire = wire});
  ++outbound_;
  put({.flag = Flag::NewStream, .stream = wire});
  return id;
}

std::size_t MplexSession::send(StreamId id, Bytes payload) {
  const Stream* stream = find(id);
  if (stream == nullptr || stream->closed_here || payload.empty()) return 0;
  const std::size_t most = std::max(std::min(config_.max_frame_payload, config_.max_message_size), 1u);
  const Header header{.flag = flag_of(Kind::Message, is_ours(id)), .stream = stream->wire};
  output_.prepare(payload.size() +
                  (payload.size() + most - 1) / most * kMaxHeaderSize);  // once, not message by message
  for (Bytes rest = payload; !rest.empty();) {
    const Bytes piece = rest.first(std::min(rest.size(), most));
    put(header, piece);
    rest = rest.subspan(piece.size());
  }
  return payload.size();
}

void MplexSession::close_write(StreamId id) {
  Stream* stream = find(id);
  if (stream == nullptr || stream->closed_here) return;
  stream->closed_here = true;
  put({.flag = flag_of(Kind::Close, is_ours(id)), .stream = stream->wire});
  if (stream->closed_there) erase(id);
}

void MplexSession::reset(StreamId id, ResetCode) {
  const Stream* stream = find(id);
  if (stream == nullptr) return;
  put({.flag = flag_of(Kind::Reset, is_ours(id)), .stream = stream->wire});
  erase(id);
}

Stats MplexSession::stats() const {
  return {.inbound_streams = inbound_,
          .outbound_streams = outbound_,
          .refused_streams = refused_,
          .discarded_bytes = discarded_bytes_};
}

// The one who opened a stream sends with the initiator's flags, so those name a stream of the remote's.
StreamId MplexSession::id_of(const Header& header) {
  if (!header.from_initiator()) return header.stream << 1 | 1;
  const StreamId* id = inbound_ids_.find(header.stream + 1);
  return id != nullptr ? *id : 0;
}

void MplexSession::erase(StreamId id) {
  if (is_ours(id)) {
    --outbound_;
  } else {
    --inbound_;
    inbound_ids_.erase(streams_.find(id)->wire + 1);
  }
  streams_.erase(id);
}

void MplexSession::put(const Header& header, Bytes payload) {
  Header whole = header;
  whole.length = payload.size();
  std::uint8_t* to = output_.prepare(kMaxHeaderSize + payload.size()).data();
  const std::size_t size = encode(whole, to);
  if (!payload.empty()) std::memcpy(to + size, payload.data(), payload.size());
  output_.commit(size + payload.size());
  written_ += size + payload.size();
}

Status MplexSession::remote_fault(ErrorCode code, std::string_view detail) {
  failure_ = Error(code, Op::Mux, Origin::Remote, std::string(detail));
  return fail(*failure_);
}

}  // namespace mplex
}  // namespace starling::muxer
