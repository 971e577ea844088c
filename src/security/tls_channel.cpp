#include "security/tls_channel.hpp"

#include <openssl/err.h>

#include <algorithm>
#include <string>
#include <tuple>

namespace starling::security {
namespace {

constexpr std::uint8_t kWarning = 1, kFatal = 2;                // RFC 8446, section 6
constexpr std::uint8_t kNewSessionTicket = 4, kKeyUpdate = 24;  // RFC 8446, section 4
constexpr std::size_t kMessageHeaderBytes = 4;

std::size_t message_size(Bytes message) {
  return kMessageHeaderBytes + (std::size_t(message[1]) << 16 | get_u16_be(message.data() + 2));
}

Result<TlsRecordKey> record_key(TlsRecordKey::Use use, SSL* ssl, const crypto::SecretBytes& secret,
                                std::uint64_t sequence = 0) {
  return TlsRecordKey::create(use, SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(ssl)),
                              crypto::SecretBytes(secret.view()), sequence);
}

/// What the client asked for, or the largest of TLS. RFC 6066, section 4.
std::size_t max_plaintext(SSL* ssl) {
  const std::uint8_t code = SSL_SESSION_get_max_fragment_length(SSL_get0_session(ssl));
  const bool asked = code >= TLSEXT_max_fragment_length_512 && code <= TLSEXT_max_fragment_length_4096;
  return asked ? std::size_t{256} << code : kMaxTlsPlaintext;
}

}  // namespace

Status TlsTicketReader::read(Bytes message) {
  ByteQueue records, answer;
  while (!message.empty()) {
    const Bytes piece = message.first(std::min(message.size(), kMaxTlsPlaintext));
    const MutableBytes record = records.prepare(piece.size() + kTlsRecordOverhead);
    STARLING_CHECK(key_.seal(TlsContent::Handshake, piece, record.first(piece.size() + kTlsRecordOverhead)));
    records.commit(piece.size() + kTlsRecordOverhead);
    message = message.subspan(piece.size());
  }
  const TlsAttachment attachment(*session_, &records, records.size(), answer);
  ERR_clear_error();
  std::uint8_t nothing = 0;
  std::size_t size = 0;
  const int result = SSL_read_ex(session_->ssl(), &nothing, sizeof nothing, &size);
  if (result != 1 && SSL_get_error(session_->ssl(), result) == SSL_ERROR_WANT_READ) return {};
  return fail(take_tls_error(ErrorCode::ProtocolViolation, Op::Decrypt));
}

Result<std::unique_ptr<TlsChannel>> TlsChannel::create(std::unique_ptr<TlsSession> session) {
  using Use = TlsRecordKey::Use;
  SSL* const ssl = session->ssl();
  const bool server = SSL_is_server(ssl) != 0;
  const TlsTrafficSecrets& secrets = session->secrets();
  const auto& [ours, theirs] =
      server ? std::tie(secrets.server, secrets.client) : std::tie(secrets.client, secrets.server);
  STARLING_TRY(TlsRecordKey sending, record_key(Use::Seal, ssl, ours, secrets.records_sent));
  STARLING_TRY(TlsRecordKey receiving, record_key(Use::Open, ssl, theirs));
  Parts parts{.role = server ? Role::Responder : Role::Initiator,
              .sending = std::move(sending),
              .receiving = std::move(receiving),
              .tickets = nullptr,
              .max_plaintext = max_plaintext(ssl),
              .resumed = SSL_session_reused(ssl) == 1};
  if (session->expects_ticket()) {
    STARLING_TRY(TlsRecordKey key, record_key(Use::Seal, ssl, theirs));
    session->secrets() = {};
    parts.tickets = std::make_unique<TlsTicketReader>(std::move(session), std::move(key));
  }
  return std::make_unique<TlsChannel>(std::move(parts));
}

Status TlsChannel::check_alive(Op op) const {
  if (dead_) return fail(ErrorCode::Closed, op, Origin::Local, "this TLS channel has failed");
  return {};
}

std::unexpected<Error> TlsChannel::die(std::uint8_t alert, ErrorCode code, std::string why) {
  dead_ = true;
  alert_ = alert;
  return fail(code, Op::Decrypt, Origin::Remote, std::move(why));
}

// ---- sending

Status TlsChannel::seal(Bytes plaintext, ByteQueue& wire) {
  STARLING_CHECK(check_alive(Op::Encrypt));
  if (closed_) return fail(ErrorCode::Closed, Op::Encrypt, Origin::Local, "close_notify was sent");
  if (update_owed_ || parts_.sending.sequence() >= kRecordsPerKey) STARLING_CHECK(update_sending_key(wire));
  if (plaintext.empty()) return {};
  const std::size_t records = (plaintext.size() + parts_.max_plaintext - 1) / parts_.max_plaintext;
  wire.prepare(plaintext.size() + records * kTlsRecordOverhead);
  while (!plaintext.empty()) {
    const Bytes piece = plaintext.first(std::min(plaintext.size(), parts_.max_plaintext));
    STARLING_CHECK(seal_record(TlsContent::ApplicationData, piece, wire));
    plaintext = plaintext.subspan(piece.size());
  }
  return {};
}

Status TlsChannel::seal_record(TlsContent type, Bytes content, ByteQueue& wire) {
  const std::size_t size = content.size() + kTlsRecordOverhead;
  auto sealed = parts_.sending.seal(type, content, wire.prepare(size).first(size));
  if (sealed) wire.commit(size);
  dead_ = dead_ || !sealed;
  return sealed;
}

/// RFC 8446, section 4.6.3. The remote need not answer.
Status TlsChannel::update_sending_key(ByteQueue& wire) {
  constexpr std::uint8_t kUpdateNotRequested = 0;
  const std::uint8_t message[] = {kKeyUpdate, 0, 0, 1, kUpdateNotRequested};
  STARLING_CHECK(seal_record(TlsContent::Handshake, message, wire));
  update_owed_ = false;
  auto updated = parts_.sending.update();
  dead_ = !updated;
  return updated;
}

Status TlsChannel::close(ByteQueue& wire) {
  if (closed_) return {};
  closed_ = true;
  if (dead_ && !alert_) return {};  // the remote has given up, or we cannot seal
  const std::uint8_t alert[] = {dead_ ? kFatal : kWarning, alert_.value_or(SSL3_AD_CLOSE_NOTIFY)};
  return seal_record(TlsContent::Alert, alert, wire);
}

// ---- receiving

Status TlsChannel::open(ByteQueue& wire, PlaintextSink& sink) {
  STARLING_CHECK(check_alive(Op::Decrypt));
  while (!remote_closed_ && wire.size() >= kTlsHeaderBytes) {
    STARLING_TRY(const std::size_t size, record_size(wire.view()));
    if (wire.size() < size) return {};
    auto opened = open_record(wire.mutable_view().first(size), sink);
    wire.consume(size);
    STARLING_CHECK(std::move(opened));
  }
  if (remote_closed_) wire.clear();  // nothing counts behind close_notify
  return {};
}

/// With its header. What cannot be a record, or is too long for one, is refused before the rest of it comes.
Result<std::size_t> TlsChannel::record_size(Bytes wire) {
  if (wire[0] != std::uint8_t(TlsContent::ApplicationData) || wire[1] != SSL3_VERSION_MAJOR)
    return die(SSL_AD_UNEXPECTED_MESSAGE, ErrorCode::ProtocolViolation, "not an encrypted TLS record");
  const std::size_t body = get_u16_be(wire.data() + 3);
  if (body > kMaxTlsRecordBody)
    return die(SSL_AD_RECORD_OVERFLOW, ErrorCode::ProtocolViolation,
               "TLS record of " + std::to_string(body) + " bytes; at most " + std::to_string(kMaxTlsRecordBody));
  return kTlsHeaderBytes + body;
}

Status TlsChannel::open_record(MutableBytes record, PlaintextSink& sink) {
  auto opened = parts_.receiving.open(record);
  if (!opened) return die(SSL_AD_BAD_RECORD_MAC, opened.error().code(), opened.error().detail());
  if (opened->content.size() > kMaxTlsPlaintext)
    return die(SSL_AD_RECORD_OVERFLOW, ErrorCode::ProtocolViolation, "more than 16384 bytes in a TLS record");
  return on_record(*opened, sink);
}

Status TlsChannel::on_record(TlsRecordKey::Opened record, PlaintextSink& sink) {
  const bool data = record.type == TlsContent::ApplicationData;
  if (!message_.empty() && record.type != TlsContent::Handshake)
    return die(SSL_AD_UNEXPECTED_MESSAGE, ErrorCode::ProtocolViolation, "a TLS record inside a handshake message");
  idle_records_ = data && !record.content.empty() ? 0 : idle_records_ + 1;
  if (idle_records_ > kMaxIdleRecords)
    return die(SSL_AD_UNEXPECTED_MESSAGE, ErrorCode::ProtocolViolation, "too many TLS records without data");
  if (record.type == TlsContent::Alert) return on_alert(record.content);
  if (record.type == TlsContent::Handshake) return on_handshake(record.content);
  if (!data) return die(SSL_AD_UNEXPECTED_MESSAGE, ErrorCode::ProtocolViolation, "TLS record of an unknown type");
  parts_.tickets.reset();  // a ticket comes before all data, or not at all
  // A sink's error does not end the channel: what it wants to answer can still be sealed.
  return record.content.empty() ? Status{} : sink.on_plaintext(record.content);
}

/// RFC 8446, section 6: all but two end the connection, whatever level they claim.
Status TlsChannel::on_alert(Bytes content) {
  if (content.empty()) return die(SSL_AD_UNEXPECTED_MESSAGE, ErrorCode::ProtocolViolation, "empty TLS alert");
  if (content.size() != 2) return die(SSL_AD_DECODE_ERROR, ErrorCode::ProtocolViolation, "malformed TLS alert");
  const std::uint8_t description = content[1];
  remote_closed_ = description == SSL_AD_CLOSE_NOTIFY;
  if (remote_closed_ || description == SSL_AD_USER_CANCELLED) return {};
  dead_ = true;
  return fail(ErrorCode::HandshakeFailed, Op::Decrypt, Origin::Remote,
              std::string("the peer refused: ") + SSL_alert_desc_string_long(description));
}

Status TlsChannel::on_handshake(Bytes fragment) {
  if (fragment.empty()) return die(SSL_AD_UNEXPECTED_MESSAGE, ErrorCode::ProtocolViolation, "empty handshake record");
  message_.append(fragment);
  while (message_.size() >= kMessageHeaderBytes) {
    const std::size_t size = message_size(message_.view());
    if (size > kMaxMessageBytes)
      return die(SSL_AD_DECODE_ERROR, ErrorCode::ProtocolViolation,
                 "message of " + std::to_string(size) + " bytes after the TLS handshake");
    if (message_.size() < size) break;
    STARLING_CHECK(on_message(message_.view().first(size)));
    message_.consume(size);
  }
  return {};
}

Status TlsChannel::on_message(Bytes message) {
  if (message[0] == kKeyUpdate) return on_key_update(message);
  if (message[0] == kNewSessionTicket && parts_.role == Role::Initiator) return on_ticket(message);
  return die(SSL_AD_UNEXPECTED_MESSAGE, ErrorCode::ProtocolViolation,
             "message " + std::to_string(message[0]) + " after the TLS handshake");
}

/// RFC 8446, section 4.6.3. However many ask for ours before we send, one answers them.
Status TlsChannel::on_key_update(Bytes message) {
  const std::uint8_t requested = message.back();
  if (message.size() != kMessageHeaderBytes + 1 || requested > 1)
    return die(SSL_AD_ILLEGAL_PARAMETER, ErrorCode::ProtocolViolation, "malformed TLS key update");
  if (message_.size() != message.size())
    return die(SSL_AD_UNEXPECTED_MESSAGE, ErrorCode::ProtocolViolation, "a TLS key changes inside a record");
  update_owed_ = update_owed_ || requested == 1;
  auto updated = parts_.receiving.update();
  dead_ = !updated;
  return updated;
}

Status TlsChannel::on_ticket(Bytes message) {
  if (!parts_.tickets) return {};
  const auto reader = std::move(parts_.tickets);  // one was asked for; OpenSSL's session ends with it
  const auto read = reader->read(message);
  if (!read) return die(SSL_AD_DECODE_ERROR, read.error().code(), read.error().detail());
  return {};
}

}  // namespace starling::security
