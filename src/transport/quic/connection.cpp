#include "transport/quic/connection.hpp"

#include <algorithm>
#include <utility>

#include "transport/quic/endpoint.hpp"

namespace starling::transport::quic {
namespace {

constexpr char kSecurity[] = "/tls/1.0.0", kMuxer[] = "/quic-v1";
constexpr std::size_t kMostRoutes = 4;
constexpr Duration kPauseWhileBlocked = std::chrono::milliseconds(5);
constexpr std::size_t kWrittenPerTurn = 32u << 10;  // bytes; then what arrived meanwhile has its turn: one full buffer
constexpr std::size_t kDatagramOverhead = 64;       // so that empty ones fill a queue too
constexpr std::uint64_t kChargeStep = 64u << 10;    // memory is charged in steps, not byte by byte
// What a connection holds by itself, keys and the library's state included: docs/performance.md, "KiB per idle
// connection", without what the layers above have of it.
constexpr std::uint64_t kOwnMemory = 32u << 10;

}  // namespace

QuicConnection::QuicConnection(Endpoint& endpoint, Direction direction, HandshakeWatcher& watcher)
    : endpoint_(&endpoint),
      local_(endpoint.local()),
      watcher_(&watcher),
      timer_(endpoint.context().world.reactor, [this] { on_timer(); }) {
  info_.direction = direction;
  info_.security = kSecurity;
  info_.muxer = kMuxer;
  endpoint_->enter(*this);
}

// Without close() and join() before it the peer is told in one packet, and nothing is waited for.
QuicConnection::~QuicConnection() {
  watcher_ = nullptr;
  events_ = nullptr;
  if (!reason_) end_by(CloseReason::local(CloseCode::Shutdown));
  if (!finished_) finish(session_ ? session_->close(reason_->code, endpoint_->room(), now()) : std::nullopt);
}

TimePoint QuicConnection::now() const { return endpoint_->context().world.reactor.now(); }

Status QuicConnection::dial(const io::Endpoint& remote, std::optional<PeerId> expected) {
  info_.remote_address = quic_multiaddr(remote);
  info_.local_address = quic_multiaddr(endpoint_->local());
  remote_ = remote;
  session_ = endpoint_->context().engine.connect({local_, remote}, std::move(expected), *this, now());
  if (!session_) return fail(ErrorCode::Internal, Op::Dial, Origin::Bug, "quic: the session could not be made");
  awaited_ = remote;
  endpoint_->await_answer(*this);
  schedule();
  return {};
}

Status QuicConnection::accept(const io::Endpoint& remote, const PacketHead& head, const Verdict& verdict,
                              Bytes packet) {
  info_.remote_address = quic_multiaddr(remote);
  info_.local_address = quic_multiaddr(endpoint_->local());
  remote_ = remote;
  session_ = endpoint_->context().engine.accept({local_, remote}, head, verdict, packet, *this, now());
  if (!session_) return fail(ErrorCode::Internal, Op::Accept, Origin::Bug, "quic: the session could not be made");
  return {};
}

void QuicConnection::receive(const io::Datagram& datagram, Bytes packet) {
  if (finished_) return;
  stats_.bytes_in += packet.size();
  if (!first_answer_at_) first_answer_at_ = now();
  no_longer_awaited();
  const auto known =
      std::find_if(routes_.begin(), routes_.end(), [&](const Route& route) { return route.remote == datagram.from; });
  if (known != routes_.end()) {
    known->local = datagram.to;
  } else {
    if (routes_.size() == kMostRoutes) routes_.erase(routes_.begin());
    routes_.push_back({datagram.from, datagram.to});
  }
  session_->receive({local_, datagram.from}, datagram.ecn, packet, now());
  schedule();
}

io::IpAddress QuicConnection::local_for(const io::Endpoint& remote) const {
  for (const Route& route : routes_)
    if (route.remote == remote) return route.local;
  return remote.address.is_v4() ? io::IpAddress() : io::IpAddress::v6({});
}

io::IpAddress QuicConnection::home() const {
  return local_.address.is_unspecified() ? local_for(remote_) : local_.address;
}

void QuicConnection::move_to(Endpoint& endpoint, const io::IpAddress& address) {
  if (&endpoint != endpoint_) {
    for (const ConnectionId& id : ids_) endpoint_->remove_id(id);
    for (const ResetToken& token : reset_tokens_) endpoint_->remove_reset_token(token, *this);
    endpoint_->leave(*this, {}, {}, {});
    endpoint_ = &endpoint;
    endpoint_->enter(*this);
    for (const ConnectionId& id : ids_) endpoint_->add_id(id, *this);
    for (const ResetToken& token : reset_tokens_) endpoint_->add_reset_token(token, *this);
  }
  unsent_.clear();  // as good as lost; the session sends again
  routes_.clear();
  const io::Endpoint from{address, endpoint.local().port};
  if (session_->migrate({from, remote_}, now())) {
    local_ = from;
    ++endpoint_->context().counters.migrations;
  }
  info_.local_address = quic_multiaddr(from);
  schedule();
}

void QuicConnection::socket_failed(const Error& error) {
  if (!reason_ && !established()) end_by(CloseReason::failure(error));
  schedule();
}

// Only before the first answer: whoever could forge this message could forge the refusal of a TCP connection, too.
// Later nothing but a proved packet ends a connection. spec: RFC 9000, 14.2.1
void QuicConnection::undeliverable(const Error& error) {
  no_longer_awaited();
  if (!reason_) end_by(CloseReason::failure(error));
  schedule();
}

void QuicConnection::no_longer_awaited() {
  if (!awaited_) return;
  awaited_.reset();
  endpoint_->answered(*this);
}

void QuicConnection::schedule() {
  if (!finished_ && !linked()) endpoint_->context().world.reactor.at_turn_end(*this);
}

// The end of a turn: tell what happened, send what there is, see whether this is over.
void QuicConnection::run() {
  if (finished_) return;
  if (const CloseReason* ended = session_->ended()) {
    end_by(*ended);
    return finish(session_->farewell(endpoint_->room(), now()));
  }
  if (watcher_ != nullptr && established()) std::exchange(watcher_, nullptr)->on_handshake_over(*this);
  deliver_arrivals();
  send_pending();
  (void)charge(sending(), resource::Priority::Medium);  // gives back what was acknowledged
  if (session_->ended() != nullptr) return schedule();
  if (reason_ && (nothing_left_to_say() || now() >= close_by_.value_or(now())))
    return finish(session_->close(reason_->code, endpoint_->room(), now()));
  wake_writers();
  arm_timer();
}

bool QuicConnection::nothing_left_to_say() const {
  return !session_->established() || (unsent_.empty() && session_->unsent() == 0 && session_->unacknowledged() == 0);
}

void QuicConnection::send_pending() {
  while (!unsent_.empty()) {
    Unsent& first = unsent_.front();
    const std::size_t taken = endpoint_->send(
        {first.bytes, first.batch.segment, first.batch.remote, local_for(first.batch.remote), first.batch.ecn}, *this);
    stats_.bytes_out += taken;
    if (taken < first.bytes.size()) {
      first.bytes.erase(first.bytes.begin(), first.bytes.begin() + std::ptrdiff_t(taken));
      return;
    }
    unsent_.pop_front();
  }
  const MutableBytes room = endpoint_->room();
  std::size_t written = 0;
  while (unsent_.empty()) {
    if (written >= kWrittenPerTurn) return schedule();
    const auto batches = session_->write(room, now());
    if (batches.empty()) return;
    for (const PacketBatch& batch : batches) {
      send_batch(batch, room);
      written += batch.size;
    }
  }
}

void QuicConnection::send_batch(const PacketBatch& batch, MutableBytes from) {
  const Bytes bytes = from.subspan(batch.offset, batch.size);
  std::size_t taken = 0;
  if (unsent_.empty()) {
    taken = endpoint_->send({bytes, batch.segment, batch.remote, local_for(batch.remote), batch.ecn}, *this);
    stats_.bytes_out += taken;
  }
  if (taken < bytes.size()) unsent_.push_back({batch, to_vector(bytes.subspan(taken))});
}

void QuicConnection::on_timer() {
  if (finished_) return;
  if (session_->next_deadline() <= now()) session_->on_timer(now());
  run();
}

// A timer that is due earlier than needed stays: it finds nothing and is set anew, which costs less than moving it with
// every packet.
void QuicConnection::arm_timer() {
  TimePoint next = session_->next_deadline();
  if (close_by_) next = std::min(next, *close_by_);
  if (next == kNever) return timer_.cancel();
  // Packets that wait for the socket hold up everything else; the socket says when it has room.
  if (!unsent_.empty()) next = std::max(next, now() + kPauseWhileBlocked);
  if (!timer_.armed() || timer_.when() > next) timer_.set(std::max(next, now()));
}

void QuicConnection::start(ConnectionEvents& events) {
  events_ = &events;
  schedule();
}

void QuicConnection::deliver_arrivals() {
  if (events_ == nullptr || arrivals_.empty()) return;
  for (auto& stream : std::exchange(arrivals_, {})) events_->on_inbound_stream(std::move(stream));
}

ConnectionStats QuicConnection::stats() const {
  ConnectionStats stats = stats_;
  if (session_) stats.round_trip = session_->round_trip();
  return stats;
}

Result<std::unique_ptr<RawStream>> QuicConnection::open_stream() {
  if (reason_) return fail(ErrorCode::ConnectionClosed, Op::OpenStream, Origin::Local, reason_->to_string());
  STARLING_TRY(const StreamId id, session_->open_stream());
  ++stats_.outbound_streams;
  return add_stream(id, /*local=*/true);
}

io::Task<void> QuicConnection::join() {
  io::CancelScope always(nullptr);
  struct Steps {
    static io::Task<void> wait(QuicConnection& self) {
      while (!self.finished_) (void)co_await self.finished_queue_.wait();
    }
  };
  co_await Steps::wait(*this).in(always);
}

void QuicConnection::close(CloseReason reason) {
  if (reason_) return;
  close_by_ = endpoint_->context().world.reactor.after(endpoint_->context().options.close_timeout);
  end_by(std::move(reason));
  schedule();
}

// The first reason counts; streams end now, the session when it has said what was written.
void QuicConnection::end_by(CloseReason reason) {
  if (reason_) return;
  reason_ = std::move(reason);
  end_streams();
  openable_.notify_all();
  datagram_readable_.notify_all();
}

void QuicConnection::end_streams() {
  auto streams = std::exchange(streams_, {});
  std::vector<StreamId> order;  // not in table order: runs must be the same for the same seed
  for (const auto& [id, stream] : streams) order.push_back(id);
  std::sort(order.begin(), order.end());
  const CloseReason reason = reason_->of_streams();
  for (const StreamId id : order) {
    stream_over(*streams[id]);
    streams[id]->end(reason);
  }
  arrivals_.clear();
  orphans_.clear();
  unread_ = 0;
}

// The last thing that happens. `last` says goodbye.
void QuicConnection::finish(std::optional<PacketBatch> last) {
  finished_ = true;
  no_longer_awaited();
  timer_.cancel();
  ByteVector goodbye;
  if (last) {
    const Bytes packet = endpoint_->room().subspan(last->offset, last->size);
    stats_.bytes_out += endpoint_->send({packet, 0, last->remote, local_for(last->remote), last->ecn}, *this);
    goodbye = to_vector(packet);
  }
  const Duration lingering = session_ ? session_->drain_time() : Duration{};
  for (const ResetToken& token : reset_tokens_) endpoint_->remove_reset_token(token, *this);
  endpoint_->leave(*this, std::exchange(ids_, {}), std::move(goodbye), lingering);
  HandshakeWatcher* watcher = std::exchange(watcher_, nullptr);
  ConnectionEvents* events = std::exchange(events_, nullptr);
  finished_queue_.notify_all();
  if (watcher != nullptr) return watcher->on_handshake_over(*this);
  if (events != nullptr) events->on_closed(*reason_);
}

// The part of the output buffer that is free decides; a stream whose window is closed fills it up like any other.
// Without memory for more the writer goes on in the step that is held already: it waits only while something is on its
// way, whose acknowledgement wakes it.
Result<std::size_t> QuicConnection::write(QuicStream& stream, Bytes data) {
  const std::size_t limit = endpoint_->context().options.output_buffer;
  const std::size_t pending = std::min(session_->unsent(), limit);
  std::size_t taken = std::min(data.size(), limit - pending);
  if (!charge(sending() + taken, resource::Priority::Medium))
    taken = std::min(taken, std::size_t(kChargeStep - 1 - sending() % kChargeStep));
  if (taken == 0 && !data.empty()) {
    waiting_writers_.add(stream.id_, stream.waits_);
    return fail(ErrorCode::WouldBlock, Op::Write, Origin::Local);
  }
  stream.waits_ = 0;
  session_->send(stream.id_, data.first(taken));
  schedule();
  return taken;
}

// Keeps what the connection's scope knows of the connection itself, the bytes held for readers, and those for sending
// or sending again, within a step or two of the truth: `to_send` of the latter from now on. False when there is no
// memory for more.
bool QuicConnection::charge(std::uint64_t to_send, resource::Priority priority) {
  const auto in_steps = [](std::uint64_t bytes) { return bytes / kChargeStep * kChargeStep; };
  const std::uint64_t wanted = kOwnMemory + in_steps(unread_ + datagram_bytes_) + in_steps(to_send);
  const std::uint64_t charged = scope().memory();
  if (wanted > charged) return scope().reserve_memory(wanted - charged, priority).has_value();
  if (wanted + kChargeStep < charged || wanted == kOwnMemory) scope().release_memory(charged - wanted);
  return true;
}

void QuicConnection::wake_writers() {
  if (waiting_writers_.empty() || session_->unsent() >= endpoint_->context().options.output_buffer) return;
  for (const StreamId id : waiting_writers_.take())
    if (QuicStream* stream = find(id)) stream->writable_.notify_all();
}

void QuicConnection::consumed(QuicStream& stream, std::size_t bytes) {
  unread_ -= bytes;
  session_->consumed(stream.id_, bytes, now());
  schedule();
}

void QuicConnection::close_write(QuicStream& stream) {
  session_->close_write(stream.id_);
  if (stream.remote_closed_) stream_over(stream);
  schedule();
}

void QuicConnection::reset(QuicStream& stream, ResetCode code) {
  session_->reset(stream.id_, std::uint64_t(code));
  forget(stream);
  stream_over(stream);
  session_->release(stream.id_);
  stream.end({CloseReason::By::Local, std::uint32_t(code), std::nullopt});
  schedule();
}

// Out of the table; what nobody read yet weighs on no window and no budget any more.
void QuicConnection::forget(QuicStream& stream) {
  streams_.erase(stream.id_);
  session_->consumed(stream.id_, stream.inbox_.size(), now());
  unread_ -= stream.inbox_.size();
}

// The user dropped the stream.
void QuicConnection::release(QuicStream& stream) {
  forget(stream);
  const bool all_sent = stream.write_over();
  if (!stream.remote_closed_ && all_sent && stream.inbox_.empty()) {
    orphans_.insert(stream.id_);  // everything was sent; the remote only has to close its side
  } else if (!stream.remote_closed_ || !all_sent) {
    session_->reset(stream.id_, 0);
  }
  stream_over(stream);
  session_->release(stream.id_);
  schedule();
}

void QuicConnection::stream_over(QuicStream& stream) {
  if (std::exchange(stream.counted_out_, true)) return;
  --(stream.local_ ? stats_.outbound_streams : stats_.inbound_streams);
}

QuicStream* QuicConnection::find(StreamId id) {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second;
}

std::unique_ptr<QuicStream> QuicConnection::add_stream(StreamId id, bool local) {
  auto stream = std::make_unique<QuicStream>(*this, id, local);
  streams_.emplace(id, stream.get());
  return stream;
}

void QuicConnection::on_established() {
  info_.remote_peer = session_->remote_peer();
  info_.remote_key = session_->remote_key();
  info_.opened_at = now();
  if (endpoint_->local().address.is_unspecified() && !routes_.empty() && !routes_.back().local.is_unspecified())
    info_.local_address = quic_multiaddr({routes_.back().local, endpoint_->local().port});
}

void QuicConnection::on_stream(StreamId id) {
  if (reason_) return session_->reset(id, std::uint64_t(ResetCode::Shutdown));
  ++stats_.inbound_streams;
  arrivals_.push_back(add_stream(id, /*local=*/false));
}

void QuicConnection::on_data(StreamId id, Bytes data) {
  QuicStream* stream = find(id);
  if (stream == nullptr) {  // nobody will read it
    session_->consumed(id, data.size(), now());
    if (orphans_.erase(id) > 0) session_->reset(id, 0);
    return;
  }
  stream->inbox_.append(data);
  unread_ += data.size();
  if (!charge(sending(), resource::Priority::High)) {
    ++stats_.overrun_streams;
    reset(*stream, ResetCode::ResourceLimit);
    return stream->inbox_.clear();  // its user may hold the stream for as long as it likes
  }
  stream->readable_.notify_all();
}

void QuicConnection::on_remote_close(StreamId id) {
  orphans_.erase(id);
  QuicStream* stream = find(id);
  if (stream == nullptr) return;
  stream->remote_closed_ = true;
  if (stream->write_over()) stream_over(*stream);
  stream->readable_.notify_all();
}

// In libp2p a reset is of the whole stream: the other direction goes with it.
void QuicConnection::on_reset(StreamId id, std::uint64_t code) {
  orphans_.erase(id);
  QuicStream* stream = find(id);
  if (stream == nullptr) return;
  session_->reset(id, code);
  forget(*stream);  // what arrived stays readable
  stream_over(*stream);
  session_->release(id);
  stream->end({CloseReason::By::Remote, std::uint32_t(code), std::nullopt});
}

void QuicConnection::on_stop(StreamId id, std::uint64_t code) {
  QuicStream* stream = find(id);
  if (stream == nullptr || stream->stopped_) return;
  stream->stopped_ = CloseReason{CloseReason::By::Remote, std::uint32_t(code), std::nullopt};
  if (stream->remote_closed_) stream_over(*stream);
  stream->writable_.notify_all();
}

void QuicConnection::on_datagram(Bytes datagram) {
  const std::size_t limit = endpoint_->context().options.max_datagram_queue;
  if (reason_ || datagram_bytes_ + datagram.size() + kDatagramOverhead > limit) {
    ++endpoint_->context().counters.datagrams_dropped;
    return;
  }
  datagram_bytes_ += datagram.size() + kDatagramOverhead;
  datagrams_.push_back(to_vector(datagram));
  datagram_readable_.notify_all();
}

std::optional<ByteVector> QuicConnection::receive_datagram() {
  if (datagrams_.empty()) return std::nullopt;
  ByteVector first = std::move(datagrams_.front());
  datagrams_.pop_front();
  datagram_bytes_ -= first.size() + kDatagramOverhead;
  return first;
}

Status QuicConnection::send_datagram(Bytes datagram) {
  if (reason_) return fail(ErrorCode::ConnectionClosed, Op::Write, Origin::Local, reason_->to_string());
  const std::size_t most = session_->max_datagram_size();
  if (most == 0) return fail(ErrorCode::Unsupported, Op::Write, Origin::Remote, "the peer takes no datagrams");
  if (datagram.size() > most) {
    return fail(ErrorCode::TooLarge, Op::Write, Origin::Local,
                "a datagram of " + std::to_string(datagram.size()) + " bytes, " + std::to_string(most) + " fit");
  }
  if (!session_->send_datagram(datagram)) return fail(ErrorCode::WouldBlock, Op::Write, Origin::Local);
  schedule();
  return {};
}

bool QuicConnection::update_keys() {
  const bool done = !reason_ && session_->update_keys(now());
  schedule();
  return done;
}

void QuicConnection::on_id_added(const ConnectionId& id) {
  ids_.push_back(id);
  endpoint_->add_id(id, *this);
}

void QuicConnection::on_id_removed(const ConnectionId& id) {
  std::erase(ids_, id);
  endpoint_->remove_id(id);
}

void QuicConnection::on_reset_token_added(const ResetToken& token) {
  reset_tokens_.push_back(token);
  endpoint_->add_reset_token(token, *this);
}

void QuicConnection::on_reset_token_removed(const ResetToken& token) {
  std::erase(reset_tokens_, token);
  endpoint_->remove_reset_token(token, *this);
}

void QuicConnection::on_path_changed(const io::Endpoint& remote) {
  remote_ = remote;
  Multiaddr address = quic_multiaddr(remote);
  if (address == info_.remote_address) return;
  info_.remote_address = std::move(address);
  ++endpoint_->context().counters.path_changes;
}

}  // namespace starling::transport::quic
