#include "swarm/dial_limiter.hpp"

#include <gtest/gtest.h>

#include "support/swarm_options.hpp"

namespace starling::swarm {
namespace {

using namespace starling::testing;
using enum DialLimiter::Obstacle;

constexpr TimePoint kStart = TimePoint(60min);

DialLimits limits() { return {.max_dials = 2, .max_half_open = 3, .per_second = 10, .burst = 1000}; }

TEST(DialLimiter, descriptors_bound_only_dials_that_need_one) {
  DialLimiter limiter(limits());
  EXPECT_EQ(limiter.start(true, kStart), None);
  EXPECT_EQ(limiter.start(true, kStart), None);
  EXPECT_EQ(limiter.start(true, kStart), Descriptors);
  EXPECT_EQ(limiter.start(false, kStart), None);
  limiter.answered();
  EXPECT_EQ(limiter.start(true, kStart), Descriptors) << "an answer gives no descriptor back";
  limiter.ended(true, true);
  EXPECT_EQ(limiter.start(true, kStart), None);
}

TEST(DialLimiter, half_open_ends_with_the_answer_or_the_dial) {
  DialLimiter limiter(limits());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limiter.start(false, kStart), None);
  EXPECT_EQ(limiter.start(false, kStart), HalfOpen);
  limiter.answered();
  EXPECT_EQ(limiter.start(false, kStart), None);
  EXPECT_EQ(limiter.start(false, kStart), HalfOpen);
  limiter.ended(false, /*had_answer=*/true);
  EXPECT_EQ(limiter.start(false, kStart), HalfOpen);
  limiter.ended(false, /*had_answer=*/false);
  EXPECT_EQ(limiter.start(false, kStart), None);
}

TEST(DialLimiter, everything_given_back_leaves_nothing) {
  DialLimiter limiter(limits());
  for (const bool answered : {true, false}) {
    ASSERT_EQ(limiter.start(true, kStart), None);
    if (answered) limiter.answered();
    EXPECT_EQ(limiter.running(), 1u);
    limiter.ended(true, answered);
  }
  EXPECT_EQ(limiter.running() + limiter.descriptors() + limiter.half_open(), 0u);
}

int started_within(DialLimiter& limiter, TimePoint from, Duration time) {
  int started = 0;
  for (TimePoint now = from; now < from + time; now += 1ms) {
    while (limiter.start(false, now) == None) {
      limiter.ended(false, false);
      ++started;
    }
  }
  return started;
}

TEST(DialLimiter, a_burst_and_then_so_many_a_second) {
  DialLimiter limiter({.max_dials = 1, .max_half_open = 1, .per_second = 10, .burst = 5});
  EXPECT_EQ(started_within(limiter, kStart, 1ms), 5);
  EXPECT_EQ(limiter.start(false, kStart + 1ms), Rate);
  EXPECT_EQ(limiter.next_token(kStart + 1ms), kStart + 100ms);
  EXPECT_EQ(started_within(limiter, kStart + 1ms, 10s), 100);
  EXPECT_EQ(started_within(limiter, kStart + 1min, 1ms), 5) << "after a quiet time, and not more for a longer one";
}

TEST(DialLimiter, a_refused_dial_costs_no_token) {
  DialLimiter limiter({.max_dials = 1, .max_half_open = 10, .per_second = 1, .burst = 2});
  EXPECT_EQ(limiter.start(true, kStart), None);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(limiter.start(true, kStart), Descriptors);
  EXPECT_EQ(limiter.start(false, kStart), None);
  EXPECT_EQ(limiter.start(false, kStart), Rate);
}

}  // namespace
}  // namespace starling::swarm
