#include "starling/peer/signed_envelope.hpp"

#include <optional>

#include "starling/multiformats/varint.hpp"
#include "starling/wire/protobuf.hpp"

namespace starling {
namespace {

// spec: RFC/0002-signed-envelopes.md, Wire format
constexpr std::uint32_t kPublicKeyField = 1, kPayloadTypeField = 2, kPayloadField = 3, kSignatureField = 5;

// spec: RFC/0002-signed-envelopes.md, Signature Production / Verification
ByteVector signed_bytes(std::string_view domain, Bytes payload_type, Bytes payload) {
  ByteVector bytes;
  bytes.reserve(domain.size() + payload_type.size() + payload.size() + 3 * kMaxVarintSize);
  for (const Bytes part : {as_bytes(domain), payload_type, payload}) {
    append_varint(bytes, part.size());
    append(bytes, part);
  }
  return bytes;
}

std::unexpected<Error> too_large(Op op, Origin origin) {
  return fail(ErrorCode::TooLarge, op, origin, "signed envelope above 8192 bytes");
}

}  // namespace

SignedEnvelope::SignedEnvelope(crypto::PublicKey key, Bytes payload_type, Bytes payload, ByteVector signature)
    : public_key_(std::move(key)),
      payload_type_(to_vector(payload_type)),
      payload_(to_vector(payload)),
      signature_(std::move(signature)) {}

Result<SignedEnvelope> SignedEnvelope::seal(const crypto::PrivateKey& key, std::string_view domain, Bytes payload_type,
                                            Bytes payload) {
  if (domain.empty() || payload_type.empty())
    return fail(ErrorCode::InvalidArgument, Op::Sign, Origin::Local, "an envelope needs a domain and a payload type");
  if (payload.size() > kMaxSize) return too_large(Op::Sign, Origin::Local);
  STARLING_TRY(ByteVector signature, key.sign(signed_bytes(domain, payload_type, payload)));
  SignedEnvelope envelope(key.public_key(), payload_type, payload, std::move(signature));
  if (envelope.to_protobuf().size() > kMaxSize) return too_large(Op::Sign, Origin::Local);
  return envelope;
}

Result<SignedEnvelope> SignedEnvelope::from_protobuf(Bytes message) {
  if (message.size() > kMaxSize) return too_large(Op::Decode, Origin::Remote);
  std::optional<Bytes> key;
  Bytes payload_type, payload, signature;
  wire::MessageReader reader(message);
  while (reader.next()) {
    switch (reader.field()) {
      case kPublicKeyField:
        key = reader.bytes();
        break;
      case kPayloadTypeField:
        payload_type = reader.bytes();
        break;
      case kPayloadField:
        payload = reader.bytes();
        break;
      case kSignatureField:
        signature = reader.bytes();
        break;
      default:
        break;  // skipped: a field of a later version
    }
  }
  STARLING_CHECK(reader.finish("signed envelope"));
  if (!key) return fail(ErrorCode::Malformed, Op::Decode, Origin::Remote, "signed envelope without public key");
  STARLING_TRY(crypto::PublicKey public_key, crypto::PublicKey::from_protobuf(*key));
  return SignedEnvelope(std::move(public_key), payload_type, payload, to_vector(signature));
}

// Empty fields are left out, as the encoders of others do.
ByteVector SignedEnvelope::to_protobuf() const {
  ByteVector message;
  wire::MessageWriter writer(message);
  writer.bytes(kPublicKeyField, public_key_.to_protobuf());
  if (!payload_type_.empty()) writer.bytes(kPayloadTypeField, payload_type_);
  if (!payload_.empty()) writer.bytes(kPayloadField, payload_);
  if (!signature_.empty()) writer.bytes(kSignatureField, signature_);
  return message;
}

Result<crypto::PublicKey> SignedEnvelope::verify(std::string_view domain) const {
  STARLING_CHECK(public_key_.verify(signed_bytes(domain, payload_type_, payload_), signature_));
  return public_key_;
}

}  // namespace starling
