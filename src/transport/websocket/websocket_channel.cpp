#include "transport/websocket/websocket_channel.hpp"

#include <algorithm>
#include <cstring>

namespace starling::transport {
namespace {

// RFC 6455, sections 5.2 and 11.8.
constexpr std::uint8_t kContinuation = 0, kBinary = 2, kClose = 8, kPing = 9, kPong = 10;
constexpr std::uint8_t kFinal = 0x80, kReserved = 0x70, kOpcode = 0x0F, kMasked = 0x80, kSizeBits = 0x7F;
constexpr std::uint8_t kSize16 = 126, kSize64 = 127;
constexpr std::size_t kMaxControlPayload = 125;
constexpr std::size_t kMaxHeader = 14;

bool is_control(std::uint8_t opcode) { return (opcode & 0x8) != 0; }

/// Whether a remote may give this as its reason: RFC 6455, section 7.4.
bool is_close_code(std::uint16_t code) {
  if (code >= 3000) return code < 5000;
  return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

/// `to` = `from` with the mask xored in; may be the same place.
void apply_mask(const std::array<std::uint8_t, 4>& mask, Bytes from, std::uint8_t* to) {
  std::array<std::uint8_t, 8> twice;
  std::memcpy(twice.data(), mask.data(), 4);
  std::memcpy(twice.data() + 4, mask.data(), 4);
  std::uint64_t word = 0;
  std::memcpy(&word, twice.data(), sizeof word);
  std::size_t i = 0;
  for (; i + sizeof word <= from.size(); i += sizeof word) {
    std::uint64_t piece = 0;
    std::memcpy(&piece, from.data() + i, sizeof piece);
    piece ^= word;
    std::memcpy(to + i, &piece, sizeof piece);
  }
  for (; i < from.size(); ++i) to[i] = from[i] ^ mask[i % 4];
}

}  // namespace

Status WebSocketChannel::seal(Bytes plaintext, ByteQueue& wire) {
  if (pong_ && !close_sent_) write_frame(kPong, *pong_, wire);
  pong_.reset();
  if (remote_closed_ || dead_) write_close(wire);
  if (plaintext.empty()) return {};
  if (close_sent_) return fail(ErrorCode::Closed, Op::Write, Origin::Local, "the WebSocket is closed");
  write_frame(kBinary, plaintext, wire);
  return {};
}

Status WebSocketChannel::close(ByteQueue& wire) {
  write_close(wire);
  return {};
}

void WebSocketChannel::write_close(ByteQueue& wire) {
  if (close_sent_) return;
  close_sent_ = true;
  std::array<std::uint8_t, 2> code;
  put_u16_be(code.data(), close_code_);
  write_frame(kClose, code, wire);
}

void WebSocketChannel::write_frame(std::uint8_t opcode, Bytes payload, ByteQueue& wire) {
  const MutableBytes room = wire.prepare(kMaxHeader + payload.size());
  std::uint8_t* to = room.data();
  const std::uint8_t masked = options_.client ? kMasked : 0;
  *to++ = kFinal | opcode;
  if (payload.size() <= kMaxControlPayload) {
    *to++ = masked | std::uint8_t(payload.size());
  } else if (payload.size() <= 0xFFFF) {
    *to++ = masked | kSize16;
    put_u16_be(to, std::uint16_t(payload.size()));
    to += 2;
  } else {
    *to++ = masked | kSize64;
    put_u64_be(to, payload.size());
    to += 8;
  }
  if (options_.client) {
    std::array<std::uint8_t, 4> mask;
    random_.fill(mask);
    to = std::copy(mask.begin(), mask.end(), to);
    apply_mask(mask, payload, to);
  } else if (!payload.empty()) {
    std::memcpy(to, payload.data(), payload.size());
  }
  wire.commit(std::size_t(to - room.data()) + payload.size());
}

// The connection is over; close() tells the remote why.
Status WebSocketChannel::break_off(Code code, ErrorCode error, std::string why) {
  close_code_ = std::uint16_t(code);
  dead_.emplace(error, Op::Decode, Origin::Remote, "WebSocket: " + std::move(why));
  return std::unexpected(*dead_);
}

Result<std::optional<WebSocketChannel::Header>> WebSocketChannel::read_header(Bytes wire) {
  if (wire.size() < 2) return std::nullopt;
  Header header{.opcode = std::uint8_t(wire[0] & kOpcode),
                .last = (wire[0] & kFinal) != 0,
                .masked = (wire[1] & kMasked) != 0,
                .size = std::uint64_t(wire[1] & kSizeBits)};
  if ((wire[0] & kReserved) != 0)
    return fail(break_off(Code::ProtocolError, ErrorCode::ProtocolViolation, "reserved bits are set").error());
  const std::size_t size_bytes = header.size == kSize16 ? 2 : header.size == kSize64 ? 8 : 0;
  header.bytes = 2 + size_bytes + (header.masked ? 4 : 0);
  if (wire.size() < header.bytes) return std::nullopt;
  const std::uint64_t smallest = size_bytes == 0 ? 0 : size_bytes == 2 ? kSize16 : 0x10000;
  if (size_bytes == 2) header.size = get_u16_be(wire.data() + 2);
  if (size_bytes == 8) header.size = get_u64_be(wire.data() + 2);
  if (header.size < smallest)
    return fail(break_off(Code::ProtocolError, ErrorCode::ProtocolViolation, "a size is not minimal").error());
  if (header.masked) std::copy_n(wire.begin() + 2 + std::ptrdiff_t(size_bytes), 4, header.mask.begin());
  STARLING_CHECK(check(header));
  return header;
}

Status WebSocketChannel::check(const Header& header) {
  const auto broken = [this](std::string why) {
    return break_off(Code::ProtocolError, ErrorCode::ProtocolViolation, std::move(why));
  };
  if (header.masked == options_.client)
    return broken(header.masked ? "a server masks its frames" : "a client does not mask its frames");
  if (is_control(header.opcode)) {
    if (header.opcode > kPong) return broken("opcode " + std::to_string(header.opcode));
    if (!header.last || header.size > kMaxControlPayload) return broken("a long or fragmented control frame");
    return {};
  }
  STARLING_CHECK(check_order(header));
  if (header.size > options_.max_frame_bytes) {
    return break_off(Code::TooBig, ErrorCode::MessageTooLarge,
                     "a frame of " + std::to_string(header.size) +
                         " bytes; websocket.max_frame_bytes = " + std::to_string(options_.max_frame_bytes));
  }
  return {};
}

Status WebSocketChannel::check_order(const Header& header) {
  if (header.opcode > kBinary)
    return break_off(Code::ProtocolError, ErrorCode::ProtocolViolation, "opcode " + std::to_string(header.opcode));
  if ((header.opcode == kContinuation) != in_message_)
    return break_off(Code::ProtocolError, ErrorCode::ProtocolViolation,
                     in_message_ ? "a message begins inside another" : "nothing to continue");
  if (header.opcode != kContinuation && header.opcode != kBinary)
    return break_off(Code::NotAcceptable, ErrorCode::ProtocolViolation, "a text message; libp2p sends binary ones");
  return {};
}

Status WebSocketChannel::open(ByteQueue& wire, security::PlaintextSink& sink) {
  if (dead_) return std::unexpected(*dead_);
  while (!wire.empty() && !remote_closed_) {
    if (payload_left_ > 0) {
      STARLING_CHECK(on_payload(wire, sink));
      continue;
    }
    STARLING_TRY(const auto header, read_header(wire.view()));
    if (!header) return {};
    if (is_control(header->opcode)) {
      if (wire.size() < header->bytes + header->size) return {};
      const MutableBytes payload = wire.mutable_view().subspan(header->bytes, header->size);
      STARLING_CHECK(on_control(*header, payload));
      wire.consume(header->bytes + header->size);
      continue;
    }
    wire.consume(header->bytes);
    payload_left_ = header->size;
    masked_ = header->masked;
    mask_ = header->mask;
    in_message_ = !header->last;
  }
  if (remote_closed_) wire.clear();  // nothing counts behind a Close
  return {};
}

Status WebSocketChannel::on_payload(ByteQueue& wire, security::PlaintextSink& sink) {
  const std::size_t count = std::size_t(std::min<std::uint64_t>(payload_left_, wire.size()));
  const MutableBytes payload = wire.mutable_view().first(count);
  if (masked_) unmask(payload);
  payload_left_ -= count;
  const Status taken = sink.on_plaintext(payload);
  wire.consume(count);
  return taken;
}

// Leaves the mask turned to where the next piece of the payload begins.
void WebSocketChannel::unmask(MutableBytes payload) {
  apply_mask(mask_, payload, payload.data());
  std::rotate(mask_.begin(), mask_.begin() + std::ptrdiff_t(payload.size() % mask_.size()), mask_.end());
}

Status WebSocketChannel::on_control(const Header& header, MutableBytes payload) {
  if (header.masked) apply_mask(header.mask, payload, payload.data());
  if (header.opcode == kPing) pong_ = to_vector(payload);
  if (header.opcode == kClose) return on_close(payload);
  return {};
}

Status WebSocketChannel::on_close(Bytes payload) {
  if (payload.size() == 1 || (payload.size() >= 2 && !is_close_code(get_u16_be(payload.data()))))
    return break_off(Code::ProtocolError, ErrorCode::ProtocolViolation, "a Close with a malformed reason");
  if (payload.size() >= 2) close_code_ = get_u16_be(payload.data());
  remote_closed_ = true;
  return {};
}

}  // namespace starling::transport
