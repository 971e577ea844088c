#include "security/tls_certificate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <chrono>

#include "security/security_test_support.hpp"
#include "security/tls_certificate_signature.hpp"
#include "security/tls_extension.hpp"

namespace starling::security {
namespace {

using crypto::KeyType;
using testing::peer_of;
using testing::test_key;

// spec: tls/tls.md, Test vectors 1 to 4.
constexpr std::string_view kEd25519 =
    "308201ae30820156a0030201020204499602d2300a06082a8648ce3d040302302031123010060355040a13096c69627032702e696f310a30"
    "0806035504051301313020170d3735303130313133303030305a180f34303936303130313133303030305a302031123010060355040a1309"
    "6c69627032702e696f310a300806035504051301313059301306072a8648ce3d020106082a8648ce3d030107034200040c901d423c831ca8"
    "5e27c73c263ba132721bb9d7a84c4f0380b2a6756fd601331c8870234dec878504c174144fa4b14b66a651691606d8173e55bd37e381569e"
    "a37c307a3078060a2b0601040183a25a0101046a3068042408011220a77f1d92fedb59dddaea5a1c4abd1ac2fbde7d7b879ed36450180992"
    "3d7c11b90440d90d2769db992d5e6195dbb08e706b6651e024fda6cfb8846694a435519941cac215a8207792e42849cccc6cd8136c6e4bde"
    "92a58c5e08cfd4206eb5fe0bf909300a06082a8648ce3d0403020346003043021f50f6b6c52711a881778718238f650c9fb48943ae6ee6d2"
    "8427dc6071ae55e702203625f116a7a454db9c56986c82a25682f7248ea1cb764d322ea983ed36a31b77";
constexpr std::string_view kEcdsa =
    "308201f63082019da0030201020204499602d2300a06082a8648ce3d040302302031123010060355040a13096c69627032702e696f310a30"
    "0806035504051301313020170d3735303130313133303030305a180f34303936303130313133303030305a302031123010060355040a1309"
    "6c69627032702e696f310a300806035504051301313059301306072a8648ce3d020106082a8648ce3d030107034200040c901d423c831ca8"
    "5e27c73c263ba132721bb9d7a84c4f0380b2a6756fd601331c8870234dec878504c174144fa4b14b66a651691606d8173e55bd37e381569e"
    "a381c23081bf3081bc060a2b0601040183a25a01010481ad3081aa045f0803125b3059301306072a8648ce3d020106082a8648ce3d030107"
    "03420004bf30511f909414ebdd3242178fd290f093a551cf75c973155de0bb5a96fedf6cb5d52da7563e794b512f66e60c7f55ba8a3acf3d"
    "d72a801980d205e8a1ad29f2044730450220064ea8124774caf8f50e57f436aa62350ce652418c019df5d98a3ac666c9386a022100aa59d7"
    "04a931b5f72fb9222cb6cc51f954d04a4e2e5450f8805fe8918f71eaae300a06082a8648ce3d04030203470030440220799395b0b6c1e940"
    "a7e4484705f610ab51ed376f19ff9d7c16757cfbf61b8d4302206205c03fbb0f95205c779be86581d3e31c01871ad5d1f3435bcf375cb0e5"
    "088a";
constexpr std::string_view kSecp256k1 =
    "308201ba3082015fa0030201020204499602d2300a06082a8648ce3d040302302031123010060355040a13096c69627032702e696f310a30"
    "0806035504051301313020170d3735303130313133303030305a180f34303936303130313133303030305a302031123010060355040a1309"
    "6c69627032702e696f310a300806035504051301313059301306072a8648ce3d020106082a8648ce3d030107034200040c901d423c831ca8"
    "5e27c73c263ba132721bb9d7a84c4f0380b2a6756fd601331c8870234dec878504c174144fa4b14b66a651691606d8173e55bd37e381569e"
    "a38184308181307f060a2b0601040183a25a01010471306f0425080212210206dc6968726765b820f050263ececf7f71e4955892776c0970"
    "542efd689d2382044630440220145e15a991961f0d08cd15425bb95ec93f6ffa03c5a385eedc34ecf464c7a8ab022026b3109b8a3f40ef83"
    "3169777eb2aa337cfb6282f188de0666d1bcec2a4690dd300a06082a8648ce3d0403020349003046022100e1a217eeef9ec9204b3f774a08"
    "b70849646b6a1e6b8b27f93dc00ed58545d9fe022100b00dafa549d0f03547878338c7b15e7502888f6d45db387e5ae6b5d46899cef0";
constexpr std::string_view kWrongSigner =
    "308201f73082019da0030201020204499602d2300a06082a8648ce3d040302302031123010060355040a13096c69627032702e696f310a30"
    "0806035504051301313020170d3735303130313133303030305a180f34303936303130313133303030305a302031123010060355040a1309"
    "6c69627032702e696f310a300806035504051301313059301306072a8648ce3d020106082a8648ce3d030107034200040c901d423c831ca8"
    "5e27c73c263ba132721bb9d7a84c4f0380b2a6756fd601331c8870234dec878504c174144fa4b14b66a651691606d8173e55bd37e381569e"
    "a381c23081bf3081bc060a2b0601040183a25a01010481ad3081aa045f0803125b3059301306072a8648ce3d020106082a8648ce3d030107"
    "03420004bf30511f909414ebdd3242178fd290f093a551cf75c973155de0bb5a96fedf6cb5d52da7563e794b512f66e60c7f55ba8a3acf3d"
    "d72a801980d205e8a1ad29f204473045022100bb6e03577b7cc7a3cd1558df0da2b117dfdcc0399bc2504ebe7de6f65cade72802206de96e"
    "2a5be9b6202adba24ee0362e490641ac45c240db71fe955f2c5cf8df6e300a06082a8648ce3d0403020348003045022100e847f267f43717"
    "358f850355bdcabbefb2cfbf8a3c043b203a14788a092fe8db022027c1d04a2d41fd6b57a7e8b3989e470325de4406e52e084e34a3fd56ee"
    "f0d0df";
constexpr std::int64_t kNow = 1'800'000'000;        // January 2027
constexpr std::int64_t kNotBefore = 157'766'400;    // 1975-01-01
constexpr std::int64_t kNotAfter = 67'090'118'400;  // 4096-01-01

ByteVector der_of(X509* certificate) { return security::der_of(*certificate).value(); }

Result<crypto::PublicKey> judge(Bytes der, std::int64_t now, VerifiedCertificates& verified) {
  STARLING_TRY(const auto good, verify_libp2p_certificate(der, now, verified));
  EXPECT_NE(X509_get0_pubkey(good->certificate.get()), nullptr) << "a handshake needs it";
  EXPECT_EQ(der_of(good->certificate.get()), to_vector(der));
  return good->host_key;
}

Result<crypto::PublicKey> judge(Bytes der, std::int64_t now = kNow) {
  VerifiedCertificates nothing;
  return judge(der, now, nothing);
}

/// A good certificate that a test then spoils and signs again.
struct Draft {
  TlsCertificate made = make_libp2p_certificate(test_key(KeyType::Ed25519)).value();
  X509* x509 = made.certificate.get();

  Result<crypto::PublicKey> verify(std::int64_t now = kNow) { return judge(der_of(x509), now); }
  Draft& sign(const EVP_MD* digest = EVP_sha256()) {
    EXPECT_GT(X509_sign(x509, made.key.get(), digest), 0);
    return *this;
  }
  /// Another certificate key, and the host key's word for it.
  Draft& use_key(EVP_PKEY* key, bool vouch = true) {
    made.key.reset(key);
    X509_set_pubkey(x509, key);
    if (vouch) vouch_for_key();
    return *this;
  }
  void vouch_for_key() {
    const auto& identity = test_key(KeyType::Ed25519);
    const ByteVector signature = identity.sign(certificate_key_message(*x509).value()).value();
    const ByteVector key = identity.public_key().to_protobuf();
    X509_EXTENSION_free(X509_delete_ext(x509, 0));
    add_extension(kLibp2pExtensionOid, encode_signed_key({.public_key = key, .signature = signature}));
  }
  void add_extension(const char* oid, Bytes value, bool critical = false) {
    ASN1_OBJECT* object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING* octets = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(octets, value.data(), int(value.size()));
    X509_EXTENSION* extension = X509_EXTENSION_create_by_OBJ(nullptr, object, critical, octets);
    X509_add_ext(x509, extension, -1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(octets);
    ASN1_OBJECT_free(object);
  }
};

void expect_bad(const Result<crypto::PublicKey>& result, std::string_view why) {
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), ErrorCode::BadCertificate);
  EXPECT_EQ(result.error().origin(), Origin::Remote);
  EXPECT_THAT(result.error().detail(), ::testing::HasSubstr(why));
}

std::string peer_in(std::string_view hex) {
  const auto key = judge(from_hex(hex).value());
  return key ? PeerId::from_public_key(*key).to_string() : key.error().message();
}

TEST(TlsCertificate, spec_vectors_prove_their_peers) {
  EXPECT_EQ(peer_in(kEd25519), "12D3KooWM6CgA9iBFZmcYAHA6A2qvbAxqfkmrYiRQuz3XEsk4Ksv");
  EXPECT_EQ(peer_in(kEcdsa), "QmfXbAwNjJLXfesgztEHe8HwgVDCMMpZ9Eax1HYq6hn9uE");
  EXPECT_EQ(peer_in(kSecp256k1), "16Uiu2HAkutTMoTzDw1tCvSRtu6YoixJwS46S1ZFxW8hSx9fWHiPs");
}

TEST(TlsCertificate, spec_vector_of_a_wrong_signer_is_refused) {
  const auto key = judge(from_hex(kWrongSigner).value());
  expect_bad(key, "host key's signature");
  ASSERT_NE(key.error().cause(), nullptr);
  EXPECT_EQ(*key.error().cause(), ErrorCode::BadSignature);
}

TEST(TlsCertificate, ours_proves_every_type_of_identity) {
  for (const KeyType type : {KeyType::Ed25519, KeyType::Secp256k1, KeyType::Ecdsa, KeyType::Rsa}) {
    const auto made = make_libp2p_certificate(test_key(type)).value();
    const auto key = judge(der_of(made.certificate.get()));
    ASSERT_TRUE(key) << key.error().message();
    EXPECT_TRUE(*key == test_key(type).public_key());
  }
}

TEST(TlsCertificate, validity_ends_count_as_valid) {
  Draft draft;
  EXPECT_TRUE(draft.verify(kNotBefore));
  EXPECT_TRUE(draft.verify(kNotAfter));
  expect_bad(draft.verify(kNotBefore - 1), "not valid yet");
  expect_bad(draft.verify(kNotAfter + 1), "expired");
}

TEST(TlsCertificate, the_extension_must_be_there_exactly_once) {
  Draft without;
  X509_EXTENSION_free(X509_delete_ext(without.x509, 0));
  expect_bad(without.sign().verify(), "no libp2p extension");
  Draft twice;
  X509_add_ext(twice.x509, X509_get_ext(twice.x509, 0), -1);
  expect_bad(twice.sign().verify(), "two libp2p extensions");
}

TEST(TlsCertificate, the_extension_may_be_critical) {
  Draft draft;
  X509_EXTENSION_set_critical(X509_get_ext(draft.x509, 0), 1);
  EXPECT_TRUE(draft.sign().verify());
}

TEST(TlsCertificate, unknown_extensions_are_refused_only_when_critical) {
  Draft harmless;
  harmless.add_extension("1.2.3.4", as_bytes("x"));
  EXPECT_TRUE(harmless.sign().verify());
  Draft critical;
  critical.add_extension("1.2.3.4", as_bytes("x"), /*critical=*/true);
  expect_bad(critical.sign().verify(), "critical");
}

TEST(TlsCertificate, an_oid_that_begins_like_ours_is_another) {
  Draft draft;
  X509_EXTENSION_free(X509_delete_ext(draft.x509, 0));
  draft.add_extension("1.3.6.1.4.1.53594.1.1.1", as_bytes("x"));
  draft.add_extension("1.3.6.1.4.1.53594.1", as_bytes("x"));
  expect_bad(draft.sign().verify(), "no libp2p extension");
}

TEST(TlsCertificate, the_self_signature_must_hold) {
  Draft draft;
  const EvpKeyPtr stranger(EVP_EC_gen("P-256"));
  X509_sign(draft.x509, stranger.get(), EVP_sha256());
  expect_bad(draft.verify(), "self-signature");
}

TEST(TlsCertificate, the_host_key_must_vouch_for_the_certificate_key) {
  Draft draft;
  expect_bad(draft.use_key(EVP_EC_gen("P-256"), /*vouch=*/false).sign().verify(), "host key's signature");
}

TEST(TlsCertificate, other_certificate_keys_are_accepted) {
  EXPECT_TRUE(Draft().use_key(EVP_EC_gen("P-384")).sign(EVP_sha384()).verify());
  EXPECT_TRUE(Draft().use_key(EVP_RSA_gen(2048)).sign().verify());
  EXPECT_TRUE(Draft().use_key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")).sign(nullptr).verify());
}

TEST(TlsCertificate, weak_certificate_keys_and_signatures_are_refused) {
  expect_bad(Draft().use_key(EVP_RSA_gen(1024)).sign().verify(), "RSA certificate key size");
  expect_bad(Draft().use_key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED448")).sign(nullptr).verify(), "unsupported");
  expect_bad(Draft().sign(EVP_sha1()).verify(), "weak");
}

TEST(TlsCertificate, explicit_curve_parameters_are_refused) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  EVP_PKEY_set_utf8_string_param(key, "encoding", "explicit");
  expect_bad(Draft().use_key(key).sign().verify(), "explicit");
}

TEST(TlsCertificate, a_broken_extension_is_told_with_its_cause) {
  Draft broken;
  X509_EXTENSION_free(X509_delete_ext(broken.x509, 0));
  broken.add_extension(kLibp2pExtensionOid, as_bytes("nonsense"));
  const auto key = broken.sign().verify();
  expect_bad(key, "libp2p extension");
  EXPECT_NE(key.error().cause(), nullptr);

  Draft bad_key;
  X509_EXTENSION_free(X509_delete_ext(bad_key.x509, 0));
  bad_key.add_extension(kLibp2pExtensionOid, encode_signed_key({.public_key = as_bytes("k"), .signature = {}}));
  expect_bad(bad_key.sign().verify(), "host key");
}

TEST(TlsCertificate, one_that_was_verified_before_is_still_judged_by_the_time) {
  const ByteVector der = der_of(Draft().x509);
  VerifiedCertificates verified;
  const auto first = judge(der, kNow, verified);
  ASSERT_TRUE(first);
  EXPECT_EQ(verified.size(), 1u);
  const auto again = judge(der, kNow, verified);
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, *first);
  EXPECT_EQ(verified.size(), 1u);
  expect_bad(judge(der, kNotAfter + 1, verified), "expired");
}

TEST(TlsCertificate, only_good_signatures_are_remembered) {
  Draft draft;
  VerifiedCertificates verified;
  ASSERT_TRUE(judge(der_of(draft.x509), kNow, verified));
  ByteVector wrong_signature = der_of(draft.x509);
  wrong_signature.back() ^= 1;
  const ByteVector not_vouched_for = der_of(draft.use_key(EVP_EC_gen("P-256"), /*vouch=*/false).sign().x509);
  for (int tries = 0; tries < 2; ++tries) {
    expect_bad(judge(wrong_signature, kNow, verified), "self-signature");
    expect_bad(judge(not_vouched_for, kNow, verified), "host key's signature");
  }
  EXPECT_EQ(verified.size(), 1u);
}

TEST(TlsCertificate, a_long_one_is_good_but_not_remembered) {
  Draft draft;
  draft.add_extension("1.2.3.4", ByteVector(kMaxRememberedCertificateBytes, 1));
  const ByteVector der = der_of(draft.sign().x509);
  VerifiedCertificates verified;
  EXPECT_TRUE(judge(der, kNow, verified));
  EXPECT_EQ(verified.size(), 0u);
}

TEST(TlsCertificate, what_is_not_one_certificate_is_refused) {
  Draft draft;
  ByteVector der = der_of(draft.x509);
  for (std::size_t size = 0; size < der.size(); ++size) EXPECT_FALSE(judge(Bytes(der).first(size))) << size;
  der.push_back(0);
  expect_bad(judge(der), "behind");
  der.resize(kMaxCertificateBytes + 1);
  expect_bad(judge(der), "larger");
}

// A flipped bit is refused, or it changed nothing that counts (unused bits of an encoding).
TEST(TlsCertificate, a_flipped_bit_never_proves_another_peer) {
  const ByteVector good = from_hex(kEd25519).value();
  const std::string peer = peer_in(kEd25519);
  std::size_t accepted = 0;
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    ByteVector der = good;
    der[bit / 8] ^= std::uint8_t(1u << (bit % 8));
    const auto key = judge(der);
    if (!key) continue;
    ++accepted;
    EXPECT_EQ(PeerId::from_public_key(*key).to_string(), peer) << bit;
  }
  EXPECT_LE(accepted, 8u);
}

}  // namespace
}  // namespace starling::security
