#include "starling/base/taken_once.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace starling {
namespace {

using Values = TakenOnce<std::unique_ptr<int>>;

int taken(Values& values, std::string_view name) {
  const auto value = values.take(name);
  return value ? **value : -1;
}

TEST(TakenOnce, each_is_taken_once) {
  Values values(4);
  values.insert("a", std::make_unique<int>(1));
  EXPECT_EQ(taken(values, "b"), -1);
  EXPECT_EQ(taken(values, "a"), 1);
  EXPECT_EQ(taken(values, "a"), -1);
}

TEST(TakenOnce, a_newer_one_takes_the_place_of_the_same_name) {
  Values values(4);
  values.insert("a", std::make_unique<int>(1));
  values.insert("a", std::make_unique<int>(2));
  EXPECT_EQ(values.size(), 1u);
  EXPECT_EQ(taken(values, "a"), 2);
}

TEST(TakenOnce, the_oldest_makes_room) {
  Values values(4);
  for (int i = 0; i <= 4; ++i) values.insert(std::to_string(i), std::make_unique<int>(i));
  EXPECT_EQ(values.size(), 4u);
  EXPECT_EQ(taken(values, "0"), -1);
  EXPECT_EQ(taken(values, "1"), 1);
  EXPECT_EQ(taken(values, "4"), 4);
}

}  // namespace
}  // namespace starling
