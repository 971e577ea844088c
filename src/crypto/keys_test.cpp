#include "starling/crypto/keys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "crypto/key_vectors.hpp"

namespace starling::crypto {
namespace {

constexpr KeyType kTypes[] = {KeyType::Rsa, KeyType::Ed25519, KeyType::Secp256k1, KeyType::Ecdsa};

ByteVector hex(std::string_view text) { return from_hex(text).value(); }

class NamedKeyTest : public testing::TestWithParam<KeyType> {
 protected:
  // RSA keys are slow to make, so each is made once.
  static PrivateKey generate(std::uint64_t seed = 1) {
    static std::map<std::pair<KeyType, std::uint64_t>, PrivateKey> made;
    const auto key = std::pair(GetParam(), seed);
    const auto found = made.find(key);
    if (found != made.end()) return found->second;
    return made.emplace(key, PrivateKey::generate(GetParam(), *seeded_random(seed)).value()).first->second;
  }
};
INSTANTIATE_TEST_SUITE_P(AllTypes, NamedKeyTest, testing::ValuesIn(kTypes),
                         [](const auto& info) { return std::string(to_string(info.param)); });

TEST_P(NamedKeyTest, generated_key_signs_what_its_public_half_verifies) {
  const PrivateKey key = generate();
  EXPECT_EQ(key.type(), GetParam());
  EXPECT_EQ(key.public_key().type(), GetParam());
  const ByteVector message = to_vector(as_bytes("hello world"));
  const ByteVector signature = key.sign(message).value();
  EXPECT_TRUE(key.public_key().verify(message, signature));
}

TEST_P(NamedKeyTest, empty_message_is_signed) {
  const PrivateKey key = generate();
  EXPECT_TRUE(key.public_key().verify({}, key.sign({}).value()));
}

TEST_P(NamedKeyTest, any_changed_bit_breaks_the_signature) {
  const PrivateKey key = generate();
  const ByteVector message = to_vector(as_bytes("hello world"));
  const ByteVector signature = key.sign(message).value();
  for (std::size_t i = 0; i < signature.size(); i += 7) {
    ByteVector changed = signature;
    changed[i] ^= 1;
    EXPECT_EQ(key.public_key().verify(message, changed).error().code(), ErrorCode::BadSignature) << i;
  }
  ByteVector other = message;
  other[0] ^= 0x80;
  EXPECT_EQ(key.public_key().verify(other, signature).error().code(), ErrorCode::BadSignature);
}

TEST_P(NamedKeyTest, signature_of_wrong_length_is_refused) {
  const PrivateKey key = generate();
  const ByteVector message(10, 7);
  ByteVector signature = key.sign(message).value();
  EXPECT_FALSE(key.public_key().verify(message, {}));
  EXPECT_FALSE(key.public_key().verify(message, Bytes(signature).first(signature.size() - 1)));
  signature.push_back(0);
  EXPECT_FALSE(key.public_key().verify(message, signature));
}

TEST_P(NamedKeyTest, another_key_does_not_verify) {
  const ByteVector message(10, 7);
  const ByteVector signature = generate(1).sign(message).value();
  EXPECT_EQ(generate(2).public_key().verify(message, signature).error().code(), ErrorCode::BadSignature);
}

TEST_P(NamedKeyTest, messages_come_back_as_the_same_key) {
  const PrivateKey key = generate();
  const PrivateKey again = PrivateKey::from_protobuf(key.to_protobuf()).value();
  EXPECT_EQ(again.public_key(), key.public_key());
  EXPECT_EQ(again.to_protobuf(), key.to_protobuf());
  const PublicKey public_key = PublicKey::from_protobuf(key.public_key().to_protobuf()).value();
  EXPECT_EQ(public_key, key.public_key());
  EXPECT_EQ(public_key.to_protobuf(), key.public_key().to_protobuf());
  EXPECT_EQ(PublicKey::from_data(GetParam(), public_key.data()).value(), public_key);
}

TEST_P(NamedKeyTest, every_truncation_and_extension_of_the_data_is_refused) {
  const PrivateKey key = generate();
  const Bytes data = key.public_key().data();
  for (std::size_t size = 0; size < data.size(); ++size)
    EXPECT_FALSE(PublicKey::from_data(GetParam(), data.first(size))) << size;
  ByteVector longer = to_vector(data);
  longer.push_back(0);
  EXPECT_EQ(PublicKey::from_data(GetParam(), longer).error().code(), ErrorCode::BadKey);
}

TEST_P(NamedKeyTest, copies_share_the_key) {
  const PrivateKey key = generate();
  const PrivateKey copy = key;
  EXPECT_EQ(&copy.public_key(), &key.public_key());
}

TEST_P(NamedKeyTest, names_go_both_ways) { EXPECT_EQ(key_type_from_string(to_string(GetParam())).value(), GetParam()); }

TEST(KeysTest, unknown_type_name_is_refused) {
  EXPECT_EQ(key_type_from_string("dsa").error().code(), ErrorCode::InvalidArgument);
}

TEST(KeysTest, seeded_generation_repeats) {
  for (const KeyType type : {KeyType::Ed25519, KeyType::Secp256k1, KeyType::Ecdsa}) {
    const auto first = PrivateKey::generate(type, *seeded_random(42)).value();
    const auto second = PrivateKey::generate(type, *seeded_random(42)).value();
    const auto other = PrivateKey::generate(type, *seeded_random(43)).value();
    EXPECT_EQ(first.public_key(), second.public_key());
    EXPECT_NE(first.public_key(), other.public_key());
  }
}

TEST(KeysTest, specification_vectors) {
  for (const auto& vector : vectors::kSpecKeys) {
    SCOPED_TRACE(vector.name);
    const auto key = PrivateKey::from_protobuf(hex(vector.private_message));
    ASSERT_TRUE(key) << key.error().message();
    EXPECT_EQ(to_string(key->type()), vector.name);
    EXPECT_EQ(to_hex(key->to_protobuf()), vector.private_message);
    EXPECT_EQ(to_hex(key->public_key().to_protobuf()), vector.public_message);
    EXPECT_EQ(PublicKey::from_protobuf(hex(vector.public_message)).value(), key->public_key());
  }
}

TEST(KeysTest, go_fixtures) {
  for (const auto& vector : vectors::kGoFixtures) {
    SCOPED_TRACE(vector.name);
    const auto key = PrivateKey::from_protobuf(hex(vector.private_message));
    ASSERT_TRUE(key) << key.error().message();
    EXPECT_EQ(to_hex(key->to_protobuf()), vector.private_message);
    const PublicKey public_key = PublicKey::from_protobuf(hex(vector.public_message)).value();
    EXPECT_EQ(to_hex(public_key.to_protobuf()), vector.public_message);
    EXPECT_EQ(key->public_key(), public_key);
    EXPECT_TRUE(public_key.verify(as_bytes(vectors::kGoMessage), hex(vector.signature)));
    EXPECT_TRUE(public_key.verify(as_bytes(vectors::kGoMessage), key->sign(as_bytes(vectors::kGoMessage)).value()));
  }
}

TEST(KeysTest, rsa_signature_is_the_one_go_makes) {
  const auto& vector = vectors::kGoFixtures[0];
  const PrivateKey key = PrivateKey::from_protobuf(hex(vector.private_message)).value();
  EXPECT_EQ(to_hex(key.sign(as_bytes(vectors::kGoMessage)).value()), vector.signature);
}

}  // namespace
}  // namespace starling::crypto
