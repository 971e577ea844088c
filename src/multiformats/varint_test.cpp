#include "starling/multiformats/varint.hpp"

#include <gtest/gtest.h>

#include "starling/base/random.hpp"

namespace starling {
namespace {

ByteVector encoded(std::uint64_t value) {
  ByteVector bytes;
  append_varint(bytes, value);
  return bytes;
}

ByteVector hex(std::string_view text) { return from_hex(text).value(); }

ErrorCode read_error(std::string_view text) {
  const auto result = read_varint(hex(text));
  return result ? ErrorCode::Internal : result.error().code();
}

TEST(Varint, examples_of_the_specification) {
  const std::pair<std::uint64_t, std::string_view> examples[] = {
      {0, "00"}, {1, "01"}, {127, "7f"}, {128, "8001"}, {255, "ff01"}, {300, "ac02"}, {16384, "808001"}};
  for (const auto& [value, text] : examples) {
    EXPECT_EQ(to_hex(encoded(value)), text);
    EXPECT_EQ(read_varint(hex(text)).value().value, value);
  }
}

TEST(Varint, every_power_of_two_and_its_neighbours_round_trip) {
  for (unsigned bit = 0; bit < 63; ++bit) {
    for (const std::uint64_t value : {(1ull << bit) - 1, 1ull << bit, (1ull << bit) + 1}) {
      const ByteVector bytes = encoded(value);
      EXPECT_EQ(bytes.size(), varint_size(value));
      const auto read = read_varint(bytes);
      ASSERT_TRUE(read);
      EXPECT_EQ(read->value, value);
      EXPECT_EQ(read->size, bytes.size());
    }
  }
}

TEST(Varint, random_numbers_round_trip) {
  const auto random = seeded_random(1);
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t value = random->next_u64() >> (1 + random->below(63));
    EXPECT_EQ(read_varint(encoded(value)).value().value, value);
  }
}

TEST(Varint, largest_number_takes_nine_bytes) {
  EXPECT_EQ(to_hex(encoded(kMaxVarint)), "ffffffffffffffff7f");
  EXPECT_EQ(read_varint(hex("ffffffffffffffff7f")).value().value, kMaxVarint);
}

TEST(Varint, ten_bytes_are_too_large) {
  EXPECT_EQ(read_error("ffffffffffffffffff01"), ErrorCode::TooLarge);
  EXPECT_EQ(read_error("80808080808080808001"), ErrorCode::TooLarge);
}

TEST(Varint, nine_bytes_that_go_on_are_too_large_without_seeing_the_tenth) {
  EXPECT_EQ(read_error("ffffffffffffffffff"), ErrorCode::TooLarge);
}

TEST(Varint, leading_zeros_are_not_canonical) {
  EXPECT_EQ(read_error("8100"), ErrorCode::NotCanonical);
  EXPECT_EQ(read_error("8000"), ErrorCode::NotCanonical);
  EXPECT_EQ(read_error("808000"), ErrorCode::NotCanonical);
  EXPECT_EQ(read_error("ffffffffffffffff00"), ErrorCode::NotCanonical);
}

TEST(Varint, unfinished_input_is_truncated) {
  EXPECT_EQ(read_error(""), ErrorCode::Truncated);
  EXPECT_EQ(read_error("80"), ErrorCode::Truncated);
  EXPECT_EQ(read_error("ffffffffffffffff"), ErrorCode::Truncated);
}

TEST(Varint, every_prefix_of_a_number_is_truncated) {
  const ByteVector bytes = encoded(kMaxVarint);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_EQ(read_varint(Bytes(bytes).first(size)).error().code(), ErrorCode::Truncated);
}

TEST(Varint, what_follows_is_left_alone) {
  const auto read = read_varint(hex("ac02ffff"));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->value, 300u);
  EXPECT_EQ(read->size, 2u);
}

}  // namespace
}  // namespace starling
