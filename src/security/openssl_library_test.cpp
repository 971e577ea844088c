#include "security/openssl_library.hpp"

#include <gtest/gtest.h>
#include <openssl/rsa.h>

#include "security/openssl_handles.hpp"
#include "starling/base/bytes.hpp"

namespace starling::security {
namespace {

constexpr int kRsaBits = 2048;

/// The SubjectPublicKeyInfo of a key made in OpenSSL's default context.
ByteVector encoded_key(EvpKeyPtr key) {
  ByteVector der(std::size_t(i2d_PUBKEY(key.get(), nullptr)), 0);
  unsigned char* at = der.data();
  i2d_PUBKEY(key.get(), &at);
  return der;
}

EvpKeyPtr make_rsa(const char* type) {
  const std::unique_ptr<EVP_PKEY_CTX, OpensslFree<EVP_PKEY_CTX_free>> context(
      EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  EVP_PKEY_keygen_init(context.get());
  EVP_PKEY_CTX_set_rsa_keygen_bits(context.get(), kRsaBits);
  EVP_PKEY_generate(context.get(), &key);
  return EvpKeyPtr(key);
}

EvpKeyPtr decode(const ByteVector& der, OSSL_LIB_CTX* library = certificate_library()) {
  const unsigned char* at = der.data();
  return EvpKeyPtr(d2i_PUBKEY_ex(nullptr, &at, long(der.size()), library, nullptr));
}

TEST(OpensslLibrary, every_key_that_a_certificate_may_have_decodes) {
  ASSERT_NE(certificate_library(), nullptr);
  EXPECT_TRUE(decode(encoded_key(EvpKeyPtr(EVP_EC_gen("P-256")))));
  EXPECT_TRUE(decode(encoded_key(EvpKeyPtr(EVP_EC_gen("P-384")))));
  EXPECT_TRUE(decode(encoded_key(EvpKeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")))));
  EXPECT_TRUE(decode(encoded_key(make_rsa("RSA"))));
  EXPECT_TRUE(decode(encoded_key(make_rsa("RSA-PSS"))));
}

TEST(OpensslLibrary, a_handshake_decodes_none) {
  ASSERT_NE(tls_library(), nullptr);
  EXPECT_FALSE(decode(encoded_key(EvpKeyPtr(EVP_EC_gen("P-256"))), tls_library()));
}

TEST(OpensslLibrary, other_keys_do_not) {
  EXPECT_FALSE(decode(encoded_key(EvpKeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED448")))));
  EXPECT_FALSE(decode(encoded_key(EvpKeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "X448")))));
}

TEST(OpensslLibrary, knows_the_ciphers_of_tls_and_no_others) {
  using CipherPtr = std::unique_ptr<EVP_CIPHER, OpensslFree<EVP_CIPHER_free>>;
  const auto has = [](const char* name) {
    return CipherPtr(EVP_CIPHER_fetch(tls_library(), name, nullptr)) != nullptr;
  };
  EXPECT_TRUE(has("AES-128-GCM"));
  EXPECT_TRUE(has("AES-256-GCM"));
  EXPECT_TRUE(has("ChaCha20-Poly1305"));
  EXPECT_FALSE(has("AES-128-CBC"));
}

}  // namespace
}  // namespace starling::security
