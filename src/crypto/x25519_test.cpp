#include "starling/crypto/x25519.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

namespace starling::crypto {
namespace {

X25519Bytes hex(std::string_view text) {
  X25519Bytes bytes;
  std::ranges::copy(from_hex(text).value(), bytes.begin());
  return bytes;
}
std::string agree(const X25519Bytes& secret, const X25519Bytes& point) {
  return to_hex(X25519KeyPair::from_secret(secret).shared_secret(point).value());
}

// RFC 7748, section 5.2; the second point has its top bit set, which is ignored.
TEST(X25519Test, rfc7748_vectors) {
  EXPECT_EQ(agree(hex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
                  hex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")),
            "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
  EXPECT_EQ(agree(hex("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d"),
                  hex("e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493")),
            "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957");
}

// RFC 7748, section 5.2, iterated
TEST(X25519Test, rfc7748_iterations) {
  X25519Bytes k = hex("0900000000000000000000000000000000000000000000000000000000000000"), u = k;
  for (int i = 1; i <= 1000; ++i) {
    const X25519Bytes result = X25519KeyPair::from_secret(k).shared_secret(u).value();
    u = std::exchange(k, result);
    if (i == 1) {
      EXPECT_EQ(to_hex(k), "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
    }
  }
  EXPECT_EQ(to_hex(k), "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}

// RFC 7748, section 6.1
TEST(X25519Test, rfc7748_agreement) {
  const auto alice =
      X25519KeyPair::from_secret(hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"));
  const auto bob = X25519KeyPair::from_secret(hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
  EXPECT_EQ(to_hex(alice.public_key()), "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  EXPECT_EQ(to_hex(bob.public_key()), "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  constexpr std::string_view kShared = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
  EXPECT_EQ(to_hex(alice.shared_secret(bob.public_key()).value()), kShared);
  EXPECT_EQ(to_hex(bob.shared_secret(alice.public_key()).value()), kShared);
}

TEST(X25519Test, both_sides_agree) {
  const auto random = seeded_random(1);
  for (int i = 0; i < 50; ++i) {
    const auto a = X25519KeyPair::generate(*random), b = X25519KeyPair::generate(*random);
    EXPECT_NE(a.public_key(), b.public_key());
    EXPECT_EQ(a.shared_secret(b.public_key()).value(), b.shared_secret(a.public_key()).value());
  }
}

TEST(X25519Test, seeded_generation_repeats) {
  EXPECT_EQ(X25519KeyPair::generate(*seeded_random(5)).public_key(),
            X25519KeyPair::generate(*seeded_random(5)).public_key());
}

// The points whose order divides 8: every result would be zero. From RFC 7748, section 7, and its references.
TEST(X25519Test, points_of_small_order_are_refused) {
  const auto pair = X25519KeyPair::generate(*seeded_random(1));
  for (const std::string_view point : {"0000000000000000000000000000000000000000000000000000000000000000",
                                       "0100000000000000000000000000000000000000000000000000000000000000",
                                       "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
                                       "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
                                       "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                       "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                       "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"})
    EXPECT_EQ(pair.shared_secret(hex(point)).error().code(), ErrorCode::BadKey) << point;
}

TEST(X25519Test, point_of_another_size_is_refused) {
  const auto pair = X25519KeyPair::generate(*seeded_random(1));
  const ByteVector point(33, 9);
  EXPECT_FALSE(pair.shared_secret({}));
  EXPECT_FALSE(pair.shared_secret(Bytes(point).first(31)));
  EXPECT_FALSE(pair.shared_secret(point));
}

TEST(X25519Test, pair_moves) {
  auto pair = X25519KeyPair::generate(*seeded_random(1));
  const X25519Bytes public_key = pair.public_key();
  X25519KeyPair moved(std::move(pair));
  auto assigned = X25519KeyPair::generate(*seeded_random(2));
  assigned = std::move(moved);
  EXPECT_EQ(assigned.public_key(), public_key);
  EXPECT_EQ(X25519KeyPair::from_secret(assigned.secret()).public_key(), public_key);
}

}  // namespace
}  // namespace starling::crypto
