#include "security/plaintext_exchange.hpp"

#include <string>

#include "starling/wire/protobuf.hpp"

namespace starling::security {
namespace {

constexpr std::uint32_t kIdField = 1, kKeyField = 2;
constexpr std::size_t kMaxLengthBytes = 3;  // of a varint up to kMaxExchangeBytes

struct Length {
  std::size_t header, body;
};

Error bad(std::string why) { return Error(ErrorCode::HandshakeFailed, Op::Secure, Origin::Remote, std::move(why)); }

void append_length(ByteVector& to, std::size_t length) {
  for (; length >= 0x80; length >>= 7) to.push_back(std::uint8_t(length | 0x80));
  to.push_back(std::uint8_t(length));
}

Result<std::optional<Length>> read_length(Bytes in) {
  std::size_t body = 0;
  for (std::size_t i = 0; i < kMaxLengthBytes; ++i) {
    if (i >= in.size()) return std::nullopt;
    body |= std::size_t(in[i] & 0x7f) << (7 * i);
    if (in[i] >= 0x80) continue;
    if (i > 0 && in[i] == 0) return fail(bad("the length is not minimal"));
    if (body > kMaxExchangeBytes) break;
    return Length{.header = i + 1, .body = body};
  }
  return fail(ErrorCode::MessageTooLarge, Op::Secure, Origin::Remote, "Exchange message above 64 KiB");
}

Result<Exchange> parse_exchange(Bytes message) {
  Bytes id_bytes, key_bytes;
  wire::MessageReader reader(message);
  while (reader.next()) {
    switch (reader.field()) {
      case kIdField: id_bytes = reader.bytes(); break;
      case kKeyField: key_bytes = reader.bytes(); break;
    }
  }
  STARLING_CHECK(reader.finish("Exchange"));
  STARLING_TRY(PeerId id, PeerId::from_bytes(id_bytes));
  STARLING_TRY(auto key, crypto::PublicKey::from_protobuf(key_bytes));
  return Exchange{.id = id, .key = std::move(key)};
}

}  // namespace

ByteVector encode_exchange(const crypto::PublicKey& key) {
  ByteVector message;
  wire::MessageWriter writer(message);
  writer.bytes(kIdField, PeerId::from_public_key(key).bytes());
  writer.bytes(kKeyField, key.to_protobuf());
  ByteVector framed;
  append_length(framed, message.size());
  append(framed, message);
  return framed;
}

Result<std::optional<Exchange>> take_exchange(ByteQueue& in) {
  STARLING_TRY(const auto length, read_length(in.view()));
  if (!length || in.size() < length->header + length->body) return std::nullopt;
  auto exchange = parse_exchange(in.view().subspan(length->header, length->body));
  in.consume(length->header + length->body);
  if (!exchange) return fail(bad("Exchange message").caused_by(std::move(exchange).error()));
  if (!exchange->id.matches(exchange->key)) return fail(bad("the peer id is not that of the key"));
  return std::move(*exchange);
}

}  // namespace starling::security
