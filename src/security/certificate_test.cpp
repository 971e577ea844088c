#include "starling/security/certificate.hpp"

#include <gtest/gtest.h>

#include "security/tls_certificate.hpp"
#include "starling/base/random.hpp"
#include "starling/crypto/hash.hpp"

namespace starling::security {
namespace {

const crypto::PrivateKey& identity() {
  static const auto random = seeded_random(1);
  static const auto key = *crypto::PrivateKey::generate(crypto::KeyType::Ed25519, *random);
  return key;
}

bool verifies(const CertificateDer& made, Bytes message, Bytes signature) {
  const unsigned char* at = made.certificate.data();
  const X509Ptr certificate(d2i_X509(nullptr, &at, long(made.certificate.size())));
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_DigestVerifyInit(context, nullptr, EVP_sha256(), nullptr, X509_get0_pubkey(certificate.get()));
  const int good = EVP_DigestVerify(context, signature.data(), signature.size(), message.data(), message.size());
  EVP_MD_CTX_free(context);
  return good == 1;
}

TEST(CertificateKeyTest, what_it_signs_is_signed_by_the_certificate) {
  const CertificateDer made = make_certificate_der(identity()).value();
  CertificateKey key = CertificateKey::from_der(made.private_key).value();
  for (const std::string_view message : {"one", "another"}) {
    const auto signature = key.sign_digest(crypto::sha256(as_bytes(message)));
    ASSERT_TRUE(signature);
    EXPECT_TRUE(verifies(made, as_bytes(message), *signature));
    EXPECT_FALSE(verifies(made, as_bytes("a third"), *signature));
  }
}

TEST(CertificateKeyTest, what_is_no_key_is_refused) {
  EXPECT_EQ(CertificateKey::from_der({}).error(), ErrorCode::BadKey);
  const CertificateDer made = make_certificate_der(identity()).value();
  EXPECT_EQ(CertificateKey::from_der(made.certificate).error(), ErrorCode::BadKey);
  EXPECT_EQ(CertificateKey::from_der(Bytes(made.private_key).first(20)).error(), ErrorCode::BadKey);
}

}  // namespace
}  // namespace starling::security
