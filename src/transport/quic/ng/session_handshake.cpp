// Who the peer is, and tickets: what a session has to do with TLS.
#include <algorithm>

#include "starling/security/certificate.hpp"
#include "transport/quic/ng/convert.hpp"
#include "transport/quic/ng/session.hpp"

namespace starling::transport::quic::ng {
namespace {

constexpr std::size_t kMessageHeader = 4, kMaxTicket = std::size_t{16} * 1024;
constexpr std::uint8_t kNewSessionTicket = 4;  // spec: RFC 8446, 4

std::size_t message_size(Bytes begun) {
  return kMessageHeader + (std::size_t(begun[1]) << 16 | get_u16_be(begun.data() + 2));
}

}  // namespace

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
  if (der.size() > security::kMaxRememberedCertificateBytes) tickets_ = false;  // it would be in the ticket
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

bool NgSession::on_ticket_request(Bytes counts) {
  if (counts.size() != (ngtcp2_conn_is_server(connection_.get()) != 0 ? 2u : 1u)) return false;
  tickets_ = std::ranges::any_of(counts, [](std::uint8_t count) { return count > 0; });
  return true;
}

bool NgSession::awaits_ticket() const { return tickets_ && ngtcp2_conn_is_server(connection_.get()) == 0; }

/// Tickets are all that may come in CRYPTO frames after the handshake, and from a server alone; keys are updated
/// without TLS (RFC 9001, section 6). One that was promised is kept, the others pass. False for anything else.
bool NgSession::on_late_crypto(Bytes data) {
  if (ngtcp2_conn_is_server(connection_.get()) != 0) return false;
  while (!data.empty()) {
    const std::size_t size = late_.size() < kMessageHeader ? kMessageHeader : message_size(late_);
    const std::size_t count = std::min(late_skip_ > 0 ? late_skip_ : size - late_.size(), data.size());
    const Bytes piece = data.first(count);
    data = data.subspan(count);
    if (late_skip_ > 0) {
      late_skip_ -= count;
      continue;
    }
    append(late_, piece);
    if (late_.size() < kMessageHeader) continue;
    if (late_[0] != kNewSessionTicket) return false;
    const std::size_t whole = message_size(late_);
    const bool wanted = awaits_ticket() && whole <= kMaxTicket;
    if (wanted && late_.size() < whole) continue;
    if (wanted) {
      shared_.tls->keep_ticket(tls_.get(), late_, remote_peer_);
      tickets_ = false;
    }
    late_skip_ = whole - late_.size();
    late_ = {};
  }
  return true;
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
  if (tickets_ && !awaits_ticket()) {
    TlsContext::give_ticket(tls_.get());
    tickets_ = false;
  }
  events_.on_established();
}

}  // namespace starling::transport::quic::ng
