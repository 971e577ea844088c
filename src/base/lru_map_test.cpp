#include "starling/base/lru_map.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace starling {
namespace {

std::vector<int> keys_of(const LruMap<int, std::string>& map) {
  std::vector<int> keys;
  for (const auto& [key, value] : map) keys.push_back(key);
  return keys;
}

TEST(LruMap, holds_its_capacity_and_then_drops_the_one_used_longest_ago) {
  LruMap<int, std::string> map(3);
  for (int key : {1, 2, 3}) EXPECT_FALSE(map.put(key, std::to_string(key)));
  const auto dropped = map.put(4, "4");
  ASSERT_TRUE(dropped);
  EXPECT_EQ(dropped->first, 1);
  EXPECT_EQ(dropped->second, "1");
  EXPECT_EQ(map.size(), 3u);
  EXPECT_EQ(keys_of(map), (std::vector<int>{4, 3, 2}));
}

TEST(LruMap, a_find_counts_as_use_and_a_peek_does_not) {
  LruMap<int, std::string> map(2);
  map.put(1, "one");
  map.put(2, "two");
  EXPECT_EQ(*map.peek(1), "one");
  EXPECT_EQ(map.oldest()->first, 1);
  EXPECT_EQ(*map.find(1), "one");
  EXPECT_EQ(map.oldest()->first, 2);
  EXPECT_EQ(map.put(3, "three")->first, 2);
}

TEST(LruMap, putting_a_known_key_replaces_without_dropping) {
  LruMap<int, std::string> map(2);
  map.put(1, "one");
  map.put(2, "two");
  EXPECT_FALSE(map.put(1, "uno"));
  EXPECT_EQ(map.size(), 2u);
  EXPECT_EQ(*map.find(1), "uno");
  EXPECT_EQ(map.oldest()->first, 2);
}

TEST(LruMap, erases_also_by_a_reference_into_itself) {
  LruMap<std::string, int> map(2);
  map.put("a long enough key to live on the heap", 1);
  EXPECT_TRUE(map.erase(map.oldest()->first));
  EXPECT_FALSE(map.erase("a long enough key to live on the heap"));
  EXPECT_TRUE(map.empty());
  EXPECT_EQ(map.oldest(), nullptr);
}

TEST(LruMap, holds_what_can_only_be_moved_and_one_entry_is_enough_room) {
  LruMap<int, std::unique_ptr<int>> map(1);
  EXPECT_FALSE(map.put(1, std::make_unique<int>(10)));
  auto dropped = map.put(2, std::make_unique<int>(20));
  ASSERT_TRUE(dropped);
  EXPECT_EQ(*dropped->second, 10);
  EXPECT_EQ(map.find(1), nullptr);
  EXPECT_EQ(**map.find(2), 20);
  map.clear();
  EXPECT_FALSE(map.contains(2));
}

TEST(LruMap, never_exceeds_its_capacity_whatever_comes) {
  LruMap<int, int> map(10);
  for (int i = 0; i < 1000; ++i) {
    map.put((i * 7919) % 37, i);
    if (i % 5 == 0) map.erase(i % 37);
    ASSERT_LE(map.size(), 10u);
    std::size_t walked = 0;
    for (const auto& [key, value] : map) {
      ASSERT_EQ(*map.peek(key), value);
      ++walked;
    }
    ASSERT_EQ(walked, map.size());
  }
}

}  // namespace
}  // namespace starling
