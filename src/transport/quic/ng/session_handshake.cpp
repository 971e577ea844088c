// Who the peer is, and tickets: what a session has to do with TLS.
#include "starling/security/certificate.hpp"
#include "transport/quic/ng/convert.hpp"
#include "transport/quic/ng/session.hpp"

namespace starling::transport::quic::ng {

Status NgSession::on_certificates(std::size_t count, Bytes der) {
  if (count != 1) {  // spec: tls/tls.md, Peer Authentication
    refusal_ = Error(ErrorCode::BadCertificate, Op::Verify, Origin::Remote,
                     std::to_string(count) + " certificates instead of one");
    return std::unexpected(*refusal_);
  }
  auto key = security::verify_certificate_der(der, shared_.unix_seconds(), *shared_.verified);
  if (!key) {
    refusal_ = std::move(key).error();
    return std::unexpected(*refusal_);
  }
  PeerId peer = PeerId::from_public_key(*key);
  if (expected_ && !(*expected_ == peer)) {
    refusal_ = Error(ErrorCode::PeerIdMismatch, Op::Secure, Origin::Remote,
                     "expected " + expected_->to_string() + ", got " + peer.to_string());
    return std::unexpected(*refusal_);
  }
  remote_peer_ = std::move(peer);
  remote_key_ = std::move(*key);
  return {};
}

void NgSession::on_key_log(std::string_view line) {
  if (shared_.options.key_log) shared_.options.key_log(line);
}

Bytes NgSession::ticket_request() const {
  static constexpr std::uint8_t kOneEach[] = {1, 1};  // for a new and for a resumed session; a server has one number
  const Bytes counts(kOneEach);
  if (ngtcp2_conn_is_server(connection_.get()) != 0) return counts.first(tickets_ ? 1 : 0);
  return counts.first(expected_ && shared_.tls->resumption() ? 2 : 0);
}

/// Of what comes in CRYPTO frames after the handshake, only the ticket that was promised counts: keys are updated
/// without TLS (RFC 9001, section 6).
void NgSession::on_late_crypto(Bytes data) {
  constexpr std::size_t kHeader = 4, kMaxTicket = std::size_t{16} * 1024;
  constexpr std::uint8_t kNewSessionTicket = 4;  // spec: RFC 8446, 4
  if (!tls_ || !tickets_) return;
  append(ticket_, data);
  const std::size_t size =
      ticket_.size() < kHeader ? kHeader : kHeader + (std::size_t(ticket_[1]) << 16 | get_u16_be(ticket_.data() + 2));
  const bool refused = ticket_[0] != kNewSessionTicket || size > kMaxTicket;
  if (!refused && (ticket_.size() < kHeader || ticket_.size() < size)) return;
  if (!refused) shared_.tls->keep_ticket(tls_.get(), Bytes(ticket_).first(size), remote_peer_);
  tickets_ = false;
  ticket_ = {};
}

void NgSession::handshake_over() {
  Status judged;
  resumed_ = tls_ && TlsContext::check_resumed(tls_.get(), judged);
  if (!judged) return;
  if (remote_peer_.empty()) return;  // no certificate: the TLS library would have refused it
  established_ = true;
  Duration keep_alive = shared_.options.keep_alive;
  const ngtcp2_transport_params* theirs = ngtcp2_conn_get_remote_transport_params(connection_.get());
  if (theirs != nullptr && theirs->max_idle_timeout > 0)
    keep_alive = std::min(keep_alive, duration_from_ng(theirs->max_idle_timeout) / 2);
  ngtcp2_conn_set_keep_alive_timeout(connection_.get(), ng::to_ng(keep_alive));
  if (tickets_ && ngtcp2_conn_is_server(connection_.get()) != 0) {
    TlsContext::give_ticket(tls_.get());
    tickets_ = false;
  }
  events_.on_established();
}

}  // namespace starling::transport::quic::ng
