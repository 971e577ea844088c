#include "transport/waiting_writers.hpp"

#include <gtest/gtest.h>

namespace starling::transport {
namespace {

using Streams = std::vector<std::uint64_t>;

TEST(WaitingWriters, are_woken_in_the_order_in_which_they_came) {
  WaitingWriters writers;
  WaitingWriters::Place first = 0, second = 0;
  writers.add(9, first);
  writers.add(4, second);
  EXPECT_EQ(writers.take(), (Streams{9, 4}));
  EXPECT_TRUE(writers.empty());
}

TEST(WaitingWriters, who_got_nothing_goes_before_who_wrote_and_came_again) {
  WaitingWriters writers;
  WaitingWriters::Place bulk = 0, talk = 0;
  writers.add(1, bulk);
  writers.add(2, talk);
  EXPECT_EQ(writers.take(), (Streams{1, 2}));
  bulk = 0;  // it took all the room
  writers.add(1, bulk);
  writers.add(2, talk);
  EXPECT_EQ(writers.take(), (Streams{2, 1}));
}

}  // namespace
}  // namespace starling::transport
