#include "starling/crypto/keys.hpp"

#include <sodium.h>

#include <optional>

#include "crypto/key_material.hpp"
#include "starling/base/assert.hpp"
#include "starling/wire/protobuf.hpp"

namespace starling::crypto {
namespace {

// spec: peer-ids/peer-ids.md, Keys: both messages have these two fields.
constexpr std::uint32_t kTypeField = 1, kDataField = 2;
constexpr std::size_t kMaxPublicMessage = rsa::kMaxPublicDer + 16, kMaxPrivateMessage = rsa::kMaxPrivateDer + 16;
constexpr std::size_t kMessageOverhead = 8;  // two tags, a type and a length

struct KeyMessage {
  KeyType type;
  Bytes data;
};

Result<KeyMessage> parse_key_message(Bytes message, std::size_t max_size, std::string_view what) {
  if (message.size() > max_size) return fail(ErrorCode::TooLarge, Op::Decode, Origin::Remote, std::string(what));
  std::optional<std::uint64_t> type;
  std::optional<Bytes> data;
  wire::MessageReader reader(message);
  while (reader.next()) {
    if (reader.field() == kTypeField)
      type = reader.varint();
    else if (reader.field() == kDataField)
      data = reader.bytes();
  }
  STARLING_CHECK(reader.finish(what));
  if (!type || !data)
    return fail(ErrorCode::Malformed, Op::Decode, Origin::Remote, std::string(what) + ": type or data is missing");
  if (*type > std::uint64_t(KeyType::Ecdsa))
    return fail(ErrorCode::UnknownCode, Op::Decode, Origin::Remote,
                std::string(what) + ": key type " + std::to_string(*type));
  return KeyMessage{KeyType(*type), *data};
}

ByteVector write_key_message(KeyType type, Bytes data) {
  ByteVector message;
  message.reserve(data.size() + kMessageOverhead);  // exact enough that a secret is never left in an old block
  wire::MessageWriter writer(message);
  writer.varint(kTypeField, std::uint64_t(type));
  writer.bytes(kDataField, data);
  return message;
}

Result<PublicMaterial> read_public(KeyType type, Bytes data) {
  switch (type) {
    case KeyType::Rsa:
      return rsa::read_public(data);
    case KeyType::Ed25519:
      return ed25519::read_public(data);
    case KeyType::Secp256k1:
      return secp256k1::read_public(data);
    case KeyType::Ecdsa:
      return ecdsa::read_public(data);
  }
  return fail(ErrorCode::UnknownCode, Op::Decode, Origin::Remote, "key type");
}

Result<PrivateMaterial> read_private(KeyType type, Bytes data) {
  switch (type) {
    case KeyType::Rsa:
      return rsa::read_private(data);
    case KeyType::Ed25519:
      return ed25519::read_private(data);
    case KeyType::Secp256k1:
      return secp256k1::read_private(data);
    case KeyType::Ecdsa:
      return ecdsa::read_private(data);
  }
  return fail(ErrorCode::UnknownCode, Op::Decode, Origin::Remote, "key type");
}

Result<PrivateMaterial> generate_material(KeyType type, Random& random, unsigned rsa_bits) {
  switch (type) {
    case KeyType::Rsa:
      return rsa::generate(rsa_bits);
    case KeyType::Ed25519:
      return ed25519::generate(random);
    case KeyType::Secp256k1:
      return secp256k1::generate(random);
    case KeyType::Ecdsa:
      return ecdsa::generate(random);
  }
  return fail(ErrorCode::InvalidArgument, Op::Configure, Origin::Local, "key type");
}

}  // namespace

struct PublicKey::Rep {
  KeyType type;
  PublicMaterial material;
};

struct PrivateKey::Rep {
  KeyType type;
  PublicKey public_key;
  SecretBytes data;
  EvpKey evp;
};

void wipe(MutableBytes secret) {
  if (!secret.empty()) sodium_memzero(secret.data(), secret.size());
}

std::string_view to_string(KeyType type) {
  constexpr std::string_view kNames[] = {"rsa", "ed25519", "secp256k1", "ecdsa"};
  return kNames[std::size_t(type)];
}

Result<KeyType> key_type_from_string(std::string_view name) {
  for (const KeyType type : {KeyType::Rsa, KeyType::Ed25519, KeyType::Secp256k1, KeyType::Ecdsa})
    if (name == to_string(type)) return type;
  return fail(ErrorCode::InvalidArgument, Op::Parse, Origin::Local,
              "key type '" + std::string(name) + "', known are ed25519, secp256k1, ecdsa, rsa");
}

Result<PublicKey> PublicKey::from_protobuf(Bytes message) {
  STARLING_TRY(const KeyMessage parsed, parse_key_message(message, kMaxPublicMessage, "public key"));
  return from_data(parsed.type, parsed.data);
}

Result<PublicKey> PublicKey::from_data(KeyType type, Bytes data) {
  STARLING_TRY(PublicMaterial material, read_public(type, data));
  return PublicKey(std::make_shared<const Rep>(Rep{type, std::move(material)}));
}

KeyType PublicKey::type() const { return rep_->type; }
Bytes PublicKey::data() const { return rep_->material.data; }
ByteVector PublicKey::to_protobuf() const { return write_key_message(type(), data()); }

Status PublicKey::verify(Bytes message, Bytes signature) const {
  if (type() == KeyType::Ed25519) return ed25519::verify(data(), message, signature);
  return evp_verify(rep_->material.evp.get(), message, signature, to_string(type()));
}

bool operator==(const PublicKey& a, const PublicKey& b) {
  return a.rep_ == b.rep_ || (a.type() == b.type() && equal(a.data(), b.data()));
}

Result<PrivateKey> PrivateKey::from_material(KeyType type, Result<PrivateMaterial> made) {
  STARLING_TRY(PrivateMaterial material, std::move(made));
  STARLING_TRY(PublicKey public_key, PublicKey::from_data(type, material.public_data));
  return PrivateKey(
      std::make_shared<const Rep>(Rep{type, std::move(public_key), std::move(material.data), std::move(material.evp)}));
}

Result<PrivateKey> PrivateKey::generate(KeyType type, Random& random, unsigned rsa_bits) {
  return from_material(type, generate_material(type, random, rsa_bits));
}

Result<PrivateKey> PrivateKey::from_protobuf(Bytes message) {
  STARLING_TRY(const KeyMessage parsed, parse_key_message(message, kMaxPrivateMessage, "private key"));
  return from_data(parsed.type, parsed.data);
}

Result<PrivateKey> PrivateKey::from_data(KeyType type, Bytes data) {
  return from_material(type, read_private(type, data));
}

KeyType PrivateKey::type() const { return rep_->type; }
const PublicKey& PrivateKey::public_key() const { return rep_->public_key; }
ByteVector PrivateKey::to_protobuf() const { return write_key_message(type(), rep_->data.view()); }

Result<ByteVector> PrivateKey::sign(Bytes message) const {
  if (type() == KeyType::Ed25519) return ed25519::sign(rep_->data.view(), message);
  STARLING_TRY(ByteVector signature, evp_sign(rep_->evp.get(), message));
  if (type() == KeyType::Secp256k1) return secp256k1::with_low_s(signature);
  return signature;
}

}  // namespace starling::crypto
