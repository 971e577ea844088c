#include "swarm/dial_queue.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "starling/io/sim_network.hpp"
#include "support/swarm_options.hpp"

namespace starling::swarm {
namespace {

using namespace starling::testing;

/// Dials that take their place and keep it until they are ended.
class DialQueueTest : public ::testing::Test {
 protected:
  void TearDown() override {
    io::run_task(world_.reactor(), group_.close());
    places_.clear();
    EXPECT_EQ(queue_.limiter().running() + queue_.limiter().descriptors() + queue_.limiter().half_open(), 0u);
    EXPECT_EQ(queue_.waiting(), 0u);
  }
  io::Task<void> take(std::string name, bool needs_descriptor, DialOrigin origin) {
    auto place = co_await queue_.take(needs_descriptor, origin);
    if (!place) co_return;
    order_ += name;
    places_.emplace(std::move(name), std::move(*place));
  }
  void start(const std::string& name, bool needs_descriptor = true, DialOrigin origin = DialOrigin::Background) {
    group_.spawn(take(name, needs_descriptor, origin));
    world_.run_for(0s);
  }
  void end(const std::string& name) {
    places_.erase(name);
    world_.run_for(0s);
  }

  io::SimWorld world_;
  DialQueue queue_{world_.reactor(), {.max_dials = 2, .max_half_open = 4, .per_second = 10, .burst = 6}};
  std::map<std::string, DialQueue::Place> places_;
  std::string order_;
  io::TaskGroup group_{world_.reactor()};
};

TEST_F(DialQueueTest, who_finds_no_place_waits_until_one_is_given_back) {
  for (const char* name : {"a", "b", "c", "d"}) start(name);
  EXPECT_EQ(order_, "ab");
  EXPECT_EQ(queue_.waiting(), 2u);
  end("b");
  EXPECT_EQ(order_, "abc");
  end("a");
  EXPECT_EQ(order_, "abcd");
}

TEST_F(DialQueueTest, users_go_first) {
  for (const char* name : {"a", "b", "c"}) start(name);
  start("u", true, DialOrigin::User);
  end("a");
  EXPECT_EQ(order_, "abu");
  end("b");
  EXPECT_EQ(order_, "abuc");
}

TEST_F(DialQueueTest, what_needs_no_descriptor_does_not_wait_behind_what_does) {
  for (const char* name : {"a", "b", "c"}) start(name);
  start("q", false);
  EXPECT_EQ(order_, "abq");
}

TEST_F(DialQueueTest, an_answer_frees_a_half_open_place_once) {
  for (const char* name : {"a", "b", "c", "d"}) start(name, false);
  start("e", false);
  start("f", false);
  EXPECT_EQ(order_, "abcd");
  places_.at("a").answered();
  places_.at("a").answered();
  world_.run_for(0s);
  EXPECT_EQ(order_, "abcde");
}

TEST_F(DialQueueTest, dials_beyond_the_burst_start_at_the_rate) {
  for (int i = 0; i < 9; ++i) {
    start(std::to_string(i), false);
    end(std::to_string(i));
  }
  EXPECT_EQ(order_, "012345");
  for (const char* expected : {"0123456", "01234567", "012345678"}) {
    world_.run_for(100ms);
    EXPECT_EQ(order_, expected);
    places_.clear();
  }
}

TEST_F(DialQueueTest, who_gives_up_leaves_the_queue_and_takes_no_place) {
  io::TaskGroup others(world_.reactor());
  for (const char* name : {"a", "b"}) start(name);
  others.spawn(take("x", true, DialOrigin::User));
  start("c");
  io::run_task(world_.reactor(), others.close());
  EXPECT_EQ(queue_.waiting(), 1u);
  end("a");
  EXPECT_EQ(order_, "abc");
}

}  // namespace
}  // namespace starling::swarm
