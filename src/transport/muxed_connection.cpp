#include "transport/muxed_connection.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "transport/crossing.hpp"
#include "transport/turn_sizes.hpp"

namespace starling::transport {
namespace {

constexpr std::uint64_t kChargeStep = 64u << 10;  // unread bytes are charged in steps, not one by one

// What a stream may hold unread. Where the muxer has windows, they bound it.
std::size_t max_inbox(const UpgraderOptions& options, std::string_view muxer) {
  return muxer == muxer::kMplexId ? options.max_stream_inbox : std::numeric_limits<std::size_t>::max();
}

}  // namespace

MuxedConnection::MuxedConnection(io::World world, const UpgraderOptions& options, ConnectionInfo info, Parts parts)
    : world_(world),
      options_(options),
      info_(std::move(info)),
      parts_(std::move(parts)),
      max_inbox_(max_inbox(options, info_.muxer)),
      timer_(world.reactor, [this] { on_timer(); }),
      tasks_(world.reactor),
      reading_(&tasks_.scope()) {
  if (parts_.windows) parts_.windows->scope = &scope();
}

MuxedConnection::~MuxedConnection() { end_by(CloseReason::local(CloseCode::Shutdown)); }

ConnectionStats MuxedConnection::stats() const {
  ConnectionStats stats = stats_;
  const muxer::Stats mux = parts_.session->stats();
  stats.inbound_streams = mux.inbound_streams;
  stats.outbound_streams = mux.outbound_streams;
  stats.refused_streams = mux.refused_streams;
  stats.dropped_pings = mux.dropped_pings;
  stats.round_trip = mux.round_trip;
  return stats;
}

void MuxedConnection::start(ConnectionEvents& events) {
  events_ = &events;
  started_ = true;
  parts_.session->start(now());
  tasks_.spawn(live());
  tasks_.spawn(write_when_blocked().in(reading_));  // the goodbye writes by itself
  schedule_flush();
}

Result<std::unique_ptr<RawStream>> MuxedConnection::open_stream() {
  if (reason_) return fail(ErrorCode::ConnectionClosed, Op::OpenStream, Origin::Local, reason_->to_string());
  STARLING_TRY(const muxer::StreamId id, parts_.session->open_stream());
  schedule_flush();
  return add_stream(id);
}

io::Task<void> MuxedConnection::join() { co_await tasks_.join(); }

void MuxedConnection::probe(Duration patience, std::string doubt) {
  if (reason_) return;
  parts_.session->probe(now(), patience, std::move(doubt));
  schedule_flush();
  arm_timer();  // a blocked socket flushes nothing
}

void MuxedConnection::trust() {
  parts_.session->trust();
  arm_timer();
}

void MuxedConnection::close(CloseReason reason) {
  if (reason_) return;
  parts_.session->go_away(reason.code);
  end_by(std::move(reason));
}

// The first reason counts; streams end now, the tasks in their own time.
void MuxedConnection::end_by(CloseReason reason) {
  if (reason_) return;
  reason_ = std::move(reason);
  end_streams();
  reading_.cancel(Error(ErrorCode::ConnectionClosed, Op::Read, Origin::Local));
  write_wanted_.notify_all();
  openable_.notify_all();
}

void MuxedConnection::end_by_remote() {
  remote_gone_ = true;
  end_by({CloseReason::By::Remote, remote_code_, std::nullopt});
}

void MuxedConnection::end_streams() {
  auto streams = std::exchange(streams_, {});
  std::vector<muxer::StreamId> order;  // not in table order: runs must be the same for the same seed
  for (const auto& [id, stream] : streams) order.push_back(id);
  std::sort(order.begin(), order.end());
  const CloseReason reason = reason_->of_streams();
  for (const muxer::StreamId id : order) streams[id]->end(reason);
  unread_ = 0;
  (void)charge_unread();
  arrivals_.clear();
  orphans_.clear();
}

// The life of the connection: read until it ends, say goodbye, tell the owner.
io::Task<void> MuxedConnection::live() {
  co_await read_until_end().in(reading_);
  if (!remote_gone_) co_await say_goodbye();
  timer_.cancel();
  parts_.socket->close();
  write_wanted_.notify_all();
  events_->on_closed(*reason_);
}

io::Task<void> MuxedConnection::read_until_end() {
  if (!parts_.plaintext_in.empty()) {
    const ByteQueue early = std::move(parts_.plaintext_in);
    if (Status status = on_plaintext(early.view()); !status) co_return end_by(CloseReason::failure(status.error()));
  }
  if (Status status = take_received(); !status) co_return end_by(CloseReason::failure(status.error()));
  for (std::size_t read = 0;;) {  // bytes, in this turn
    ByteQueue& in = parts_.wire_in;
    bool drained = true;
    const auto got = read_wire(drained);
    if (!got) {
      if (in.empty()) in.clear();
      if (!(got.error() == ErrorCode::WouldBlock)) {
        remote_gone_ = true;
        co_return end_by(CloseReason::failure(got.error()));
      }
      if (!co_await parts_.socket->readable()) co_return;
      read = 0;
      continue;
    }
    if (*got == 0) co_return end_by_remote();
    stats_.bytes_in += *got;
    read += *got;
    if (Status status = take_received(); !status) co_return end_by(CloseReason::failure(status.error()));
    if (reason_) co_return;
    if (drained) {  // the socket is empty: wait without asking it again
      if (in.empty()) in.clear();
      if (!co_await parts_.socket->readable()) co_return;
      read = 0;
    } else if (read >= kReadPerTurn) {
      if (!co_await io::yield()) co_return;
      read = 0;
    }
  }
}

// Bytes read, 0 at the end, and whether the socket is empty now.
Result<std::size_t> MuxedConnection::read_wire(bool& drained) {
  ByteQueue& in = parts_.wire_in;
  if (parts_.carried != nullptr) return parts_.carried->read_into(in);
  const MutableBytes room = in.prepare(in.empty() ? kReadChunk : kMinReadRoom);
  const auto got = parts_.socket->try_read(room);
  if (got) in.commit(*got);
  drained = got && *got < room.size();
  return got;
}

Status MuxedConnection::take_received() {
  Status status;
  if (!parts_.wire_in.empty()) status = parts_.channel->open(parts_.wire_in, *this);
  deliver_arrivals();
  schedule_flush();
  if (status && parts_.channel->remote_closed() && !reason_) end_by_remote();
  return status;
}

Status MuxedConnection::on_plaintext(Bytes plaintext) { return parts_.session->receive(plaintext, now(), *this); }

void MuxedConnection::deliver_arrivals() {
  auto arrivals = std::exchange(arrivals_, {});
  for (auto& stream : arrivals) events_->on_inbound_stream(std::move(stream));
}

// Sends what is left and waits, for a moment, until the remote has taken it: closing a socket with unread bytes in it
// would throw away what we sent last.
io::Task<void> MuxedConnection::say_goodbye() {
  struct Steps {
    static io::Task<Status> run(MuxedConnection& self) {
      io::StreamSocket& socket = *self.parts_.socket;
      for (self.flush();
           !self.remote_gone_ && (!self.parts_.session->output().empty() || !self.parts_.wire_out.empty());
           self.flush()) {
        STARLING_CO_CHECK(co_await socket.writable());
      }
      if (self.parts_.channel->close(self.parts_.wire_out)) self.flush();
      socket.shutdown_write();
      for (int reads = 1;; ++reads) {
        const auto got = socket.try_read(self.parts_.wire_in.prepare(kMinReadRoom));
        if (!got && got.error() == ErrorCode::WouldBlock) {
          STARLING_CO_CHECK(co_await socket.readable());
        } else if (got && *got > 0 && reads % kStreamReadsPerTurn == 0) {
          STARLING_CO_CHECK(co_await io::yield());  // it may go on sending for as long as we wait
        } else if (!got || *got == 0) {
          co_return Status{};
        }
      }
    }
  };
  (void)co_await io::with_deadline(options_.close_timeout, io::timeout_error(Op::Close, "goodbye"), Steps::run(*this));
  parts_.wire_in.clear();
}

io::Task<void> MuxedConnection::write_when_blocked() {
  while (!reason_) {
    if (!blocked_) {
      (void)co_await write_wanted_.wait();
      continue;
    }
    if (!co_await parts_.socket->writable()) co_return;
    blocked_ = false;
    flush();
  }
}

void MuxedConnection::schedule_flush() {
  if (started_ && !blocked_ && !io::Runnable::linked()) world_.reactor.at_turn_end(*this);
}

void MuxedConnection::flush() {
  while (!remote_gone_) {
    if (Status sealed = seal_output(); !sealed) {
      parts_.session->output().clear();  // a channel that failed seals nothing more; what it sealed before still leaves
      end_by(CloseReason::failure(sealed.error()));
    }
    ByteQueue& out = parts_.wire_out;
    if (out.empty()) break;
    const auto wrote = write_wire();
    if (wrote) {
      stats_.bytes_out += *wrote;
    } else if (wrote.error() == ErrorCode::WouldBlock) {
      blocked_ = true;
      write_wanted_.notify_all();
      break;
    } else {
      remote_gone_ = true;
      return end_by(CloseReason::failure(wrote.error()));
    }
  }
  wake_writers();
  arm_timer();
}

Result<std::size_t> MuxedConnection::write_wire() {
  ByteQueue& out = parts_.wire_out;
  if (parts_.carried != nullptr) return parts_.carried->write_from(out);
  const auto wrote = parts_.socket->try_write(out.view());
  if (wrote) out.consume(*wrote);
  return wrote;
}

Status MuxedConnection::seal_output() {
  ByteQueue& plain = parts_.session->output();
  ByteQueue& wire = parts_.wire_out;
  if (parts_.carried != nullptr && wire.empty()) {
    wire.swap(plain);
    return {};
  }
  while (!plain.empty() && wire.size() < kWireTarget) {
    const std::size_t count = std::min(plain.size(), kWireTarget - wire.size());
    STARLING_CHECK(parts_.channel->seal(plain.view().first(count), wire));
    plain.consume(count);
  }
  return {};
}

void MuxedConnection::wake_writers() {
  if (waiting_writers_.empty() || parts_.session->output().size() >= options_.output_buffer) return;
  for (const muxer::StreamId id : waiting_writers_.take())
    if (MuxedStream* stream = find(id)) stream->writable_.notify_all();
}

void MuxedConnection::arm_timer() {
  const TimePoint next = reason_ ? kNever : parts_.session->next_deadline();
  if (next == kNever) {
    timer_.cancel();
  } else if (!timer_.armed() || timer_.when() != next) {
    timer_.set(next);
  }
}

void MuxedConnection::on_timer() {
  if (reason_) return;
  if (Status status = parts_.session->on_timer(now(), *this); !status) end_by(CloseReason::failure(status.error()));
  flush();
}

Result<std::size_t> MuxedConnection::write(MuxedStream& stream, Bytes data) {
  const std::size_t pending = parts_.session->output().size();
  const std::size_t limit = options_.output_buffer + (data.size() <= kShortMessage ? kShortMessagesRoom : 0);
  if (pending >= limit) {
    waiting_writers_.add(stream.id_, stream.waits_);
    return fail(ErrorCode::WouldBlock, Op::Write, Origin::Local);
  }
  stream.waits_ = 0;
  const std::size_t taken = parts_.session->send(stream.id_, data.first(std::min(data.size(), limit - pending)));
  if (taken == 0 && !data.empty()) return fail(ErrorCode::WouldBlock, Op::Write, Origin::Local);
  schedule_flush();
  return taken;
}

void MuxedConnection::consumed(MuxedStream& stream, std::size_t bytes) {
  unread_ -= bytes;
  if (unread_ + 2 * kChargeStep < charged_) (void)charge_unread();
  parts_.session->consumed(stream.id_, bytes, now());
  if (!parts_.session->output().empty()) schedule_flush();
}

void MuxedConnection::close_write(MuxedStream& stream) {
  parts_.session->close_write(stream.id_);
  if (stream.remote_closed_) openable_.notify_all();  // the stream is over
  schedule_flush();
}

void MuxedConnection::reset(MuxedStream& stream, ResetCode code) {
  parts_.session->reset(stream.id_, muxer::ResetCode(code));
  forget(stream);
  stream.end({CloseReason::By::Local, std::uint32_t(code), std::nullopt});
  openable_.notify_all();
  schedule_flush();
}

// Keeps what the connection's scope knows of unread bytes within a step or two of the truth. False when there is no
// memory for more.
bool MuxedConnection::charge_unread() {
  const std::uint64_t wanted = unread_ / kChargeStep * kChargeStep;
  if (wanted > charged_ && !scope().reserve_memory(wanted - charged_, resource::Priority::High)) return false;
  if (wanted < charged_) scope().release_memory(charged_ - wanted);
  charged_ = wanted;
  return true;
}

// Out of the table; what nobody read yet no longer weighs on the connection.
void MuxedConnection::forget(MuxedStream& stream) {
  streams_.erase(stream.id_);
  unread_ -= stream.inbox_.size();
}

// The user dropped the stream.
void MuxedConnection::release(MuxedStream& stream) {
  forget(stream);
  if (stream.remote_closed_ && stream.write_closed_) return;
  if (stream.write_closed_ && stream.inbox_.empty()) {
    orphans_.insert(stream.id_);  // everything was sent; the remote only has to close its side
    return;
  }
  parts_.session->reset(stream.id_, 0);
  openable_.notify_all();
  schedule_flush();
}

std::unique_ptr<MuxedStream> MuxedConnection::add_stream(muxer::StreamId id) {
  auto stream = std::make_unique<MuxedStream>(*this, id);
  streams_.emplace(id, stream.get());
  return stream;
}

MuxedStream* MuxedConnection::find(muxer::StreamId id) {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second;
}

bool MuxedConnection::on_stream(muxer::StreamId id) {
  if (reason_) return false;
  arrivals_.push_back(add_stream(id));
  return true;
}

void MuxedConnection::on_data(muxer::StreamId id, Bytes payload) {
  MuxedStream* stream = find(id);
  if (stream == nullptr) {
    if (orphans_.erase(id) > 0) parts_.session->reset(id, 0);  // nobody will read it
    return;
  }
  stream->inbox_.append(payload);
  unread_ += payload.size();
  if (stream->inbox_.size() > max_inbox_ || unread_ > options_.muxer.window_memory_budget ||
      (unread_ >= charged_ + kChargeStep && !charge_unread())) {
    ++stats_.overrun_streams;
    reset(*stream, ResetCode::ResourceLimit);
    return stream->inbox_.clear();  // its user may hold the stream for as long as it likes
  }
  stream->readable_.notify_all();
}

void MuxedConnection::on_remote_close(muxer::StreamId id) {
  orphans_.erase(id);
  if (MuxedStream* stream = find(id)) {
    stream->remote_closed_ = true;
    stream->readable_.notify_all();
  }
}

void MuxedConnection::on_reset(muxer::StreamId id, muxer::ResetCode code) {
  orphans_.erase(id);
  MuxedStream* stream = find(id);
  if (stream == nullptr) return;
  forget(*stream);
  stream->end({CloseReason::By::Remote, code, std::nullopt});
}

void MuxedConnection::on_writable(muxer::StreamId id) {
  if (MuxedStream* stream = find(id)) stream->writable_.notify_all();
}

}  // namespace starling::transport
