#include "starling/transport/multistream.hpp"

#include <algorithm>

#include "starling/multiformats/varint.hpp"

namespace starling::transport {
namespace {

Error violation(std::string detail) {
  return Error(ErrorCode::ProtocolViolation, Op::Negotiate, Origin::Remote, "multistream: " + std::move(detail));
}

void append_message(ByteQueue& out, std::string_view text) {
  std::uint8_t length[kMaxVarintSize];
  out.append({length, write_varint(text.size() + 1, length)});
  out.append(as_bytes(text));
  out.append(as_bytes("\n"));
}

// What a stranger sent, made safe and short for an error message.
std::string quoted(std::string_view text) {
  std::string safe = "'";
  for (const char c : text.substr(0, 64)) safe += c >= ' ' && c <= '~' ? c : '?';
  return safe + (text.size() > 64 ? "…'" : "'");
}

struct Message {
  std::string_view text;  // without the newline
  std::size_t size;       // with length prefix
};

// The message at the front of `in`; size 0 when it is not whole yet.
Result<Message> next_message(Bytes in) {
  auto length = read_varint(in);
  if (!length) {
    if (length.error() == ErrorCode::Truncated) return Message{{}, 0};
    return fail(violation("a malformed length").caused_by(length.error()));
  }
  if (length->value == 0) return fail(violation("an empty message"));
  if (length->value > kMaxMultistreamMessage) {
    return fail(ErrorCode::MessageTooLarge, Op::Negotiate, Origin::Remote,
                "multistream: a message of " + std::to_string(length->value) + " bytes, at most " +
                    std::to_string(kMaxMultistreamMessage) + " are permitted");
  }
  if (in.size() - length->size < length->value) return Message{{}, 0};
  const std::string_view text = as_text(in.subspan(length->size, length->value));
  if (text.back() != '\n') return fail(violation("a message without a newline at its end"));
  return Message{text.substr(0, text.size() - 1), length->size + length->value};
}

// Feeds whole messages from the front of `in` to the machine until it is done.
template <typename Machine, typename Handler>
Result<std::size_t> feed(Machine& machine, Bytes in, Handler&& on_message) {
  std::size_t used = 0;
  while (!machine.done()) {
    STARLING_TRY(const Message message, next_message(in.subspan(used)));
    if (message.size == 0) break;
    STARLING_CHECK(on_message(message.text));
    used += message.size;
  }
  return used;
}

}  // namespace

void MultistreamDialer::start(ByteQueue& out) {
  append_message(out, kMultistreamId);
  append_message(out, protocols_[0]);
}

Result<std::size_t> MultistreamDialer::receive(Bytes in, ByteQueue& out) {
  return feed(*this, in, [&](std::string_view text) { return on_message(text, out); });
}

Status MultistreamDialer::receive(ByteQueue& in, ByteQueue& out) {
  STARLING_TRY(const std::size_t used, receive(in.view(), out));
  in.consume(used);
  return {};
}

Status MultistreamDialer::on_message(std::string_view text, ByteQueue& out) {
  if (!header_seen_) {
    if (text != kMultistreamId) return fail(violation("expected the header, got " + quoted(text)));
    header_seen_ = true;
    return {};
  }
  if (text == protocols_[current_]) {
    done_ = true;
    return {};
  }
  if (text != "na") return fail(violation("proposed " + protocols_[current_] + ", answered " + quoted(text)));
  if (current_ + 1 == protocols_.size()) {
    std::string tried;
    for (const std::string& protocol : protocols_) tried += (tried.empty() ? "" : ", ") + protocol;
    return fail(ErrorCode::NoCommonProtocol, Op::Negotiate, Origin::Remote, "the peer supports none of " + tried);
  }
  append_message(out, protocols_[++current_]);
  return {};
}

Result<std::size_t> MultistreamListener::receive(Bytes in, ByteQueue& out) {
  return feed(*this, in, [&](std::string_view text) { return on_message(text, out); });
}

Status MultistreamListener::receive(ByteQueue& in, ByteQueue& out) {
  STARLING_TRY(const std::size_t used, receive(in.view(), out));
  in.consume(used);
  return {};
}

Status MultistreamListener::on_message(std::string_view text, ByteQueue& out) {
  if (!header_seen_) {
    if (text != kMultistreamId) return fail(violation("expected the header, got " + quoted(text)));
    header_seen_ = true;
    append_message(out, kMultistreamId);
    return {};
  }
  if (text == "ls") {
    answer_list(out);
  } else if (supports_(text)) {
    append_message(out, text);
    selected_ = text;
    done_ = true;
    return {};
  } else {
    append_message(out, "na");
  }
  if (++refused_ >= kMaxMultistreamProposals) return fail(violation("too many proposals, the last " + quoted(text)));
  return {};
}

// One message that holds each protocol as a message of its own.
void MultistreamListener::answer_list(ByteQueue& out) const {
  ByteQueue inner;
  for (const std::string& protocol : list_) append_message(inner, protocol);
  std::uint8_t length[kMaxVarintSize];
  out.append({length, write_varint(inner.size() + 1, length)});
  out.append(inner.view());
  out.append(as_bytes("\n"));
}

}  // namespace starling::transport
