#include "starling/peer/signed_envelope.hpp"

#include <gtest/gtest.h>

#include "peer/go_vectors.hpp"
#include "starling/wire/protobuf.hpp"

namespace starling {
namespace {

using crypto::KeyType;
using crypto::PrivateKey;

constexpr std::string_view kDomain = "libp2p-testing", kType = "/libp2p/testdata", kPayload = "hello world!";

PrivateKey key_of(KeyType type) { return PrivateKey::generate(type, *seeded_random(1)).value(); }
SignedEnvelope sealed(KeyType type = KeyType::Ed25519) {
  return SignedEnvelope::seal(key_of(type), kDomain, as_bytes(kType), as_bytes(kPayload)).value();
}
// An envelope with one field replaced.
SignedEnvelope altered(const SignedEnvelope& envelope, std::uint32_t field, Bytes value) {
  ByteVector message;
  wire::MessageWriter writer(message);
  const ByteVector original = envelope.to_protobuf();
  wire::MessageReader fields(original);
  while (fields.next()) {
    const Bytes bytes = fields.bytes();
    writer.bytes(fields.field(), fields.field() == field ? value : bytes);
  }
  return SignedEnvelope::from_protobuf(message).value();
}

TEST(SignedEnvelopeTest, comes_back_and_names_its_signer) {
  for (const KeyType type : {KeyType::Ed25519, KeyType::Secp256k1, KeyType::Ecdsa, KeyType::Rsa}) {
    SCOPED_TRACE(to_string(type));
    const SignedEnvelope envelope = sealed(type);
    const SignedEnvelope again = SignedEnvelope::from_protobuf(envelope.to_protobuf()).value();
    EXPECT_EQ(again, envelope);
    EXPECT_EQ(as_text(again.payload()), kPayload);
    EXPECT_EQ(as_text(again.payload_type()), kType);
    EXPECT_EQ(again.verify(kDomain).value(), envelope.public_key());
  }
}

// RFC 0002, Signature Production: each part behind its length as a varint
TEST(SignedEnvelopeTest, signature_covers_domain_type_and_payload) {
  const PrivateKey key = key_of(KeyType::Ed25519);
  const SignedEnvelope envelope =
      SignedEnvelope::seal(key, std::string(200, 'd'), as_bytes("\x03\x01"), ByteVector(300, 9)).value();
  ByteVector covered = from_hex("c801").value();
  append(covered, ByteVector(200, 'd'));
  append(covered, from_hex("020301ac02").value());
  append(covered, ByteVector(300, 9));
  EXPECT_TRUE(key.public_key().verify(covered, envelope.signature()));
}

TEST(SignedEnvelopeTest, is_byte_for_byte_what_go_makes) {
  const PrivateKey key = PrivateKey::from_protobuf(from_hex(vectors::kGoKey).value()).value();
  const auto envelope = SignedEnvelope::from_protobuf(from_hex(vectors::kGoEnvelope).value()).value();
  EXPECT_EQ(envelope.verify(kDomain).value(), key.public_key());
  EXPECT_EQ(SignedEnvelope::seal(key, kDomain, as_bytes(kType), as_bytes(kPayload)).value(), envelope);
  EXPECT_EQ(to_hex(envelope.to_protobuf()), vectors::kGoEnvelope);
}

TEST(SignedEnvelopeTest, any_alteration_is_refused) {
  const SignedEnvelope envelope = sealed();
  EXPECT_EQ(envelope.verify("wrong-domain").error().code(), ErrorCode::BadSignature);
  EXPECT_EQ(envelope.verify("").error().code(), ErrorCode::BadSignature);
  EXPECT_EQ(altered(envelope, 2, as_bytes("foo")).verify(kDomain).error().code(), ErrorCode::BadSignature);
  EXPECT_EQ(altered(envelope, 3, as_bytes("trust me")).verify(kDomain).error().code(), ErrorCode::BadSignature);
  EXPECT_EQ(altered(envelope, 5, {}).verify(kDomain).error().code(), ErrorCode::BadSignature);
  const auto other = PrivateKey::generate(KeyType::Ed25519, *seeded_random(2)).value().public_key().to_protobuf();
  EXPECT_EQ(altered(envelope, 1, other).verify(kDomain).error().code(), ErrorCode::BadSignature);
}

// Moving a byte over the border between two fields gives other signed bytes, because lengths are signed too.
TEST(SignedEnvelopeTest, fields_cannot_flow_into_each_other) {
  const SignedEnvelope moved = altered(altered(sealed(), 2, as_bytes("/libp2p/testdat")), 3, as_bytes("ahello world!"));
  EXPECT_EQ(moved.verify(kDomain).error().code(), ErrorCode::BadSignature);
}

TEST(SignedEnvelopeTest, empty_payload_is_signed) {
  const SignedEnvelope envelope = SignedEnvelope::seal(key_of(KeyType::Ed25519), kDomain, as_bytes(kType), {}).value();
  const SignedEnvelope again = SignedEnvelope::from_protobuf(envelope.to_protobuf()).value();
  EXPECT_TRUE(again.payload().empty());
  EXPECT_TRUE(again.verify(kDomain));
}

TEST(SignedEnvelopeTest, domain_and_type_are_required) {
  const PrivateKey key = key_of(KeyType::Ed25519);
  EXPECT_EQ(SignedEnvelope::seal(key, "", as_bytes(kType), {}).error().code(), ErrorCode::InvalidArgument);
  EXPECT_EQ(SignedEnvelope::seal(key, kDomain, {}, {}).error().code(), ErrorCode::InvalidArgument);
}

TEST(SignedEnvelopeTest, size_is_bounded_at_8_kib) {
  const PrivateKey key = key_of(KeyType::Ed25519);
  const auto seal = [&](std::size_t size) { return SignedEnvelope::seal(key, "d", as_bytes("t"), ByteVector(size)); };
  const std::size_t overhead = seal(5000)->to_protobuf().size() - 5000;
  const std::size_t largest = SignedEnvelope::kMaxSize - overhead;
  ASSERT_TRUE(seal(largest));
  EXPECT_EQ(seal(largest)->to_protobuf().size(), SignedEnvelope::kMaxSize);
  EXPECT_TRUE(SignedEnvelope::from_protobuf(seal(largest)->to_protobuf()));
  EXPECT_EQ(seal(largest + 1).error().code(), ErrorCode::TooLarge);
  EXPECT_EQ(seal(std::size_t{1} << 20).error().code(), ErrorCode::TooLarge);
  EXPECT_EQ(SignedEnvelope::from_protobuf(ByteVector(SignedEnvelope::kMaxSize + 1)).error().code(),
            ErrorCode::TooLarge);
}

TEST(SignedEnvelopeTest, malformed_messages_are_refused) {
  EXPECT_EQ(SignedEnvelope::from_protobuf({}).error().code(), ErrorCode::Malformed) << "no key";
  EXPECT_FALSE(SignedEnvelope::from_protobuf(as_bytes("not an envelope")));
  EXPECT_FALSE(SignedEnvelope::from_protobuf(from_hex("0a00").value())) << "empty key";
  EXPECT_EQ(SignedEnvelope::from_protobuf(from_hex("0a04080a1200").value()).error().code(), ErrorCode::UnknownCode);
  const ByteVector message = sealed().to_protobuf();
  for (std::size_t size = 0; size < message.size(); ++size) {
    const auto cut = SignedEnvelope::from_protobuf(Bytes(message).first(size));
    EXPECT_FALSE(cut && cut->verify(kDomain)) << size;
  }
}

}  // namespace
}  // namespace starling
