#include "starling/peer/peer_id.hpp"

#include <gtest/gtest.h>

#include <unordered_set>

#include "crypto/key_vectors.hpp"
#include "starling/multiformats/multibase.hpp"

namespace starling {
namespace {

using crypto::KeyType;
using crypto::PrivateKey;
namespace vectors = crypto::vectors;

ByteVector hex(std::string_view text) { return from_hex(text).value(); }

PrivateKey key_of(KeyType type, std::uint64_t seed = 1) {
  return PrivateKey::generate(type, *seeded_random(seed)).value();
}

ErrorCode error_of(Bytes multihash) { return PeerId::from_bytes(multihash).error().code(); }
ErrorCode error_of(std::string_view text) { return PeerId::from_string(text).error().code(); }

TEST(PeerIdTest, go_vector) {
  const PrivateKey key = PrivateKey::from_protobuf(hex(vectors::kGoPeerKey)).value();
  const PeerId id = PeerId::from_public_key(key.public_key());
  EXPECT_EQ(id.to_string(), vectors::kGoPeerId);
  EXPECT_EQ(PeerId::from_string(vectors::kGoPeerId).value(), id);
  EXPECT_FALSE(id.public_key());
}

TEST(PeerIdTest, specification_examples_parse) {
  const PeerId cid = PeerId::from_string("bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe").value();
  const PeerId bare = PeerId::from_string("QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N").value();
  EXPECT_EQ(cid, bare);
  EXPECT_EQ(bare.to_cid_string(), "bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe");
  EXPECT_EQ(cid.to_string(), "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N");
  const PeerId ed25519 = PeerId::from_string("12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA").value();
  ASSERT_TRUE(ed25519.public_key());
  EXPECT_EQ(ed25519.public_key()->type(), KeyType::Ed25519);
  EXPECT_TRUE(ed25519.matches(*ed25519.public_key()));
}

TEST(PeerIdTest, small_keys_are_inline_and_large_ones_hashed) {
  for (const KeyType type : {KeyType::Ed25519, KeyType::Secp256k1, KeyType::Ecdsa, KeyType::Rsa}) {
    SCOPED_TRACE(to_string(type));
    const auto key = key_of(type).public_key();
    const PeerId id = PeerId::from_public_key(key);
    const bool is_inline = key.to_protobuf().size() <= PeerId::kMaxInlineKey;
    EXPECT_EQ(is_inline, type == KeyType::Ed25519 || type == KeyType::Secp256k1);
    EXPECT_EQ(id.public_key().has_value(), is_inline);
    if (is_inline) {
      EXPECT_EQ(*id.public_key(), key);
    }
    EXPECT_TRUE(id.matches(key));
  }
}

TEST(PeerIdTest, every_form_comes_back) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    for (const KeyType type : {KeyType::Ed25519, KeyType::Secp256k1, KeyType::Ecdsa}) {
      const PeerId id = PeerId::from_public_key(key_of(type, seed).public_key());
      EXPECT_EQ(PeerId::from_bytes(id.bytes()).value(), id);
      EXPECT_EQ(PeerId::from_string(id.to_string()).value(), id);
      EXPECT_EQ(PeerId::from_string(id.to_cid_string()).value(), id);
    }
  }
}

TEST(PeerIdTest, cid_comes_in_any_multibase) {
  const PeerId id = PeerId::from_public_key(key_of(KeyType::Secp256k1).public_key());
  ByteVector cid{0x01, 0x72};
  append(cid, id.bytes());
  for (const Multibase base : {Multibase::Base2, Multibase::Base8, Multibase::Base10, Multibase::Base16,
                               Multibase::Base32Upper, Multibase::Base36, Multibase::Base58Btc, Multibase::Base64Url})
    EXPECT_EQ(PeerId::from_string(multibase_encode(base, cid)).value(), id) << to_string(base);
}

TEST(PeerIdTest, default_is_no_peer) {
  const PeerId id;
  EXPECT_TRUE(id.empty());
  EXPECT_TRUE(id.bytes().empty());
  EXPECT_EQ(id.to_string(), "");
  EXPECT_FALSE(id.public_key());
  EXPECT_FALSE(id.matches(key_of(KeyType::Ed25519).public_key()));
}

TEST(PeerIdTest, inline_keys_are_bounded_at_42_bytes) {
  ByteVector multihash(44, 0xaa);
  multihash[0] = 0;
  multihash[1] = 42;
  EXPECT_TRUE(PeerId::from_bytes(multihash));
  EXPECT_EQ(PeerId::from_bytes(multihash)->bytes().size(), PeerId::kMaxSize);
  EXPECT_FALSE(PeerId::from_bytes(multihash)->public_key()) << "not a key, but an id all the same";
  multihash[1] = 43;
  multihash.push_back(0);
  EXPECT_EQ(error_of(multihash), ErrorCode::TooLarge);
}

TEST(PeerIdTest, other_multihashes_are_refused) {
  EXPECT_EQ(error_of(Bytes{}), ErrorCode::Truncated);
  EXPECT_EQ(error_of(hex("12")), ErrorCode::Truncated);
  EXPECT_EQ(error_of(hex("1220aa")), ErrorCode::Truncated);
  EXPECT_EQ(error_of(hex("0002aa")), ErrorCode::Truncated);
  EXPECT_EQ(error_of(hex("0001aabb")), ErrorCode::TrailingData);
  EXPECT_EQ(error_of(hex("1114" + std::string(40, '0'))), ErrorCode::UnknownCode) << "sha1";
  EXPECT_EQ(error_of(hex("121f" + std::string(62, '0'))), ErrorCode::Malformed) << "cut digest";
  EXPECT_EQ(error_of(hex("800001aa")), ErrorCode::NotCanonical);
  EXPECT_EQ(error_of(hex("12a000" + std::string(64, '0'))), ErrorCode::NotCanonical);
}

TEST(PeerIdTest, other_texts_are_refused) {
  EXPECT_EQ(error_of(""), ErrorCode::Truncated);
  EXPECT_EQ(error_of("Qm0"), ErrorCode::Malformed) << "0 is no base58 digit";
  EXPECT_EQ(error_of("1"), ErrorCode::Truncated);
  EXPECT_EQ(error_of("?"), ErrorCode::UnknownCode);
  EXPECT_EQ(error_of(std::string(513, 'b')), ErrorCode::TooLarge);
  const std::string digest = "1220" + std::string(64, '0');
  EXPECT_EQ(error_of("f0155" + digest), ErrorCode::Malformed) << "a CID of raw bytes";
  EXPECT_EQ(error_of("f0272" + digest), ErrorCode::Malformed) << "CID version 2";
  EXPECT_EQ(error_of("f01"), ErrorCode::Truncated);
  EXPECT_EQ(error_of("f0172" + digest + "00"), ErrorCode::TrailingData);
  EXPECT_TRUE(PeerId::from_string("f0172" + digest));
}

TEST(PeerIdTest, is_a_value) {
  const PeerId a = PeerId::from_public_key(key_of(KeyType::Ed25519, 1).public_key());
  const PeerId b = PeerId::from_public_key(key_of(KeyType::Ed25519, 2).public_key());
  EXPECT_NE(a, b);
  EXPECT_NE(a < b, b < a);
  EXPECT_LT(PeerId(), a);
  const std::unordered_set<PeerId> set{a, b, a};
  EXPECT_EQ(set.size(), 2u);
}

}  // namespace
}  // namespace starling
