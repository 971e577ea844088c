#include "transport/quic/endpoint.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace starling::transport::quic {
namespace {
// Then connections have their turn. Of bulk one full buffer is enough: with more of them a short question waited until
// all were decrypted. Small datagrams come one by one.
constexpr int kReadsPerTurn = 8;
constexpr std::size_t kReadBytesPerTurn = 32u << 10;
constexpr Duration kFailingSocketPause = std::chrono::milliseconds(100);
}  // namespace

Endpoint::Endpoint(const EndpointContext& context, EndpointOwner& owner, std::unique_ptr<io::DatagramSocket> socket)
    : context_(context),
      owner_(owner),
      closing_(context.options.max_closing),
      reply_tokens_(double(context.options.max_replies_per_second)),
      replies_counted_at_(context.world.reactor.now()),
      in_(std::make_unique_for_overwrite<std::uint8_t[]>(kRoom)),
      out_(std::make_unique_for_overwrite<std::uint8_t[]>(kRoom)),
      reader_(*this, &Endpoint::read),
      writer_(*this, &Endpoint::writable),
      cleaner_(*this, &Endpoint::clean_up),
      read_again_(context_.world.reactor, [this] { read(); }),
      socket_(std::move(socket)) {
  socket_->when_readable(reader_);
}

Endpoint::~Endpoint() {
  acceptor_ = nullptr;
  pending_.clear();
  retired_.clear();
  STARLING_ASSERT(users_.empty(), "connections end before the transport they came from");
}

void Endpoint::set_acceptor(Acceptor* acceptor) {
  acceptor_ = acceptor;
  if (acceptor_ != nullptr) return;
  pending_.clear();
  if (users_.empty() && open_) close();
}

void Endpoint::close() {
  open_ = false;
  socket_->close();
  owner_.on_idle(*this);
}

void Endpoint::leave(QuicConnection& connection, std::vector<ConnectionId> ids, ByteVector last, Duration time) {
  const TimePoint until = context_.world.reactor.after(time);
  for (const ConnectionId& id : ids) {
    by_id_.erase(id);
    closing_.put(id, {last, until, 0});
  }
  std::erase(waiting_for_room_, &connection);
  std::erase(users_, &connection);
  if (users_.empty() && acceptor_ == nullptr && open_) close();
}

std::size_t Endpoint::send(const io::OutgoingDatagrams& datagrams, QuicConnection& waits) {
  const auto sent = socket_->try_send(datagrams);
  if (sent && *sent == datagrams.bytes.size()) return *sent;
  if (sent || sent.error() == ErrorCode::WouldBlock) {
    if (std::find(waiting_for_room_.begin(), waiting_for_room_.end(), &waits) == waiting_for_room_.end())
      waiting_for_room_.push_back(&waits);
    socket_->when_writable(writer_);
    return sent ? *sent : 0;
  }
  // As good as lost on the way: QUIC sends again, or finds out that the way is no more.
  if (sent.error() == ErrorCode::TooLarge) return datagrams.bytes.size();  // an answer, when the path's MTU is probed
  ++context_.counters.send_errors;
  waits.socket_failed(sent.error());
  return datagrams.bytes.size();
}

void Endpoint::writable() {
  for (QuicConnection* connection : std::exchange(waiting_for_room_, {})) connection->flush();
}

void Endpoint::read() {
  std::size_t bytes = 0;
  for (int calls = 0; calls < kReadsPerTurn && bytes < kReadBytesPerTurn; ++calls) {
    const auto got = socket_->try_receive({in_.get(), kRoom});
    if (!got) {
      while (const auto undelivered = socket_->take_undelivered()) on_undelivered(*undelivered);
      return on_read_error(got.error());
    }
    const Bytes all(in_.get(), got->size);
    bytes += all.size();
    const std::size_t segment = std::max<std::size_t>(got->segment, 1);
    for (std::size_t at = 0; at < all.size(); at += segment)
      dispatch(*got, all.subspan(at, std::min(segment, all.size() - at)));
  }
  context_.world.reactor.at_turn_end(reader_);  // behind the connections that have something to answer now
}

// A socket that keeps failing counts as readable, too: it is asked again only after a while.
void Endpoint::on_read_error(const Error& error) {
  if (error == ErrorCode::Closed) return;
  if (error == ErrorCode::WouldBlock) return socket_->when_readable(reader_);
  read_again_.set(context_.world.reactor.after(kFailingSocketPause));
}

void Endpoint::on_undelivered(const io::Undelivered& undelivered) {
  const std::vector<QuicConnection*> awaiting = awaiting_;
  for (QuicConnection* connection : awaiting)
    if (connection->awaits_answer_of(undelivered.to)) connection->undeliverable(undelivered.error);
}

void Endpoint::dispatch(const io::Datagram& datagram, Bytes packet) {
  const auto head = context_.engine.parse(packet);
  if (!head) {
    ++context_.counters.foreign_packets;
    return;
  }
  if (const auto found = by_id_.find(head->to); found != by_id_.end()) return found->second->receive(datagram, packet);
  if (QuicConnection* ended = reset_by(*head, packet)) return ended->receive(datagram, packet);
  if (repeat_close(*head, datagram)) return;
  on_stranger(datagram, packet, *head);
}

// A stateless reset looks like a packet for a connection that nobody knows; its end gives it away.
QuicConnection* Endpoint::reset_by(const PacketHead& head, Bytes packet) const {
  ResetToken token;
  if (head.long_header || packet.size() < token.size() || by_token_.empty()) return nullptr;
  std::copy(packet.end() - std::ptrdiff_t(token.size()), packet.end(), token.begin());
  const auto found = by_token_.find(token);
  return found == by_token_.end() ? nullptr : found->second;
}

// A connection that ended lately: its peer may have missed the goodbye. Answered ever more rarely.
// spec: RFC 9000, 10.2.1
bool Endpoint::repeat_close(const PacketHead& head, const io::Datagram& datagram) {
  Closing* closing = closing_.find(head.to);
  if (closing == nullptr) return false;
  if (context_.world.reactor.now() >= closing->until) {
    closing_.erase(head.to);
    return false;
  }
  if (std::has_single_bit(++closing->heard) && !closing->packet.empty() && may_reply())
    reply(datagram, closing->packet);
  return true;
}

void Endpoint::on_stranger(const io::Datagram& datagram, Bytes packet, const PacketHead& head) {
  const TimePoint now = context_.world.reactor.now();
  const Path path{local(), datagram.from};
  const bool require_proof = pending_.size() >= context_.options.retry_above;
  const Verdict verdict = context_.engine.judge(path, packet, head, require_proof, now);
  QuicCounters& counters = context_.counters;
  if (verdict.kind == Verdict::Kind::Accept && acceptor_ != nullptr) return accept(datagram, packet, head, verdict);
  if (verdict.kind == Verdict::Kind::Drop || acceptor_ == nullptr) {
    // Where nobody listens only a reset can be meant for us, and only for a connection that was dialed from here.
    if (verdict.kind != Verdict::Kind::StatelessReset) {
      ++counters.foreign_packets;
      return;
    }
  }
  if (!may_reply()) return;
  if (verdict.kind == Verdict::Kind::BadToken) ++counters.invalid_tokens;
  if (verdict.kind == Verdict::Kind::VersionNegotiation) ++counters.versions_sent;
  if (verdict.kind == Verdict::Kind::Retry) ++counters.retries_sent;
  if (verdict.kind == Verdict::Kind::StatelessReset) ++counters.resets_sent;
  reply(datagram, context_.engine.answer(path, packet, head, verdict.kind, now));
}

void Endpoint::accept(const io::Datagram& datagram, Bytes packet, const PacketHead& head, const Verdict& verdict) {
  Result<resource::ConnectionScope> scope = resource::ConnectionScope();
  if (context_.gate != nullptr)
    scope = context_.gate->admit({.remote = datagram.from.address, .uses_descriptor = false});
  if (!scope) {
    ++context_.counters.refused_by_gate;
    return refuse(datagram, packet, head);
  }
  make_room();
  ++context_.counters.accepted;
  pending_.push_back(
      std::make_unique<QuicConnection>(*this, Direction::Inbound, static_cast<HandshakeWatcher&>(*this)));
  QuicConnection& connection = *pending_.back();
  connection.hold(std::move(*scope));
  if (const Status made = connection.accept(datagram.from, head, verdict, packet); !made) {
    ++context_.counters.handshakes_failed;
    pending_.pop_back();
    return;
  }
  connection.receive(datagram, packet);
}

// What closing the socket is to TCP: the stranger learns at once that it is not let in.
void Endpoint::refuse(const io::Datagram& datagram, Bytes packet, const PacketHead& head) {
  if (!may_reply()) return;
  const Path path{local(), datagram.from};
  reply(datagram, context_.engine.answer(path, packet, head, Verdict::Kind::Refuse, context_.world.reactor.now()));
}

// A flood of silent strangers costs each other, while an honest one needs a place for a few round trips only.
void Endpoint::make_room() {
  if (pending_.size() < context_.options.max_pending_inbound) return;
  ++context_.counters.evicted_pending;
  pending_.pop_front();
}

void Endpoint::reply(const io::Datagram& to, Bytes packet) {
  if (packet.empty()) return;
  if (!socket_->try_send({.bytes = packet, .to = to.from, .from = to.to})) ++context_.counters.send_errors;
}

bool Endpoint::may_reply() {
  const TimePoint now = context_.world.reactor.now();
  const double rate = double(context_.options.max_replies_per_second);
  const double passed = std::chrono::duration<double>(now - replies_counted_at_).count();
  reply_tokens_ = std::min(rate, reply_tokens_ + passed * rate);
  replies_counted_at_ = now;
  if (reply_tokens_ < 1) {
    ++context_.counters.replies_suppressed;
    return false;
  }
  reply_tokens_ -= 1;
  return true;
}

void Endpoint::on_handshake_over(QuicConnection& connection) {
  const auto place =
      std::find_if(pending_.begin(), pending_.end(), [&](const auto& each) { return each.get() == &connection; });
  if (place == pending_.end()) return;
  std::unique_ptr<QuicConnection> owned = std::move(*place);
  pending_.erase(place);
  if (connection.established() && !connection.closed()) {
    ++context_.counters.established;
    if (acceptor_ != nullptr && acceptor_->on_accepted(owned)) return;
    ++context_.counters.refused_accepts;
    owned->close(CloseReason::local(CloseCode::ResourceLimit));
  } else {
    const CloseReason* reason = connection.reason();
    const bool timeout = reason != nullptr && reason->error && *reason->error == ErrorCode::Timeout;
    ++(timeout ? context_.counters.handshakes_timed_out : context_.counters.handshakes_failed);
  }
  retired_.push_back(std::move(owned));  // it is on the stack now
  if (!cleaner_.linked()) context_.world.reactor.post(cleaner_);
}

void Endpoint::clean_up() { retired_.clear(); }

}  // namespace starling::transport::quic
