// Vectors: multiformats/multihash, tests/values/test_cases.csv.
#include "starling/multiformats/multihash.hpp"

#include <gtest/gtest.h>

#include <unordered_set>

#include "starling/base/random.hpp"
#include "starling/multiformats/multibase.hpp"

namespace starling {
namespace {

ByteVector hex(std::string_view text) { return from_hex(text).value(); }

ErrorCode decode_error(std::string_view text) {
  const auto hash = Multihash::from_bytes(hex(text));
  return hash ? ErrorCode::Internal : hash.error().code();
}

struct Vector {
  Multicodec function;
  std::size_t digest_size;
  std::string_view bytes;
};

constexpr Vector kVectors[] = {
    {Multicodec::Sha1, 10, "110ae861e452cfd84dca9a17"},
    {Multicodec::Sha1, 20, "1114e861e452cfd84dca9a176258c3d06e020a0c93d8"},
    {Multicodec::Sha2_256, 10, "120affb31f07aa15348368c9"},
    {Multicodec::Sha2_256, 20, "1214ffb31f07aa15348368c90c73a834dbf9f8710365"},
    {Multicodec::Sha2_256, 32, "1220ffb31f07aa15348368c90c73a834dbf9f8710365860fa0fd4ddce9ac2782cc17"},
    {Multicodec::Sha2_512, 10, "130aabffa1926b038a2f1833"},
    {Multicodec::Sha2_512, 20, "1314abffa1926b038a2f1833092d93859ba2ee56e07a"},
    {Multicodec::Sha2_512, 32, "1320abffa1926b038a2f1833092d93859ba2ee56e07a86b158200fc7d4d5d1eaf350"},
    {Multicodec::Sha2_512, 64,
     "1340abffa1926b038a2f1833092d93859ba2ee56e07a86b158200fc7d4d5d1eaf350b0f0e511ea6f5043a9f4a7c7886f93355652114709d75"
     "b2db4c33741124fd4fe"},
    {Multicodec::Sha3_512, 10, "140a9a7a8207a57d03e9c524"},
    {Multicodec::Sha3_512, 20, "14149a7a8207a57d03e9c524ae7fd39563bfe1a466a3"},
    {Multicodec::Sha3_512, 32, "14209a7a8207a57d03e9c524ae7fd39563bfe1a466a3a0323875eba8b034a1d59c3b"},
    {Multicodec::Sha3_512, 64,
     "14409a7a8207a57d03e9c524ae7fd39563bfe1a466a3a0323875eba8b034a1d59c3b7218103543f7777f17ef03dcaf44d12c74dfb83726e74"
     "25cf61225e9a54b3b3a"},
    {Multicodec::Sha1, 10, "110aa29eea788860fb1b2884"},
    {Multicodec::Sha1, 20, "1114a29eea788860fb1b288408345592c8662a4dcde5"},
    {Multicodec::Sha2_256, 10, "120a3afa34fba2f3572ac56d"},
};

TEST(Multihash, published_vectors_parse_and_are_made_again) {
  for (const Vector& vector : kVectors) {
    const auto hash = Multihash::from_bytes(hex(vector.bytes));
    ASSERT_TRUE(hash) << vector.bytes;
    EXPECT_EQ(hash->function(), vector.function);
    EXPECT_EQ(hash->digest().size(), vector.digest_size);
    EXPECT_EQ(to_hex(hash->bytes()), vector.bytes);
    EXPECT_EQ(Multihash::make(vector.function, hash->digest()).value(), *hash);
  }
}

TEST(Multihash, example_of_the_specification_in_base58) {
  const auto hash = Multihash::from_bytes(base58btc_decode("QmYtUc4iTCbbfVSDNKvtQqrfyezPPnFvE33wFmutw9PBBk").value());
  ASSERT_TRUE(hash);
  EXPECT_EQ(hash->to_string(), "sha2-256:9cbc07c3f991725836a3aa2a581ca2029198aa420b9d99bc0e131d9f3e2cbe47");
}

TEST(Multihash, every_digest_size_up_to_the_bound_round_trips) {
  const auto random = seeded_random(4);
  for (std::size_t size = 0; size <= Multihash::kMaxDigestSize; ++size) {
    ByteVector digest(size);
    random->fill(digest);
    const auto hash = Multihash::make(Multicodec::Blake2b_256, digest);
    ASSERT_TRUE(hash);
    const auto again = Multihash::from_bytes(hash->bytes());
    ASSERT_TRUE(again);
    EXPECT_EQ(*again, *hash);
    EXPECT_TRUE(equal(again->digest(), digest));
  }
}

TEST(Multihash, digests_over_the_bound_are_refused) {
  const ByteVector digest(Multihash::kMaxDigestSize + 1);
  EXPECT_EQ(Multihash::make(Multicodec::Identity, digest).error().code(), ErrorCode::TooLarge);
  ByteVector wire = hex("008101");
  append(wire, digest);
  EXPECT_EQ(Multihash::from_bytes(wire).error().code(), ErrorCode::TooLarge);
}

TEST(Multihash, a_huge_declared_size_is_refused_before_the_digest_is_looked_at) {
  EXPECT_EQ(decode_error("00ffffffffffffffff7f"), ErrorCode::TooLarge);
}

TEST(Multihash, codes_over_63_bits_are_refused) {
  EXPECT_EQ(Multihash::make(Multicodec(std::uint64_t{1} << 63), {}).error().code(), ErrorCode::TooLarge);
  EXPECT_TRUE(Multihash::make(Multicodec((std::uint64_t{1} << 63) - 1), {}));
}

TEST(Multihash, every_shortened_form_is_truncated) {
  const ByteVector bytes = hex(kVectors[4].bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_EQ(Multihash::from_bytes(Bytes(bytes).first(size)).error().code(), ErrorCode::Truncated);
}

TEST(Multihash, long_forms_of_numbers_are_refused) {
  EXPECT_EQ(decode_error("92000100"), ErrorCode::NotCanonical);
  EXPECT_EQ(decode_error("12810000"), ErrorCode::NotCanonical);
}

TEST(Multihash, a_prefix_is_read_and_the_rest_left) {
  const auto hash = Multihash::read_prefix(hex("0003616263ffff"));
  ASSERT_TRUE(hash);
  EXPECT_EQ(hash->bytes().size(), 5u);
  EXPECT_EQ(as_text(hash->digest()), "abc");
  EXPECT_EQ(decode_error("0003616263ff"), ErrorCode::TrailingData);
}

TEST(Multihash, unnamed_functions_are_kept_and_shown_as_numbers) {
  const auto hash = Multihash::from_bytes(hex("ffff0301aa"));
  ASSERT_TRUE(hash);
  EXPECT_EQ(std::uint64_t(hash->function()), 0xffffu);
  EXPECT_EQ(hash->to_string(), "0xffff:aa");
}

TEST(Multihash, empty_is_no_hash) {
  EXPECT_TRUE(Multihash().empty());
  EXPECT_EQ(Multihash().to_string(), "");
  EXPECT_TRUE(Multihash().digest().empty());
  EXPECT_FALSE(Multihash::make(Multicodec::Identity, {})->empty());
}

TEST(Multihash, orders_and_hashes_by_its_bytes) {
  std::unordered_set<Multihash> set;
  for (const Vector& vector : kVectors) set.insert(Multihash::from_bytes(hex(vector.bytes)).value());
  EXPECT_EQ(set.size(), std::size(kVectors));
  EXPECT_LT(Multihash::from_bytes(hex("110101")).value(), Multihash::from_bytes(hex("110102")).value());
}

}  // namespace
}  // namespace starling
