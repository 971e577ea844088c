#include "muxer/stream_table.hpp"

#include <gtest/gtest.h>

#include <map>

#include "muxer/unsent_frames.hpp"
#include "starling/base/random.hpp"

namespace starling::muxer {
namespace {

TEST(StreamTable, empty_table_holds_no_memory_and_finds_nothing) {
  StreamTable<std::uint32_t, int> table;
  EXPECT_EQ(table.capacity(), 0u);
  EXPECT_EQ(table.find(1), nullptr);
  EXPECT_EQ(table.find(0), nullptr);
  EXPECT_FALSE(table.erase(1));
}

TEST(StreamTable, agrees_with_a_map_under_random_use) {
  const auto random = seeded_random(7);
  StreamTable<std::uint64_t, std::uint64_t> table;
  std::map<std::uint64_t, std::uint64_t> model;
  for (int i = 0; i < 200000; ++i) {
    const std::uint64_t key = 1 + random->below(500) * (random->below(2) == 0 ? 1 : 0x100000001ull);
    const auto found = model.find(key);
    std::uint64_t* value = table.find(key);
    ASSERT_EQ(value != nullptr, found != model.end());
    if (value != nullptr) ASSERT_EQ(*value, found->second);
    if (random->below(2) == 0) {
      ASSERT_EQ(table.erase(key), model.erase(key) == 1);
    } else if (value == nullptr) {
      table.insert(key, std::uint64_t(i));
      model.emplace(key, i);
    }
    ASSERT_EQ(table.size(), model.size());
  }
}

TEST(StreamTable, memory_goes_back_when_streams_end) {
  StreamTable<std::uint32_t, int> table;
  for (std::uint32_t i = 1; i <= 20000; i += 2) table.insert(i, int(i));
  EXPECT_LE(table.capacity(), 16384u);
  for (std::uint32_t i = 1; i <= 20000; i += 2) ASSERT_TRUE(table.erase(i));
  EXPECT_EQ(table.size(), 0u);
  EXPECT_EQ(table.capacity(), 8u);
}

TEST(UnsentFrames, counts_exactly_until_something_is_sent) {
  UnsentFrames frames;
  EXPECT_EQ(frames.count(0), 0u);
  for (std::uint64_t i = 1; i <= 32; ++i) frames.add(1, i * 12);
  EXPECT_EQ(frames.count(0), 32u);
  EXPECT_EQ(frames.count(11), 32u);
  EXPECT_EQ(frames.count(12), 31u);
  EXPECT_EQ(frames.count(32 * 12), 0u);
}

TEST(UnsentFrames, never_counts_fewer_than_are_unsent) {
  const auto random = seeded_random(3);
  UnsentFrames frames;
  std::vector<std::uint64_t> ends;
  std::uint64_t written = 0, sent = 0;
  for (int i = 0; i < 10000; ++i) {
    written += random->below(100);
    if (random->below(2) == 0) {
      written += 12;
      ends.push_back(written);
      frames.add(1, written);
    }
    sent += random->below(written - sent + 1);
    const auto unsent =
        std::uint64_t(std::count_if(ends.begin(), ends.end(), [&](std::uint64_t end) { return end > sent; }));
    ASSERT_GE(frames.count(sent), unsent);
    if (sent == written) ASSERT_EQ(frames.count(sent), 0u);
  }
}

}  // namespace
}  // namespace starling::muxer
