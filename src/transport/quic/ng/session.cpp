#include "transport/quic/ng/session.hpp"

#include <algorithm>

#include "transport/quic/ng/convert.hpp"

namespace starling::transport::quic::ng {
namespace {

constexpr std::size_t kMostSegments = 64;      // datagrams per send call, as systems permit
constexpr std::size_t kLargestBatch = 65'507;  // bytes per send call
constexpr std::size_t kBurst = 12'000;         // bytes that may leave at once: ten packets
constexpr std::size_t kMostUnpaced = 4 * kBurst;
constexpr std::size_t kPacketOverhead = 44;       // first byte, connection id, packet number, tag, frame head
constexpr std::size_t kDatagramOverhead = 64;     // so that empty ones fill a queue too
constexpr std::uint64_t kDatagramFrame = 65'535;  // spec: RFC 9221, 3: "any size"
constexpr std::uint64_t kMostIds = 8;             // connection ids that we hold of the peer
constexpr std::size_t kEthernetPayload = 1452;    // of a datagram, over IPv6
constexpr int kTimeoutsWithoutProgress = 3;       // of PTO: two probes in vain
constexpr int kLifetimesToDrain = 3;              // spec: RFC 9000, 10.2

ngtcp2_cc_algo to_ng(QuicCongestion congestion) {
  if (congestion == QuicCongestion::Bbr) return NGTCP2_CC_ALGO_BBR;
  return congestion == QuicCongestion::Reno ? NGTCP2_CC_ALGO_RENO : NGTCP2_CC_ALGO_CUBIC;
}

ConnectionId random_id(Random& random) {
  ConnectionId id;
  id.size = kOwnIdSize;
  random.fill(MutableBytes(id.bytes).first(kOwnIdSize));
  return id;
}

ngtcp2_conn* connection_of(ngtcp2_crypto_conn_ref* reference);

std::string name_of_alert(std::uint8_t alert) {
  const char* name = gnutls_alert_get_name(gnutls_alert_description_t(alert));
  return name != nullptr ? name : "TLS alert " + std::to_string(alert);
}

// What GnuTLS found wrong by itself, as it tells the peer: of a certificate that is missing or cannot be read we are
// not even asked.
Error error_of_alert(std::uint8_t alert) {
  constexpr int kCertificateRequired = 116;  // spec: RFC 8446, 6.2
  const bool missing = alert == kCertificateRequired;
  if (missing || (alert >= GNUTLS_A_BAD_CERTIFICATE && alert <= GNUTLS_A_CERTIFICATE_UNKNOWN)) {
    return Error(ErrorCode::BadCertificate, Op::Secure, Origin::Remote,
                 missing ? "the peer showed no certificate" : "the peer's certificate: " + name_of_alert(alert));
  }
  return Error(ErrorCode::HandshakeFailed, Op::Secure, Origin::Remote, name_of_alert(alert));
}

Error broken(ErrorCode code, std::string text) {
  return Error(code, Op::Mux, Origin::Remote, "quic: " + std::move(text));
}

}  // namespace

NgSession::NgSession(Shared& shared, std::optional<PeerId> expected, SessionEvents& events)
    : shared_(shared),
      events_(events),
      expected_(std::move(expected)),
      window_(shared.options.initial_connection_window, shared.options.max_connection_window),
      largest_(shared.options.max_udp_payload) {
  ngtcp2_ccerr_default(&close_error_);
}

NgSession::~NgSession() = default;

TlsOwner& owner_of(gnutls_session_t session) {
  return *static_cast<NgSession*>(static_cast<ngtcp2_crypto_conn_ref*>(gnutls_session_get_ptr(session))->user_data);
}

void NgSession::prepare(ngtcp2_settings& settings, ngtcp2_transport_params& params, TimePoint now) {
  const QuicOptions& options = shared_.options;
  ngtcp2_settings_default(&settings);
  settings.initial_ts = ng::to_ng(now);
  settings.initial_rtt = ng::to_ng(options.initial_round_trip);
  settings.cc_algo = to_ng(options.congestion);
  settings.max_tx_udp_payload_size = options.max_udp_payload;
  settings.pmtud_probes = shared_.path_sizes.data();
  settings.pmtud_probeslen = shared_.path_sizes.size();
  settings.handshake_timeout = ng::to_ng(options.handshake_timeout);
  settings.rand_ctx.native_handle = &shared_.random;
  if (qlog_) {
    settings.qlog_write = [](void* user, std::uint32_t, const void* data, std::size_t size) {
      static_cast<NgSession*>(user)->qlog_({static_cast<const std::uint8_t*>(data), size});
    };
  }
  ngtcp2_transport_params_default(&params);
  params.initial_max_stream_data_bidi_local = options.initial_stream_window;
  params.initial_max_stream_data_bidi_remote = options.initial_stream_window;
  params.initial_max_data = options.initial_connection_window;
  params.initial_max_streams_bidi = options.max_inbound_streams;
  params.initial_max_streams_uni = 0;
  params.max_idle_timeout = ng::to_ng(options.idle_timeout);
  params.active_connection_id_limit = kMostIds;
  params.max_datagram_frame_size = options.max_datagram_queue > 0 ? kDatagramFrame : 0;
  params.grease_quic_bit = 1;
}

void NgSession::open_qlog(const ConnectionId& name) {
  if (shared_.options.qlog) qlog_ = shared_.options.qlog(to_hex(name.view()));
}

bool NgSession::start_client(const Path& path, TimePoint now) {
  const ConnectionId ours = random_id(shared_.random);
  ConnectionId theirs = random_id(shared_.random);
  theirs.size = kMaxIdSize - 2;
  shared_.random.fill(MutableBytes(theirs.bytes).first(theirs.size));
  open_qlog(theirs);
  ngtcp2_settings settings;
  ngtcp2_transport_params params;
  prepare(settings, params, now);
  PathNames names(path);
  const ngtcp2_path ng_path = names.get();
  const ngtcp2_cid source = ng::to_ng(ours), destination = ng::to_ng(theirs);
  const ngtcp2_callbacks callbacks = client_callbacks(shared_.null_protection);
  ngtcp2_conn* made = nullptr;
  if (ngtcp2_conn_client_new(&made, &destination, &source, &ng_path, NGTCP2_PROTO_VER_V1, &callbacks, &settings,
                             &params, nullptr, this) != 0)
    return false;
  connection_.reset(made);
  if (!finish_start(/*server=*/false)) return false;
  events_.on_id_added(ours);
  return true;
}

bool NgSession::start_server(const Path& path, const ngtcp2_pkt_hd& head, const Verdict& verdict, TimePoint now) {
  const ConnectionId ours = random_id(shared_.random);
  open_qlog(verdict.original);
  ngtcp2_settings settings;
  ngtcp2_transport_params params;
  prepare(settings, params, now);
  if (verdict.validated) {
    settings.token = head.token;
    settings.tokenlen = head.tokenlen;
    settings.token_type = NGTCP2_TOKEN_TYPE_RETRY;
    params.retry_scid = ng::to_ng(verdict.retry_source);
    params.retry_scid_present = 1;
  }
  params.original_dcid = ng::to_ng(verdict.original);
  params.original_dcid_present = 1;
  const ngtcp2_cid source = ng::to_ng(ours);
  params.stateless_reset_token_present = 1;
  reset_token(shared_, source, params.stateless_reset_token);
  PathNames names(path);
  const ngtcp2_path ng_path = names.get();
  const ngtcp2_callbacks callbacks = server_callbacks(shared_.null_protection);
  ngtcp2_conn* made = nullptr;
  if (ngtcp2_conn_server_new(&made, &head.scid, &source, &ng_path, head.version, &callbacks, &settings, &params,
                             nullptr, this) != 0)
    return false;
  connection_.reset(made);
  if (!finish_start(/*server=*/true)) return false;
  events_.on_id_added(ours);
  events_.on_id_added(from_ng(head.dcid));  // the client's packets before it has seen one of ours
  return true;
}

bool NgSession::finish_start(bool server) {
  auto tls = server ? shared_.tls->make_server() : shared_.tls->make_client(expected_);
  if (!tls) return false;
  tls_ = std::move(*tls);
  reference_.get_conn = connection_of;
  reference_.user_data = this;
  gnutls_session_set_ptr(tls_.get(), &reference_);
  ngtcp2_conn_set_tls_native_handle(connection_.get(), tls_.get());
  return true;
}

namespace {
ngtcp2_conn* connection_of(ngtcp2_crypto_conn_ref* reference) {
  // The pointer that the TLS session carries; ngtcp2 asks for it in every callback of its crypto library.
  return static_cast<NgSession*>(reference->user_data)->native();
}
}  // namespace

void NgSession::receive(const Path& path, std::uint8_t ecn, Bytes packet, TimePoint now) {
  if (ended_) return;
  PathNames names(path);
  const ngtcp2_path ng_path = names.get();
  const ngtcp2_pkt_info info{ecn};
  const std::size_t unacknowledged = unacknowledged_;
  const int code =
      ngtcp2_conn_read_pkt(connection_.get(), &ng_path, &info, packet.data(), packet.size(), ng::to_ng(now));
  if (code != 0) return fail_with(code);
  if (unacknowledged_ < unacknowledged) progress_ = now;
  // Confirmed: the TLS session has done its work but for a ticket. Keys are updated without it.
  if (confirmed_ && tls_ && !tickets_) {
    ngtcp2_conn_set_tls_native_handle(connection_.get(), nullptr);
    tls_.reset();
  }
}

void NgSession::on_timer(TimePoint now) {
  if (ended_) return;
  if (const int code = ngtcp2_conn_handle_expiry(connection_.get(), ng::to_ng(now)); code != 0) fail_with(code);
  look_for_black_hole(now);
}

// Nothing of what was sent arrives for so long: perhaps the path takes smaller datagrams than it did (RFC 8899, 4.3).
// If it is the peer that is gone, smaller ones do no harm.
void NgSession::look_for_black_hole(TimePoint now) {
  if (!established_ || unacknowledged_ == 0) return;
  if (now - progress_ < kTimeoutsWithoutProgress * duration_from_ng(ngtcp2_conn_get_pto(connection_.get()))) return;
  progress_ = now;
  largest_ = std::min(largest_, ngtcp2_conn_get_path_max_tx_udp_payload_size(connection_.get())) > kEthernetPayload
                 ? kEthernetPayload
                 : NGTCP2_MAX_UDP_PAYLOAD_SIZE;
}

TimePoint NgSession::next_deadline() const {
  return ended_ ? kNever : from_ng(ngtcp2_conn_get_expiry(connection_.get()));
}

std::span<const PacketBatch> NgSession::write(MutableBytes room, TimePoint now) {
  batches_.clear();
  if (ended_) return {};
  if (!blocked_.empty() && ngtcp2_conn_get_max_data_left(connection_.get()) > 0) unblock_all();
  const ngtcp2_tstamp at = ng::to_ng(now);
  const std::size_t quantum =
      std::min(room.size(), std::max(ngtcp2_conn_get_send_quantum(connection_.get()), largest_));
  ngtcp2_path_storage path;
  ngtcp2_path_storage_zero(&path);
  std::size_t used = 0;
  while (used < quantum && room.size() - used >= largest_) {
    ngtcp2_pkt_info info{};
    const ngtcp2_ssize size = write_packet(room.subspan(used, largest_), &path.path, &info, at);
    if (size < 0) fail_with(int(size));
    if (size <= 0) break;
    add_batch(used, std::size_t(size), path.path, info.ecn);
    used += std::size_t(size);
  }
  pace(used, at);
  return batches_;
}

// Bulk is spread over the round trip. A few packets after which nothing is left to send are not (spec: RFC 9002, 7.7
// permits the burst): a question should not wait because an answer left a moment ago. They are accounted for later,
// when there is nothing to send anyway. In the handshake the round trip is a guess, by which nothing is paced.
void NgSession::pace(std::size_t sent, ngtcp2_tstamp now) {
  unpaced_ += sent;
  if (!established_ || unpaced_ == 0) return;
  const bool bulk = unsent_ > 0 || sent > kBurst;
  const bool idle = sent == 0 && unpaced_ > kBurst;
  if (!bulk && !idle && unpaced_ < kMostUnpaced) return;
  ngtcp2_conn_update_pkt_tx_time(connection_.get(), now);
  unpaced_ = 0;
}

void NgSession::add_batch(std::size_t offset, std::size_t size, const ngtcp2_path& path, std::uint8_t ecn) {
  const io::Endpoint remote = from_ng(path.remote);
  if (!batches_.empty()) {
    PacketBatch& last = batches_.back();
    const bool fits = size <= last.segment && last.size % last.segment == 0 &&
                      last.size / last.segment < kMostSegments && last.size + size <= kLargestBatch;
    if (fits && last.ecn == ecn && last.remote == remote) {
      last.size += size;
      return;
    }
  }
  batches_.push_back({offset, size, size, remote, ecn});
}

// Puts what it can of the queue into the packet being written. WRITE_MORE: streams may follow in the same packet.
ngtcp2_ssize NgSession::write_datagrams(MutableBytes room, ngtcp2_path* path, ngtcp2_pkt_info* info,
                                        ngtcp2_tstamp now) {
  while (!datagrams_.empty()) {
    const ByteVector& first = datagrams_.front();
    int accepted = 0;
    ngtcp2_ssize size = NGTCP2_ERR_WRITE_MORE;
    const bool too_large = first.size() > max_datagram_size();  // since the path has become narrower
    if (!too_large) {
      const ngtcp2_vec piece{const_cast<std::uint8_t*>(first.data()), first.size()};
      size = ngtcp2_conn_writev_datagram(connection_.get(), path, info, room.data(), room.size(), &accepted,
                                         NGTCP2_WRITE_DATAGRAM_FLAG_MORE, 0, &piece, first.empty() ? 0 : 1, now);
    }
    if (too_large || accepted != 0) {
      datagram_bytes_ -= first.size() + kDatagramOverhead;
      datagrams_.pop_front();
    }
    if (size != NGTCP2_ERR_WRITE_MORE) return size;
  }
  return NGTCP2_ERR_WRITE_MORE;
}

// One packet, filled with frames of as many streams as it takes.
ngtcp2_ssize NgSession::write_packet(MutableBytes room, ngtcp2_path* path, ngtcp2_pkt_info* info, ngtcp2_tstamp now) {
  if (const ngtcp2_ssize size = write_datagrams(room, path, info, now); size != NGTCP2_ERR_WRITE_MORE) return size;
  while (!sendable_.empty()) {
    Stream* stream = find(sendable_.front());
    if (stream == nullptr || stream->write_ended ||
        (stream->out.unsent() == 0 && (!stream->finish || stream->finish_sent))) {
      if (stream != nullptr) stream->queued = false;
      sendable_.pop_front();
      continue;
    }
    if (unacknowledged_ >= shared_.options.max_unacknowledged && stream->out.unsent() > 0) break;
    const ngtcp2_ssize size = write_stream(*stream, room, path, info, now);
    if (size == NGTCP2_ERR_WRITE_MORE) continue;
    if (size == NGTCP2_ERR_STREAM_DATA_BLOCKED) {
      sendable_.pop_front();
      stream->queued = false;
      stream->blocked = true;
      blocked_.push_back(stream->id);
      continue;
    }
    if (size == NGTCP2_ERR_STREAM_SHUT_WR || size == NGTCP2_ERR_STREAM_NOT_FOUND) {
      stopped(*stream, 0);
      continue;
    }
    if (size > 0) sendable_.splice(sendable_.end(), sendable_, sendable_.begin());  // the next packet: another stream's
    return size;
  }
  return ngtcp2_conn_writev_stream(connection_.get(), path, info, room.data(), room.size(), nullptr,
                                   NGTCP2_WRITE_STREAM_FLAG_NONE, -1, nullptr, 0, now);
}

ngtcp2_ssize NgSession::write_stream(Stream& stream, MutableBytes room, ngtcp2_path* path, ngtcp2_pkt_info* info,
                                     ngtcp2_tstamp now) {
  const Bytes next = stream.out.next();
  const ngtcp2_vec piece{const_cast<std::uint8_t*>(next.data()), next.size()};
  const bool last = stream.finish && next.size() == stream.out.unsent();
  ngtcp2_ssize taken = -1;
  const std::uint32_t flags =
      NGTCP2_WRITE_STREAM_FLAG_MORE | (last ? NGTCP2_WRITE_STREAM_FLAG_FIN : NGTCP2_WRITE_STREAM_FLAG_NONE);
  const ngtcp2_ssize size = ngtcp2_conn_writev_stream(connection_.get(), path, info, room.data(), room.size(), &taken,
                                                      flags, std::int64_t(stream.id), &piece, 1, now);
  if (taken < 0) return size;
  stream.out.sent(std::size_t(taken));
  unsent_ -= std::size_t(taken);
  if (unacknowledged_ == 0) progress_ = from_ng(now);
  unacknowledged_ += std::size_t(taken);
  if (last && std::size_t(taken) == next.size()) stream.finish_sent = true;
  return size;
}

void NgSession::unblock_all() {
  for (const StreamId id : std::exchange(blocked_, {})) {
    Stream* stream = find(id);
    if (stream != nullptr && stream->blocked) make_sendable(*stream);
  }
}

void NgSession::make_sendable(Stream& stream) {
  stream.blocked = false;
  if (std::exchange(stream.queued, true)) return;
  sendable_.push_back(stream.id);
}

NgSession::Stream* NgSession::find(StreamId id) {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second.get();
}

NgSession::Stream& NgSession::add_stream(StreamId id) {
  auto& slot = streams_[id];
  slot = std::make_unique<Stream>(id, shared_.options);
  ngtcp2_conn_set_stream_user_data(connection_.get(), std::int64_t(id), slot.get());
  return *slot;
}

Result<StreamId> NgSession::open_stream() {
  std::int64_t id = 0;
  if (const int code = ngtcp2_conn_open_bidi_stream(connection_.get(), &id, nullptr); code != 0) {
    return fail(ErrorCode::StreamLimit, Op::OpenStream, Origin::Remote, "quic: the peer permits no more streams now");
  }
  return add_stream(StreamId(id)).id;
}

void NgSession::send(StreamId id, Bytes data) {
  Stream* stream = find(id);
  if (stream == nullptr || stream->write_ended || stream->finish || data.empty()) return;
  stream->out.append(data);
  unsent_ += data.size();
  if (!stream->blocked) make_sendable(*stream);
}

void NgSession::close_write(StreamId id) {
  Stream* stream = find(id);
  if (stream == nullptr || stream->write_ended || std::exchange(stream->finish, true)) return;
  if (!stream->blocked || stream->out.unsent() == 0) make_sendable(*stream);
}

void NgSession::reset(StreamId id, std::uint64_t code) {
  Stream* stream = find(id);
  if (stream == nullptr || ended_) return;
  forget_output(*stream);
  ngtcp2_conn_shutdown_stream(connection_.get(), 0, std::int64_t(id), code);
}

// The library acts upon STOP_SENDING by itself and says so to whoever wants to send; the code it keeps until the end.
void NgSession::stopped(Stream& stream, std::uint64_t code) {
  if (stream.write_ended) return;
  forget_output(stream);
  events_.on_stop(stream.id, code);
}

// What was not sent yet will not be; what was sent stays in memory until the library lets go of it.
void NgSession::forget_output(Stream& stream) {
  if (std::exchange(stream.write_ended, true)) return;
  unsent_ -= stream.out.unsent();
}

void NgSession::consumed(StreamId id, std::size_t bytes, TimePoint now) {
  if (ended_ || bytes == 0) return;
  ngtcp2_conn_info info;
  ngtcp2_conn_get_conn_info(connection_.get(), &info);
  // The library says "never" before the first acknowledgement.
  const Duration round_trip = info.min_rtt == UINT64_MAX ? Duration::zero() : duration_from_ng(info.min_rtt);
  ngtcp2_conn_extend_max_offset(connection_.get(), window_.consume(bytes, round_trip, now));
  if (Stream* stream = find(id); stream != nullptr && !stream->over)
    ngtcp2_conn_extend_max_stream_offset(connection_.get(), std::int64_t(id),
                                         stream->window.consume(bytes, round_trip, now));
}

void NgSession::release(StreamId id) {
  if (Stream* stream = find(id)) {
    stream->released = true;
    drop_if_done(*stream);
  }
}

void NgSession::drop_if_done(Stream& stream) {
  if (!stream.over || !stream.released) return;
  if (!is_local(stream.id) && !ended_) ngtcp2_conn_extend_max_streams_bidi(connection_.get(), 1);
  streams_.erase(stream.id);
}

std::size_t NgSession::max_datagram_size() const {
  if (!established_ || shared_.options.max_datagram_queue == 0) return 0;
  const ngtcp2_transport_params* theirs = ngtcp2_conn_get_remote_transport_params(connection_.get());
  if (theirs == nullptr || theirs->max_datagram_frame_size <= kPacketOverhead) return 0;
  const std::size_t payload = std::min(largest_, ngtcp2_conn_get_path_max_tx_udp_payload_size(connection_.get()));
  return std::min<std::size_t>(payload - kPacketOverhead, theirs->max_datagram_frame_size - 3);
}

bool NgSession::send_datagram(Bytes datagram) {
  const std::size_t charge = datagram.size() + kDatagramOverhead;
  if (datagram_bytes_ + charge > shared_.options.max_datagram_queue) return false;
  datagram_bytes_ += charge;
  datagrams_.push_back(to_vector(datagram));
  return true;
}

Duration NgSession::round_trip() const {
  ngtcp2_conn_info info;
  ngtcp2_conn_get_conn_info(connection_.get(), &info);
  return info.min_rtt == UINT64_MAX ? Duration{} : duration_from_ng(info.smoothed_rtt);
}

Duration NgSession::drain_time() const {
  return kLifetimesToDrain * duration_from_ng(ngtcp2_conn_get_pto(connection_.get()));
}

bool NgSession::migrate(const Path& path, TimePoint now) {
  PathNames names(path);
  const ngtcp2_path ng_path = names.get();
  return !ended_ && ngtcp2_conn_initiate_immediate_migration(connection_.get(), &ng_path, ng::to_ng(now)) == 0;
}

bool NgSession::update_keys(TimePoint now) {
  return !ended_ && ngtcp2_conn_initiate_key_update(connection_.get(), ng::to_ng(now)) == 0;
}

std::optional<PacketBatch> NgSession::close(std::uint64_t code, MutableBytes room, TimePoint now) {
  if (ended_) return std::nullopt;
  ngtcp2_ccerr_set_application_error(&close_error_, code, nullptr, 0);
  auto packet = write_close(room, now);
  end(CloseReason{CloseReason::By::Local, std::uint32_t(code), std::nullopt});
  return packet;
}

std::optional<PacketBatch> NgSession::farewell(MutableBytes room, TimePoint now) {
  if (!std::exchange(farewell_due_, false)) return std::nullopt;
  return write_close(room, now);
}

std::optional<PacketBatch> NgSession::write_close(MutableBytes room, TimePoint now) {
  ngtcp2_path_storage path;
  ngtcp2_path_storage_zero(&path);
  ngtcp2_pkt_info info{};
  const ngtcp2_ssize size =
      ngtcp2_conn_write_connection_close(connection_.get(), &path.path, &info, room.data(),
                                         shared_.options.max_udp_payload, &close_error_, ng::to_ng(now));
  if (size <= 0) return std::nullopt;
  return PacketBatch{0, std::size_t(size), std::size_t(size), from_ng(path.path.remote), info.ecn};
}

void NgSession::end(CloseReason reason) {
  if (!ended_) ended_ = std::move(reason);
}

// A negative code of the library ends the session; what it means decides who is told what.
void NgSession::fail_with(int code) {
  switch (code) {
    case NGTCP2_ERR_DRAINING:
      return end(reason_of_remote());
    case NGTCP2_ERR_CLOSING:
      return end(CloseReason::local(CloseCode::None));
    case NGTCP2_ERR_IDLE_CLOSE:
      return end(CloseReason::failure(
          Error(ErrorCode::Timeout, Op::Read, Origin::Timeout, "quic: no sign of life for quic.idle_timeout")));
    case NGTCP2_ERR_HANDSHAKE_TIMEOUT:
      return end(CloseReason::failure(Error(ErrorCode::Timeout, Op::Secure, Origin::Timeout, "quic handshake")));
    case NGTCP2_ERR_DROP_CONN:
    case NGTCP2_ERR_RETRY:
      return end(CloseReason::failure(broken(ErrorCode::HandshakeFailed, "the first packet was not acceptable")));
    case NGTCP2_ERR_RECV_VERSION_NEGOTIATION:
      return end(CloseReason::failure(
          Error(ErrorCode::NoCommonProtocol, Op::Connect, Origin::Remote, "the peer speaks no version 1 of QUIC")));
    default:
      break;
  }
  farewell_due_ = true;
  if (code == NGTCP2_ERR_CRYPTO || refusal_) {  // of a resumed session's certificate the TLS library was not told
    const std::uint8_t alert =
        code == NGTCP2_ERR_CRYPTO ? ngtcp2_conn_get_tls_alert(connection_.get()) : GNUTLS_A_BAD_CERTIFICATE;
    ngtcp2_ccerr_set_tls_alert(&close_error_, alert, nullptr, 0);
    if (refusal_) return end(CloseReason::failure(Error(*refusal_).while_doing(Op::Secure, "the peer's certificate")));
    if (established_) return end(CloseReason::failure(broken(ErrorCode::ProtocolViolation, name_of_alert(alert))));
    return end(CloseReason::failure(error_of_alert(alert)));
  }
  ngtcp2_ccerr_set_liberr(&close_error_, code, nullptr, 0);
  const ErrorCode kind = established_ ? ErrorCode::ProtocolViolation : ErrorCode::HandshakeFailed;
  end(CloseReason::failure(broken(kind, ngtcp2_strerror(code))));
}

CloseReason NgSession::reason_of_remote() const {
  if (reset_received_) {
    return CloseReason::failure(Error(ErrorCode::ConnectionReset, Op::Read, Origin::Remote,
                                      "quic: the peer no longer knows the connection (stateless reset)"));
  }
  const ngtcp2_ccerr* error = ngtcp2_conn_get_ccerr(connection_.get());
  if (error->type == NGTCP2_CCERR_TYPE_APPLICATION)
    return {CloseReason::By::Remote, std::uint32_t(error->error_code), std::nullopt};
  if (error->error_code == NGTCP2_NO_ERROR || (established_ && error->error_code == NGTCP2_APPLICATION_ERROR))
    return {CloseReason::By::Remote, 0, std::nullopt};
  if (!established_ && error->error_code == NGTCP2_CONNECTION_REFUSED) {
    return CloseReason::failure(
        Error(ErrorCode::RemoteLimit, Op::Connect, Origin::Remote, "quic: the peer takes no connection of ours now"));
  }
  if ((error->error_code & ~std::uint64_t{0xff}) == NGTCP2_CRYPTO_ERROR) {
    return CloseReason::failure(Error(ErrorCode::HandshakeFailed, Op::Secure, Origin::Remote,
                                      "the peer refused: " + name_of_alert(std::uint8_t(error->error_code))));
  }
  return CloseReason::failure(broken(established_ ? ErrorCode::ProtocolViolation : ErrorCode::HandshakeFailed,
                                     "the peer closed with transport error " + std::to_string(error->error_code)));
}

}  // namespace starling::transport::quic::ng
