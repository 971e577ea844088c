#include "security/plaintext_exchange.hpp"

#include <string>

#include "starling/wire/frame.hpp"
#include "starling/wire/protobuf.hpp"

namespace starling::security {
namespace {

constexpr std::uint32_t kIdField = 1, kKeyField = 2;

Error bad(std::string why) { return Error(ErrorCode::HandshakeFailed, Op::Secure, Origin::Remote, std::move(why)); }

Error bad_frame(Error cause) {
  if (cause.code() != ErrorCode::TooLarge) return bad("frame of the Exchange message").caused_by(std::move(cause));
  return Error(ErrorCode::MessageTooLarge, Op::Secure, Origin::Remote, "Exchange message").caused_by(std::move(cause));
}

Result<Exchange> parse_exchange(Bytes message) {
  Bytes id_bytes, key_bytes;
  wire::MessageReader reader(message);
  while (reader.next()) {
    switch (reader.field()) {
      case kIdField:
        id_bytes = reader.bytes();
        break;
      case kKeyField:
        key_bytes = reader.bytes();
        break;
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
  wire::append_frame(framed, message);
  return framed;
}

Result<std::optional<Exchange>> take_exchange(ByteQueue& in) {
  auto frame = wire::parse_frame(in.view(), kMaxExchangeBytes);
  if (!frame) return fail(bad_frame(std::move(frame).error()));
  if (!*frame) return std::nullopt;
  auto exchange = parse_exchange((*frame)->payload);
  in.consume((*frame)->size);
  if (!exchange) return fail(bad("Exchange message").caused_by(std::move(exchange).error()));
  if (!exchange->id.matches(exchange->key)) return fail(bad("the peer id is not that of the key"));
  return std::move(*exchange);
}

}  // namespace starling::security
