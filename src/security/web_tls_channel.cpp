#include "security/web_tls_channel.hpp"

#include <openssl/err.h>

namespace starling::security {
namespace {

constexpr std::size_t kHeaderBytes = 5;                            // RFC 8446, section 5.1
constexpr std::size_t kMaxRecordPlaintext = 16384;                 // RFC 8446, section 5.1
constexpr std::size_t kMaxRecordBody = kMaxRecordPlaintext + 256;  // RFC 8446, section 5.2
constexpr std::size_t kRecordOverhead = kHeaderBytes + 1 + 16;     // header, content type, tag
// A key update answer is 27 bytes; a peer that asks for so many without letting us send is not honest.
constexpr std::size_t kMaxReplies = std::size_t{16} * 1024;

bool is_record_header(const std::uint8_t* header) {
  const std::uint8_t type = header[0];
  return type >= SSL3_RT_CHANGE_CIPHER_SPEC && type <= SSL3_RT_APPLICATION_DATA && header[1] == SSL3_VERSION_MAJOR &&
         get_u16_be(header + 3) <= kMaxRecordBody;
}

/// How many bytes at the front of `wire` are complete records. What cannot be a record, or is too long for one, counts
/// as complete, so that OpenSSL refuses it at once.
std::size_t complete_records(Bytes wire) {
  std::size_t size = 0;
  while (wire.size() - size >= kHeaderBytes) {
    if (!is_record_header(wire.data() + size)) return wire.size();
    const std::size_t body = get_u16_be(wire.data() + size + 3);
    if (wire.size() - size - kHeaderBytes < body) break;
    size += kHeaderBytes + body;
  }
  return size;
}

std::size_t sealed_size(std::size_t plaintext) {
  return plaintext + (plaintext / kMaxRecordPlaintext + 1) * kRecordOverhead;
}

}  // namespace

Status WebTlsChannel::check_alive(Op op) const {
  if (dead_) return fail(ErrorCode::Closed, op, Origin::Local, "this TLS channel has failed");
  return {};
}

Error WebTlsChannel::die(Op op) {
  dead_ = true;
  return take_tls_error(ErrorCode::ProtocolViolation, op);
}

void WebTlsChannel::flush_replies(ByteQueue& wire) {
  wire.append(replies_.view());
  replies_.clear();
}

Status WebTlsChannel::seal(Bytes plaintext, ByteQueue& wire) {
  STARLING_CHECK(check_alive(Op::Encrypt));
  if (closed_) return fail(ErrorCode::Closed, Op::Encrypt, Origin::Local, "close_notify was sent");
  flush_replies(wire);
  if (plaintext.empty()) return {};
  wire.prepare(sealed_size(plaintext.size()));
  const TlsAttachment attachment(*session_, nullptr, 0, wire);
  ERR_clear_error();
  std::size_t written = 0;
  if (SSL_write_ex(session_->ssl(), plaintext.data(), plaintext.size(), &written) != 1) return fail(die(Op::Encrypt));
  return {};
}

Status WebTlsChannel::open(ByteQueue& wire, PlaintextSink& sink) {
  STARLING_CHECK(check_alive(Op::Decrypt));
  if (remote_closed_) {
    wire.clear();
    return {};
  }
  const std::size_t readable = complete_records(wire.view());
  if (readable == 0) return {};
  const TlsAttachment attachment(*session_, &wire, readable, replies_);
  return read_records(wire, sink);
}

Status WebTlsChannel::read_records(ByteQueue& wire, PlaintextSink& sink) {
  ByteQueue scratch;  // from the thread's pool, not a thread-local array: a sink may open a channel inside this one
  const MutableBytes plaintext = scratch.prepare(kMaxRecordPlaintext);
  while (true) {
    ERR_clear_error();
    std::size_t size = 0;
    const int result = SSL_read_ex(session_->ssl(), plaintext.data(), kMaxRecordPlaintext, &size);
    if (replies_.size() > kMaxReplies) {
      dead_ = true;
      return fail(ErrorCode::ProtocolViolation, Op::Decrypt, Origin::Remote, "too many key updates");
    }
    if (result == 1) {  // a sink's error does not end the channel: what it wants to answer can still be sealed
      STARLING_CHECK(sink.on_plaintext(plaintext.first(size)));
      if (session_->drained() && SSL_has_pending(session_->ssl()) == 0) return {};  // to ask again costs like a record
      continue;
    }
    const int reason = SSL_get_error(session_->ssl(), result);
    if (reason == SSL_ERROR_WANT_READ) return {};
    if (reason != SSL_ERROR_ZERO_RETURN) return fail(die(Op::Decrypt));
    remote_closed_ = true;
    wire.clear();  // nothing counts behind close_notify
    return {};
  }
}

Status WebTlsChannel::close(ByteQueue& wire) {
  if (closed_) return {};
  closed_ = true;
  flush_replies(wire);
  if (dead_) return {};  // the alert was among the replies
  const TlsAttachment attachment(*session_, nullptr, 0, wire);
  ERR_clear_error();
  if (SSL_shutdown(session_->ssl()) < 0) return fail(die(Op::Close));
  return {};
}

}  // namespace starling::security
