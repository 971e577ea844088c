// Vectors: multiformats/cid, README; and the data of the tests of go-cid and rust-cid.
#include "starling/multiformats/cid.hpp"

#include <gtest/gtest.h>

#include <unordered_set>

#include "starling/base/random.hpp"

namespace starling {
namespace {

constexpr std::string_view kV0 = "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n";
constexpr std::string_view kRawFoo = "bafkreibme22gw2h7y2h7tg2fhqotaqjucnbc24deqo72b6mkl2egezxhvy";
constexpr std::string_view kFooDigest = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";

ByteVector hex(std::string_view text) { return from_hex(text).value(); }
Cid cid(std::string_view text) { return Cid::from_string(text).value(); }
Multihash sha256_of_foo() { return Multihash::make(Multicodec::Sha2_256, hex(kFooDigest)).value(); }

ErrorCode text_error(std::string_view text) {
  const auto result = Cid::from_string(text);
  return result ? ErrorCode::Internal : result.error().code();
}
ErrorCode bytes_error(std::string_view text) {
  const auto result = Cid::from_bytes(hex(text));
  return result ? ErrorCode::Internal : result.error().code();
}

TEST(Cid, version_0_keeps_its_text_and_means_dag_pb) {
  const Cid v0 = cid(kV0);
  EXPECT_EQ(v0.version(), 0u);
  EXPECT_EQ(v0.codec(), Multicodec::DagPb);
  EXPECT_EQ(v0.bytes().size(), 34u);
  EXPECT_EQ(v0.to_string(), kV0);
  EXPECT_EQ(v0.multihash().function(), Multicodec::Sha2_256);
  EXPECT_EQ(Cid::v0(v0.multihash()).value(), v0);
}

TEST(Cid, version_0_has_no_other_base) {
  EXPECT_EQ(cid(kV0).to_string(Multibase::Base58Btc).value(), kV0);
  EXPECT_EQ(cid(kV0).to_string(Multibase::Base32).error().code(), ErrorCode::InvalidArgument);
  EXPECT_EQ(cid(kV0).to_string(Multibase::Base16Upper).error().code(), ErrorCode::InvalidArgument);
}

TEST(Cid, version_0_in_a_multibase_is_refused) {
  for (const Multibase base : {Multibase::Base58Btc, Multibase::Base32, Multibase::Base16})
    EXPECT_EQ(text_error(multibase_encode(base, cid(kV0).bytes())), ErrorCode::Malformed);
}

TEST(Cid, version_0_with_wrong_characters_is_refused) {
  EXPECT_EQ(text_error("QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zIII"), ErrorCode::Malformed);
}

TEST(Cid, version_0_takes_only_32_bytes_of_sha2_256) {
  for (std::size_t size = 0; size <= 64; ++size) {
    const auto hash = Multihash::make(Multicodec::Sha2_256, ByteVector(size, 7));
    EXPECT_EQ(Cid::v0(*hash).has_value(), size == 32);
  }
  EXPECT_FALSE(Cid::v0(Multihash::make(Multicodec::Sha2_512, ByteVector(32)).value()));
  EXPECT_FALSE(Cid::v0(Multihash()));
}

TEST(Cid, version_1_is_made_from_codec_and_hash) {
  const Cid raw = Cid::v1(Multicodec::Raw, sha256_of_foo()).value();
  EXPECT_EQ(raw.to_string(), kRawFoo);
  EXPECT_EQ(raw.version(), 1u);
  EXPECT_EQ(raw.codec(), Multicodec::Raw);
  EXPECT_EQ(raw.multihash(), sha256_of_foo());
  EXPECT_EQ(raw.to_string(Multibase::Base64).value(), "mAVUSICwmtGto/8aP+ZtFPB0wQTQTQi1wZIO/oPmKXohiZueu");
}

TEST(Cid, the_same_hash_as_version_0) {
  EXPECT_EQ(Cid::v0(sha256_of_foo()).value().to_string(), "QmRJzsvyCQyizr73Gmms8ZRtvNxmgqumxc2KUp71dfEmoj");
}

TEST(Cid, hexadecimal_text_and_base32_name_the_same_content) {
  EXPECT_EQ(cid("f015512209d8453505bdc6f269678e16b3e56c2a2948a41f2c792617cc9611ed363c95b63").to_string(),
            "bafkreie5qrjvaw64n4tjm6hbnm7fnqvcssfed4whsjqxzslbd3jwhsk3mm");
}

TEST(Cid, human_readable_example_of_the_specification) {
  const Cid example = cid("zb2rhe5P4gXftAwvA4eXQ5HJwsER2owDyS9sKaQRRVQPn93bA");
  EXPECT_EQ(example.codec(), Multicodec::Raw);
  EXPECT_EQ(example.multihash().to_string(),
            "sha2-256:6e6ff7950a36187a801613426e858dce686cd7d7e3c0fc42ee0330072d245c95");
}

TEST(Cid, every_base_leads_back_to_the_same_cid) {
  const Cid raw = cid(kRawFoo);
  for (const Multibase base :
       {Multibase::Base2, Multibase::Base8, Multibase::Base10, Multibase::Base16, Multibase::Base32Upper,
        Multibase::Base32HexPad, Multibase::Base32Z, Multibase::Base36, Multibase::Base58Flickr, Multibase::Base64Url,
        Multibase::Base64UrlPad, Multibase::Base256Emoji}) {
    const auto text = raw.to_string(base);
    ASSERT_TRUE(text);
    EXPECT_EQ(cid(*text), raw) << *text;
  }
}

TEST(Cid, cids_are_read_one_after_another_from_a_buffer) {
  constexpr std::string_view kTexts[] = {
      "bafkreie5qrjvaw64n4tjm6hbnm7fnqvcssfed4whsjqxzslbd3jwhsk3mm",
      "k2cwueckqkibutvhkr4p2ln2pjcaxaakpd9db0e7j7ax1lxhhxy3ekpv",
      "Qmf5Qzp6nGBku7CEn2UQx4mgN8TW69YUok36DrGa6NN893",
      "zb2rhZi1JR4eNc2jBGaRYJKYM8JEB4ovenym8L1CmFsRAytkz",
      "bafkqarjpmzuwyzltorxxezjpkvcfgqkfjfbfcvslivje2vchkzdu6rckjjcfgtkolaze6mssjqzeyn2ekrcfatkjku2vowseky3fswkfkm2deqk"
      "rj"
      "u3e2",
  };
  ByteVector buffer;
  for (const auto text : kTexts) append(buffer, cid(text).bytes());
  Bytes rest = buffer;
  for (const auto text : kTexts) {
    const auto next = Cid::read_prefix(rest);
    ASSERT_TRUE(next);
    EXPECT_EQ(*next, cid(text));
    rest = rest.subspan(next->bytes().size());
  }
  EXPECT_TRUE(rest.empty());
}

TEST(Cid, versions_convert_into_each_other) {
  const Cid v0 = cid("QmTPcW343HGMdoxarwvHHoPhkbo5GfNYjnZkyW5DBtpvLe");
  EXPECT_EQ(v0.to_v1().to_string(), "bafybeiclbsxcvqpfliqcejqz5ghpvw4r7vktjkyk3ruvjvdmam5azct2v4");
  EXPECT_EQ(v0.to_v1().to_v0().value(), v0);
  EXPECT_EQ(v0.to_v0().value(), v0);
  const Cid cbor = cid("bafyreibjo4xmgaevkgud7mbifn3dzp4v4lyaui4yvqp3f2bqwtxcjrdqg4");
  EXPECT_EQ(cbor.to_v1(), cbor);
  EXPECT_EQ(cbor.to_v0().error().code(), ErrorCode::InvalidArgument);
  const auto sha512 = Multihash::make(Multicodec::Sha2_512, ByteVector(64)).value();
  EXPECT_FALSE(Cid::v1(Multicodec::DagPb, sha512).value().to_v0());
}

TEST(Cid, other_versions_are_refused) {
  EXPECT_EQ(bytes_error("007012121212121212121212"), ErrorCode::UnknownCode);
  EXPECT_EQ(bytes_error("0255122000"), ErrorCode::UnknownCode);
  EXPECT_EQ(bytes_error("0355122000"), ErrorCode::UnknownCode);
  EXPECT_EQ(bytes_error("1201aa"), ErrorCode::UnknownCode);
  EXPECT_EQ(bytes_error("ffffffff00065500"), ErrorCode::NotCanonical);
}

TEST(Cid, unfinished_bytes_are_truncated) {
  EXPECT_EQ(bytes_error("122000"), ErrorCode::Truncated);
  EXPECT_EQ(bytes_error("1220"), ErrorCode::Truncated);
  const Cid raw = cid(kRawFoo), v0 = cid(kV0);
  for (std::size_t size = 0; size < raw.bytes().size(); ++size)
    EXPECT_EQ(Cid::from_bytes(raw.bytes().first(size)).error().code(), ErrorCode::Truncated);
  for (std::size_t size = 2; size < v0.bytes().size(); ++size)
    EXPECT_EQ(Cid::from_bytes(v0.bytes().first(size)).error().code(), ErrorCode::Truncated);
}

TEST(Cid, long_forms_of_numbers_are_refused) {
  EXPECT_EQ(bytes_error("018000"), ErrorCode::NotCanonical);
  EXPECT_EQ(bytes_error("01558000"), ErrorCode::NotCanonical);
}

TEST(Cid, trailing_bytes_are_refused) {
  for (const std::string_view text : {kRawFoo, kV0}) {
    ByteVector bytes = to_vector(cid(text).bytes());
    bytes.push_back(0);
    EXPECT_EQ(Cid::from_bytes(bytes).error().code(), ErrorCode::TrailingData);
  }
}

TEST(Cid, texts_that_are_no_cid_are_refused) {
  EXPECT_EQ(text_error(""), ErrorCode::Truncated);
  EXPECT_EQ(text_error("b"), ErrorCode::Truncated);
  EXPECT_EQ(text_error("1"), ErrorCode::UnknownCode);
  EXPECT_EQ(text_error("/ipfs/" + std::string(kV0)), ErrorCode::UnknownCode);
  EXPECT_EQ(text_error("b" + std::string(Cid::kMaxTextSize, 'a')), ErrorCode::TooLarge);
}

TEST(Cid, the_largest_cid_fits_the_text_bound_in_base2) {
  const auto hash = Multihash::make(Multicodec(INT64_MAX), ByteVector(Multihash::kMaxDigestSize)).value();
  const Cid largest = Cid::v1(Multicodec(INT64_MAX), hash).value();
  EXPECT_EQ(cid(largest.to_string(Multibase::Base2).value()), largest);
  EXPECT_FALSE(Cid::v1(Multicodec(std::uint64_t{1} << 63), hash));
}

TEST(Cid, random_cids_round_trip) {
  const auto random = seeded_random(5);
  for (int i = 0; i < 1000; ++i) {
    ByteVector digest(random->below(Multihash::kMaxDigestSize + 1));
    random->fill(digest);
    const auto hash = Multihash::make(Multicodec(random->next_u64() >> (1 + random->below(63))), digest).value();
    const Cid made = Cid::v1(Multicodec(random->next_u64() >> (1 + random->below(63))), hash).value();
    EXPECT_EQ(Cid::from_bytes(made.bytes()).value(), made);
    EXPECT_EQ(cid(made.to_string()), made);
    EXPECT_EQ(made.multihash(), hash);
  }
}

TEST(Cid, empty_is_no_cid) {
  EXPECT_TRUE(Cid().empty());
  EXPECT_EQ(Cid().to_string(), "");
  EXPECT_TRUE(Cid().multihash().empty());
  EXPECT_TRUE(Cid().to_v1().empty());
  EXPECT_FALSE(Cid::v1(Multicodec::Raw, Multihash()));
}

TEST(Cid, orders_and_hashes_by_its_bytes) {
  const std::unordered_set<Cid> set = {cid(kV0), cid(kRawFoo), cid(kV0).to_v1(), cid(kV0)};
  EXPECT_EQ(set.size(), 3u);
  EXPECT_NE(cid(kV0), cid(kV0).to_v1());
  EXPECT_LT(cid(kRawFoo), cid(kV0));
}

}  // namespace
}  // namespace starling
