#include "starling/base/intrusive_list.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace starling {
namespace {

struct OtherTag {};

struct Item : ListNode<>, ListNode<OtherTag> {
  explicit Item(int id_in) : id(id_in) {}
  int id;
};

std::vector<int> drain(IntrusiveList<Item>& list) {
  std::vector<int> ids;
  while (!list.empty()) ids.push_back(list.pop_front().id);
  return ids;
}

TEST(IntrusiveList, gives_items_in_the_order_they_came) {
  Item a(1), b(2), c(3);
  IntrusiveList<Item> list;
  EXPECT_TRUE(list.empty());
  list.push_back(a);
  list.push_back(b);
  list.push_back(c);
  EXPECT_EQ(list.front().id, 1);
  EXPECT_EQ(drain(list), (std::vector<int>{1, 2, 3}));
  EXPECT_FALSE(a.ListNode<>::linked());
}

TEST(IntrusiveList, an_item_leaves_when_it_dies_or_is_unlinked) {
  Item a(1), c(3);
  auto b = std::make_unique<Item>(2);
  IntrusiveList<Item> list;
  list.push_back(a);
  list.push_back(*b);
  list.push_back(c);
  b.reset();
  a.ListNode<>::unlink();
  a.ListNode<>::unlink();
  EXPECT_EQ(drain(list), std::vector<int>{3});
}

TEST(IntrusiveList, an_item_may_be_in_lists_of_different_tags) {
  Item a(1);
  IntrusiveList<Item> list;
  IntrusiveList<Item, OtherTag> other;
  list.push_back(a);
  other.push_back(a);
  list.pop_front();
  EXPECT_TRUE(a.ListNode<OtherTag>::linked());
  EXPECT_EQ(other.front().id, 1);
}

TEST(IntrusiveList, splice_moves_everything_behind) {
  Item a(1), b(2), c(3);
  IntrusiveList<Item> first, second;
  first.push_back(a);
  second.push_back(b);
  second.push_back(c);
  first.splice(second);
  EXPECT_TRUE(second.empty());
  first.splice(second);
  EXPECT_EQ(drain(first), (std::vector<int>{1, 2, 3}));
  second.splice(first);
  EXPECT_TRUE(second.empty());
}

TEST(IntrusiveList, a_list_that_dies_leaves_its_items_alone) {
  Item a(1);
  {
    IntrusiveList<Item> list;
    list.push_back(a);
  }
  EXPECT_FALSE(a.ListNode<>::linked());
}

TEST(IntrusiveListDeathTest, an_item_in_two_places_at_once_is_a_bug) {
  Item a(1);
  IntrusiveList<Item> list;
  list.push_back(a);
  EXPECT_DEATH(list.push_back(a), "one list at a time");
}

}  // namespace
}  // namespace starling
