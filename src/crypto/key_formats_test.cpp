// What keys look like on the wire, and what is refused: each algorithm's encoding and bounds.
#include <gtest/gtest.h>
#include <openssl/x509.h>

#include <algorithm>

#include "crypto/key_material.hpp"
#include "crypto/key_vectors.hpp"
#include "starling/crypto/keys.hpp"

namespace starling::crypto {
namespace {

ByteVector hex(std::string_view text) { return from_hex(text).value(); }
const vectors::KeyVector& spec_key(std::string_view name) {
  return *std::ranges::find(vectors::kSpecKeys, name, &vectors::KeyVector::name);
}
PrivateKey spec_private(std::string_view name) {
  return PrivateKey::from_protobuf(hex(spec_key(name).private_message)).value();
}

ErrorCode public_error(std::string_view message) { return PublicKey::from_protobuf(hex(message)).error().code(); }
ErrorCode private_error(KeyType type, Bytes data) { return PrivateKey::from_data(type, data).error().code(); }

// An RSA public key in PKIX DER, however bad.
ByteVector rsa_pkix(const BIGNUM* modulus, unsigned long exponent) {
  const BigNumber e(BN_new());
  BN_set_word(e.get(), exponent);
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus);
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get());
  const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  const EvpKeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* made = nullptr;
  EVP_PKEY_fromdata_init(context.get());
  EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, params.get());
  const EvpKey key(made);
  ByteVector der(std::size_t(i2d_PUBKEY(key.get(), nullptr)));
  std::uint8_t* at = der.data();
  i2d_PUBKEY(key.get(), &at);
  return der;
}
ByteVector rsa_pkix(int bits, unsigned long exponent = 65537, bool odd = true) {
  const BigNumber modulus(BN_new());
  BN_set_bit(modulus.get(), bits - 1);
  BN_set_bit(modulus.get(), bits / 2);
  if (odd) BN_set_bit(modulus.get(), 0);
  return rsa_pkix(modulus.get(), exponent);
}
Result<PublicKey> rsa_key(Bytes der) { return PublicKey::from_data(KeyType::Rsa, der); }

TEST(KeyMessageTest, both_fields_are_required) {
  EXPECT_EQ(public_error(""), ErrorCode::Malformed);
  EXPECT_EQ(public_error("0801"), ErrorCode::Malformed);
  EXPECT_EQ(public_error("1220" + std::string(64, '1')), ErrorCode::Malformed);
}

TEST(KeyMessageTest, unknown_type_is_refused) {
  EXPECT_EQ(public_error("08041200"), ErrorCode::UnknownCode);
  EXPECT_EQ(public_error("0881808080101200"), ErrorCode::UnknownCode) << "a type is not cut to 32 bits";
}

TEST(KeyMessageTest, broken_message_is_refused) {
  EXPECT_EQ(public_error("0801"
                         "1220aa"),
            ErrorCode::Truncated);
  EXPECT_EQ(public_error("0a0101"
                         "1200"),
            ErrorCode::Malformed)
      << "the type is not a number";
  EXPECT_EQ(PublicKey::from_protobuf(ByteVector(2000)).error().code(), ErrorCode::TooLarge);
  EXPECT_EQ(PrivateKey::from_protobuf(ByteVector(8000)).error().code(), ErrorCode::TooLarge);
}

// Others decode such messages too, and hash the canonical one.
TEST(KeyMessageTest, encoding_comes_out_canonical) {
  const std::string data = "1220" + std::string(64, '1');
  const std::string canonical = "0801" + data;
  for (const std::string& message : {data + "0801", "088100" + data, "0800" + canonical, canonical + "1801"})
    EXPECT_EQ(to_hex(PublicKey::from_protobuf(hex(message)).value().to_protobuf()), canonical) << message;
}

TEST(Ed25519KeyTest, sizes) {
  EXPECT_EQ(private_error(KeyType::Ed25519, {}), ErrorCode::BadKey);
  for (const std::size_t size : {32, 63, 65, 95, 97})
    EXPECT_EQ(private_error(KeyType::Ed25519, ByteVector(size)), ErrorCode::BadKey);
  EXPECT_EQ(PublicKey::from_data(KeyType::Ed25519, ByteVector(33)).error().code(), ErrorCode::BadKey);
}

// spec: peer-ids/peer-ids.md, Ed25519
TEST(Ed25519KeyTest, old_form_with_the_public_half_twice) {
  const PrivateKey key = spec_private("ed25519");
  ByteVector data = hex(spec_key("ed25519").private_message.substr(8));
  ASSERT_EQ(data.size(), 64u);
  append(data, key.public_key().data());
  EXPECT_EQ(PrivateKey::from_data(KeyType::Ed25519, data).value().to_protobuf(), key.to_protobuf());
  for (const std::size_t wrong : {40, 90}) {
    ByteVector changed = data;
    changed[wrong] ^= 1;
    EXPECT_EQ(private_error(KeyType::Ed25519, changed), ErrorCode::BadKey);
  }
}

TEST(Ed25519KeyTest, public_half_must_belong_to_the_secret) {
  ByteVector data = hex(spec_key("ed25519").private_message.substr(8));
  data.back() ^= 1;
  EXPECT_EQ(private_error(KeyType::Ed25519, data), ErrorCode::BadKey);
}

// RFC 8032, section 7.1, test 3
TEST(Ed25519KeyTest, rfc8032_vector) {
  const PrivateKey key =
      PrivateKey::from_data(KeyType::Ed25519, hex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"
                                                  "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"))
          .value();
  EXPECT_EQ(
      to_hex(key.sign(hex("af82")).value()),
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716e"
      "d28dc027beceea1ec40a");
}

// A public key of small order would verify one signature for every message.
TEST(Ed25519KeyTest, small_order_key_verifies_nothing) {
  ByteVector identity(32);
  identity[0] = 1;
  const PublicKey key = PublicKey::from_data(KeyType::Ed25519, identity).value();
  ByteVector signature(64);
  signature[0] = 1;
  EXPECT_EQ(key.verify(as_bytes("anything"), signature).error().code(), ErrorCode::BadSignature);
}

TEST(Secp256k1KeyTest, scalar_range) {
  const ByteVector order = hex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
  ByteVector largest = order;
  largest.back() -= 1;
  ByteVector one(32);
  one.back() = 1;
  EXPECT_EQ(private_error(KeyType::Secp256k1, ByteVector(32)), ErrorCode::BadKey);
  EXPECT_EQ(private_error(KeyType::Secp256k1, order), ErrorCode::BadKey);
  EXPECT_EQ(private_error(KeyType::Secp256k1, ByteVector(32, 0xff)), ErrorCode::BadKey);
  EXPECT_EQ(private_error(KeyType::Secp256k1, ByteVector(31, 1)), ErrorCode::BadKey);
  EXPECT_EQ(private_error(KeyType::Secp256k1, ByteVector(33, 1)), ErrorCode::BadKey);
  EXPECT_TRUE(PrivateKey::from_data(KeyType::Secp256k1, largest));
  // SEC 2, section 2.4.1: one times the generator
  EXPECT_EQ(to_hex(PrivateKey::from_data(KeyType::Secp256k1, one).value().public_key().data()),
            "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
}

TEST(Secp256k1KeyTest, other_points_are_refused) {
  const auto error = [](std::string_view point) {
    return PublicKey::from_data(KeyType::Secp256k1, hex(point)).error().code();
  };
  EXPECT_EQ(error("02" + std::string(64, 'f')), ErrorCode::BadKey) << "not below the prime";
  EXPECT_EQ(error("02" + std::string(63, '0') + "5"), ErrorCode::BadKey) << "not on the curve";
  EXPECT_EQ(error("0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"), ErrorCode::BadKey);
  EXPECT_EQ(error("00"), ErrorCode::BadKey) << "the point at infinity";
  EXPECT_EQ(error(std::string(66, '0')), ErrorCode::BadKey);
}

// BIP 62: others refuse the upper half. Without the rule, 64 signatures would pass once in 2^64.
TEST(Secp256k1KeyTest, signatures_have_a_low_s) {
  const PrivateKey key = spec_private("secp256k1");
  for (int i = 0; i < 64; ++i) {
    const ByteVector message(1, std::uint8_t(i));
    const ByteVector signature = key.sign(message).value();
    EXPECT_TRUE(key.public_key().verify(message, signature));
    EXPECT_EQ(secp256k1::with_low_s(signature).value(), signature);
    const std::size_t s_at = 4 + std::size_t{signature[3]} + 2;
    EXPECT_LE(signature.size() - s_at, 32u) << "33 bytes would be the upper half";
    EXPECT_LT(signature[s_at], 0x80);
  }
}

TEST(EcdsaKeyTest, private_key_comes_with_or_without_curve_and_point) {
  const ByteVector whole = hex(spec_key("ecdsa").private_message.substr(8));
  const Bytes der = whole;
  const Bytes scalar = der.subspan(2, 37), curve = der.subspan(39, 12), point = der.subspan(51);
  for (const auto& parts : {std::vector{scalar, curve, point}, {scalar, point}, {scalar, curve}, {scalar}}) {
    ByteVector form{0x30, 0};
    for (const Bytes part : parts) append(form, part);
    form[1] = std::uint8_t(form.size() - 2);
    const auto key = PrivateKey::from_data(KeyType::Ecdsa, form);
    ASSERT_TRUE(key) << to_hex(form);
    EXPECT_EQ(to_hex(key->to_protobuf()), spec_key("ecdsa").private_message);
    for (std::size_t size = 0; size < form.size(); ++size)
      EXPECT_EQ(private_error(KeyType::Ecdsa, Bytes(form).first(size)), ErrorCode::BadKey);
    form.push_back(0);
    form[1] += 1;
    EXPECT_EQ(private_error(KeyType::Ecdsa, form), ErrorCode::BadKey);
  }
}

TEST(EcdsaKeyTest, any_changed_byte_of_the_private_key_is_refused_or_noticed) {
  const ByteVector der = hex(spec_key("ecdsa").private_message.substr(8));
  for (std::size_t i = 0; i < der.size(); ++i) {
    ByteVector changed = der;
    changed[i] ^= 0x01;
    EXPECT_EQ(private_error(KeyType::Ecdsa, changed), ErrorCode::BadKey) << i;
  }
}

TEST(EcdsaKeyTest, public_key_is_an_uncompressed_point_of_p256) {
  const ByteVector der = hex(spec_key("ecdsa").public_message.substr(8));
  for (std::size_t i = 0; i < der.size(); ++i) {
    ByteVector changed = der;
    changed[i] ^= 0x01;
    EXPECT_EQ(PublicKey::from_data(KeyType::Ecdsa, changed).error().code(), ErrorCode::BadKey) << i;
  }
  EXPECT_EQ(PublicKey::from_data(KeyType::Ecdsa, rsa_pkix(2048)).error().code(), ErrorCode::BadKey);
}

TEST(RsaKeyTest, public_size_bounds_hold_at_the_edge) {
  EXPECT_TRUE(rsa_key(rsa_pkix(2048)));
  EXPECT_TRUE(rsa_key(rsa_pkix(8192)));
  EXPECT_LE(rsa_pkix(8192, (1ul << 31) - 1).size(), rsa::kMaxPublicDer);
  EXPECT_EQ(rsa_key(rsa_pkix(2047)).error().code(), ErrorCode::BadKey);
  EXPECT_EQ(rsa_key(rsa_pkix(1024)).error().code(), ErrorCode::BadKey);
  EXPECT_EQ(rsa_key(rsa_pkix(8193)).error().code(), ErrorCode::BadKey);
  EXPECT_EQ(rsa_key(rsa_pkix(16384)).error().code(), ErrorCode::TooLarge);
}

TEST(RsaKeyTest, exponent_and_modulus_bounds) {
  EXPECT_TRUE(rsa_key(rsa_pkix(2048, 3)));
  EXPECT_TRUE(rsa_key(rsa_pkix(2048, (1ul << 31) - 1)));
  for (const unsigned long exponent : {0ul, 1ul, 2ul, 65536ul, (1ul << 31) + 1, (1ul << 33) + 1})
    EXPECT_EQ(rsa_key(rsa_pkix(2048, exponent)).error().code(), ErrorCode::BadKey) << exponent;
  EXPECT_EQ(rsa_key(rsa_pkix(2048, 65537, /*odd=*/false)).error().code(), ErrorCode::BadKey);
}

TEST(RsaKeyTest, der_must_be_canonical) {
  const ByteVector der = rsa_pkix(2048);
  ByteVector longer = der;
  longer.push_back(0);
  EXPECT_EQ(rsa_key(longer).error().code(), ErrorCode::BadKey);
  ByteVector indefinite = der;  // BER: 30 80 … 00 00
  indefinite[1] = 0x80;
  indefinite.erase(indefinite.begin() + 2, indefinite.begin() + 4);
  indefinite.insert(indefinite.end(), {0, 0});
  EXPECT_EQ(rsa_key(indefinite).error().code(), ErrorCode::BadKey);
  EXPECT_EQ(rsa_key(hex(spec_key("ecdsa").public_message.substr(8))).error().code(), ErrorCode::BadKey);
}

TEST(RsaKeyTest, private_key_is_checked) {
  const ByteVector der = hex(vectors::kGoFixtures[0].private_message.substr(10));
  ASSERT_TRUE(PrivateKey::from_data(KeyType::Rsa, der));
  for (const std::size_t place : {20ul, 300ul, 700ul, der.size() - 1}) {  // modulus, private exponent, prime, inverse
    ByteVector changed = der;
    changed[place] ^= 2;
    EXPECT_EQ(private_error(KeyType::Rsa, changed), ErrorCode::BadKey) << place;
  }
  ByteVector longer = der;
  longer.push_back(0);
  EXPECT_EQ(private_error(KeyType::Rsa, longer), ErrorCode::BadKey);
  EXPECT_EQ(private_error(KeyType::Rsa, Bytes(der).first(100)), ErrorCode::BadKey);
  EXPECT_EQ(private_error(KeyType::Rsa, ByteVector(4801)), ErrorCode::TooLarge);
}

TEST(RsaKeyTest, generated_size_is_bounded) {
  const auto error = [](unsigned bits) {
    return PrivateKey::generate(KeyType::Rsa, system_random(), bits).error().code();
  };
  EXPECT_EQ(error(1024), ErrorCode::InvalidArgument);
  EXPECT_EQ(error(2047), ErrorCode::InvalidArgument);
  EXPECT_EQ(error(8193), ErrorCode::InvalidArgument);
  EXPECT_EQ(PrivateKey::generate(KeyType::Rsa, system_random(), 3072)->sign({})->size(), 384u);
}

TEST(KeyErrorsTest, openssl_queue_is_left_empty) {
  (void)rsa_key(ByteVector(300, 0x30));
  (void)PublicKey::from_data(KeyType::Secp256k1, ByteVector(33, 2));
  (void)spec_private("secp256k1").public_key().verify({}, ByteVector(70, 0x30));
  (void)PrivateKey::from_data(KeyType::Rsa, ByteVector(300, 0x30));
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(WipeTest, overwrites) {
  ByteVector secret(100, 7);
  wipe(secret);
  EXPECT_EQ(secret, ByteVector(100));
  wipe({});
  {
    const WipeOnExit guard(secret);
    secret.assign(100, 8);
  }
  EXPECT_EQ(secret, ByteVector(100));
}

TEST(SecretBytesTest, moves_and_never_grows) {
  SecretBytes secret(as_bytes("secret"));
  EXPECT_EQ(secret.size(), 6u);
  SecretBytes moved(std::move(secret));
  EXPECT_EQ(as_text(moved.view()), "secret");
  SecretBytes assigned(std::size_t{3});
  assigned = std::move(moved);
  EXPECT_EQ(as_text(assigned.view()), "secret");
  EXPECT_TRUE(SecretBytes().empty());
}

}  // namespace
}  // namespace starling::crypto
