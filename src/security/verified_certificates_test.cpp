#include "starling/security/verified_certificates.hpp"

#include <gtest/gtest.h>

#include "security/security_test_support.hpp"
#include "security/tls_certificate.hpp"

namespace starling::security {
namespace {

crypto::Sha256Digest digest_of(std::size_t number) {
  std::uint8_t bytes[4];
  put_u32_be(bytes, std::uint32_t(number));
  return crypto::sha256(bytes);
}

VerifiedCertificate some_certificate() {
  const auto& identity = testing::test_key(crypto::KeyType::Ed25519);
  return {.certificate = make_libp2p_certificate(identity).value().certificate, .host_key = identity.public_key()};
}

TEST(VerifiedCertificates, what_is_found_is_the_same_certificate) {
  VerifiedCertificates verified;
  const VerifiedCertificate good = some_certificate();
  verified.insert(digest_of(1), good);
  const auto found = verified.find(digest_of(1));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->certificate.get(), good.certificate.get());
  EXPECT_EQ(found->host_key, good.host_key);
  EXPECT_FALSE(verified.find(digest_of(2)));
}

TEST(VerifiedCertificates, the_oldest_makes_room) {
  VerifiedCertificates verified;
  const VerifiedCertificate good = some_certificate();
  for (std::size_t i = 0; i < VerifiedCertificates::kCapacity; ++i) verified.insert(digest_of(i), good);
  EXPECT_TRUE(verified.find(digest_of(0)));
  verified.insert(digest_of(VerifiedCertificates::kCapacity), good);
  EXPECT_EQ(verified.size(), VerifiedCertificates::kCapacity);
  EXPECT_FALSE(verified.find(digest_of(0)));
  EXPECT_TRUE(verified.find(digest_of(1)));
  EXPECT_TRUE(verified.find(digest_of(VerifiedCertificates::kCapacity)));
}

}  // namespace
}  // namespace starling::security
