#include "starling/security/verified_signatures.hpp"

#include <gtest/gtest.h>

namespace starling::security {
namespace {

crypto::Sha256Digest digest_of(std::size_t number) {
  std::uint8_t bytes[4];
  put_u32_be(bytes, std::uint32_t(number));
  return crypto::sha256(bytes);
}

TEST(VerifiedSignatures, the_oldest_makes_room) {
  VerifiedSignatures verified;
  for (std::size_t i = 0; i < VerifiedSignatures::kCapacity; ++i) verified.insert(digest_of(i));
  EXPECT_TRUE(verified.contains(digest_of(0)));
  verified.insert(digest_of(VerifiedSignatures::kCapacity));
  EXPECT_EQ(verified.size(), VerifiedSignatures::kCapacity);
  EXPECT_FALSE(verified.contains(digest_of(0)));
  EXPECT_TRUE(verified.contains(digest_of(1)));
  EXPECT_TRUE(verified.contains(digest_of(VerifiedSignatures::kCapacity)));
}

}  // namespace
}  // namespace starling::security
