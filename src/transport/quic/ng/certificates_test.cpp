// Certificates that break libp2p's rules, on either side of a handshake between two engines. The rules themselves are
// tested one by one, with the spec's test vectors, beside security/tls_certificate.
#include <gtest/gtest.h>
#include <openssl/x509v3.h>

#include <functional>

#include "security/tls_certificate.hpp"
#include "transport/quic/ng/session_testing.hpp"

namespace starling::transport::quic {
namespace {

using namespace starling::testing;
using security::CertificateDer;
using security::TlsCertificate;

CertificateDer to_der(const TlsCertificate& made) {
  unsigned char *certificate = nullptr, *key = nullptr;
  const int certificate_size = i2d_X509(made.certificate.get(), &certificate);
  const int key_size = i2d_PrivateKey(made.key.get(), &key);
  CertificateDer der{{certificate, certificate + certificate_size}, {key, key + key_size}};
  OPENSSL_free(certificate);
  OPENSSL_free(key);
  return der;
}

/// A certificate of key 7 that `spoil` changed and that was signed again.
CertificateDer spoiled(const std::function<void(X509&)>& spoil) {
  TlsCertificate made = std::move(*security::make_libp2p_certificate(test_key(7)));
  spoil(*made.certificate);
  EXPECT_GT(X509_sign(made.certificate.get(), made.key.get(), EVP_sha256()), 0);
  return to_der(made);
}

void remove_extension(X509& certificate) { X509_EXTENSION_free(X509_delete_ext(&certificate, 0)); }

void take_anothers_extension(X509& certificate) {
  const TlsCertificate other = std::move(*security::make_libp2p_certificate(test_key(8)));
  remove_extension(certificate);
  X509_add_ext(&certificate, X509_get_ext(other.certificate.get(), 0), -1);
}

void expire(X509& certificate) { ASN1_TIME_set(X509_getm_notAfter(&certificate), kUnixNow - 10); }
void begin_tomorrow(X509& certificate) { ASN1_TIME_set(X509_getm_notBefore(&certificate), kUnixNow + 86'400); }

void add_critical_extension(X509& certificate) {
  X509_EXTENSION* unknown = X509V3_EXT_conf_nid(nullptr, nullptr, NID_policy_constraints,
                                                const_cast<char*>("critical,requireExplicitPolicy:3"));
  X509_add_ext(&certificate, unknown, -1);
  X509_EXTENSION_free(unknown);
}

CertificateDer broken_self_signature() {
  CertificateDer der = to_der(*security::make_libp2p_certificate(test_key(7)));
  der.certificate.back() ^= 1;
  return der;
}

struct Case {
  std::string name;
  std::function<std::optional<CertificateDer>()> make;
};

class QuicCertificates : public SessionPair, public ::testing::WithParamInterface<Case> {};

TEST_P(QuicCertificates, a_server_that_shows_it_is_refused_and_told_so) {
  const auto good = engine(security::make_certificate_der(test_key(1)).value());
  const auto bad = engine(GetParam().make());
  shake_hands(*good, *bad);
  ASSERT_NE(client_.session->ended(), nullptr);
  EXPECT_FALSE(client_.session->established());
  EXPECT_EQ(client_.session->ended()->error->op(), Op::Secure);
  // A server without a certificate gives up by itself, and says so.
  const bool none = GetParam().name == "none";
  EXPECT_EQ(client_.session->ended()->error->code(), none ? ErrorCode::HandshakeFailed : ErrorCode::BadCertificate)
      << client_.session->ended()->error->message();
  EXPECT_FALSE(server_.session->established());
  ASSERT_NE(server_.session->ended(), nullptr);
}

TEST_P(QuicCertificates, a_client_that_shows_it_is_refused_and_told_so) {
  const auto good = engine(security::make_certificate_der(test_key(1)).value());
  const auto bad = engine(GetParam().make());
  shake_hands(*bad, *good);
  ASSERT_NE(server_.session->ended(), nullptr);
  EXPECT_FALSE(server_.session->established());
  EXPECT_EQ(server_.session->ended()->error->code(), ErrorCode::BadCertificate)
      << server_.session->ended()->error->message();
  ASSERT_NE(client_.session->ended(), nullptr);
  EXPECT_EQ(*client_.session->ended()->error, ErrorCode::HandshakeFailed);
}

INSTANTIATE_TEST_SUITE_P(
    Broken, QuicCertificates,
    ::testing::Values(Case{"none", [] { return std::nullopt; }},
                      Case{"without_the_extension", [] { return spoiled(remove_extension); }},
                      Case{"with_anothers_extension", [] { return spoiled(take_anothers_extension); }},
                      Case{"expired", [] { return spoiled(expire); }},
                      Case{"not_valid_yet", [] { return spoiled(begin_tomorrow); }},
                      Case{"with_an_unknown_critical_extension", [] { return spoiled(add_critical_extension); }},
                      Case{"with_a_broken_self_signature", [] { return broken_self_signature(); }}),
    [](const auto& info) { return info.param.name; });

class QuicHandshake : public SessionPair {};

TEST_F(QuicHandshake, good_certificates_prove_who_both_are) {
  const auto one = engine(security::make_certificate_der(test_key(1)).value());
  const auto two = engine(security::make_certificate_der(test_key(2)).value());
  shake_hands(*one, *two, peer_of(test_key(2)));
  ASSERT_TRUE(client_.session->established() && server_.session->established());
  EXPECT_EQ(client_.session->remote_peer(), peer_of(test_key(2)));
  EXPECT_EQ(server_.session->remote_peer(), peer_of(test_key(1)));
}

TEST_F(QuicHandshake, every_type_of_identity_serves) {
  for (const auto type :
       {crypto::KeyType::Ed25519, crypto::KeyType::Secp256k1, crypto::KeyType::Ecdsa, crypto::KeyType::Rsa}) {
    const auto key = crypto::PrivateKey::generate(type, *random_).value();
    const auto one = engine(security::make_certificate_der(key).value());
    const auto two = engine(security::make_certificate_der(test_key(2)).value());
    client_.session.reset();
    server_.session.reset();
    shake_hands(*one, *two);
    ASSERT_TRUE(client_.session->established() && server_.session->established()) << crypto::to_string(type);
    EXPECT_EQ(server_.session->remote_peer(), PeerId::from_public_key(key.public_key()));
  }
}

}  // namespace
}  // namespace starling::transport::quic
