#include "starling/base/random.hpp"

#include <gtest/gtest.h>

#include <array>

namespace starling {
namespace {

TEST(SeededRandom, gives_the_same_numbers_for_the_same_seed_only) {
  auto first = seeded_random(7), second = seeded_random(7), other = seeded_random(8);
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t number = first->next_u64();
    EXPECT_EQ(number, second->next_u64());
    EXPECT_NE(number, other->next_u64());
  }
}

// The reference implementation's first outputs (splitmix64 of 0 as state), so that kept seeds stay valid for ever.
TEST(SeededRandom, is_xoshiro256_starstar) {
  auto random = seeded_random(0);
  EXPECT_EQ(random->next_u64(), 0x99ec5f36cb75f2b4u);
  EXPECT_EQ(random->next_u64(), 0xbf6e1f784956452au);
}

TEST(Random, below_stays_below_and_reaches_everything) {
  auto random = seeded_random(1);
  std::array<int, 7> hits{};
  for (int i = 0; i < 7000; ++i) ++hits[random->below(7)];
  for (const int count : hits) EXPECT_NEAR(count, 1000, 150);
  EXPECT_EQ(random->below(1), 0u);
  EXPECT_LT(random->below(~std::uint64_t{0}), ~std::uint64_t{0});
}

TEST(Random, fills_odd_sizes_whole) {
  const auto seeded = seeded_random(3);
  for (Random* random : {&system_random(), seeded.get()}) {
    ByteVector first(1001), second(1001);
    random->fill(first);
    random->fill(second);
    EXPECT_NE(first, second);
    EXPECT_FALSE(equal(Bytes(first).last(9), ByteVector(9)));
  }
}

}  // namespace
}  // namespace starling
