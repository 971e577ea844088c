#include "swarm/dial_schedule.hpp"

#include <gtest/gtest.h>

#include "support/swarm_options.hpp"

namespace starling::swarm {
namespace {

using namespace starling::testing;
using Started = std::vector<DialSchedule::Attempt>;

constexpr TimePoint at(Duration time) { return TimePoint(60min + time); }

/// All that may start now.
Started start(DialSchedule& schedule, Duration now) {
  Started started;
  while (const auto next = schedule.next(at(now))) started.push_back(*next);
  return started;
}

DialSchedule three(std::size_t max_running = 8) {
  DialSchedule schedule(max_running, 500ms);
  schedule.add(2, at(500ms));
  schedule.add(0, at(0ms));
  schedule.add(1, at(250ms));
  return schedule;
}

TEST(DialSchedule, each_starts_when_its_delay_is_over) {
  DialSchedule schedule = three();
  EXPECT_EQ(start(schedule, 0ms), Started{0});
  EXPECT_EQ(schedule.deadline(), at(250ms));
  EXPECT_EQ(start(schedule, 249ms), Started{});
  EXPECT_EQ(start(schedule, 250ms), Started{1});
  EXPECT_EQ(start(schedule, 1s), Started{2});
  EXPECT_EQ(schedule.deadline(), kNever);
  EXPECT_EQ(schedule.running(), 3u);
}

TEST(DialSchedule, when_nothing_runs_the_next_starts_at_once_with_those_of_the_same_time) {
  DialSchedule schedule = three();
  schedule.add(3, at(250ms));
  EXPECT_EQ(start(schedule, 0ms), Started{0});
  schedule.ended(0);
  EXPECT_EQ(start(schedule, 20ms), (Started{1, 3}));
  EXPECT_EQ(start(schedule, 20ms), Started{}) << "the last one's time has not come";
  schedule.ended(1);
  EXPECT_EQ(start(schedule, 30ms), Started{}) << "one still runs";
  schedule.ended(3);
  EXPECT_EQ(start(schedule, 40ms), Started{2});
}

TEST(DialSchedule, an_answer_holds_the_others_back_for_the_handshakes) {
  DialSchedule schedule = three();
  EXPECT_EQ(start(schedule, 0ms), Started{0});
  schedule.answered(0, at(200ms));
  EXPECT_EQ(schedule.deadline(), at(700ms));
  EXPECT_EQ(start(schedule, 699ms), Started{});
  EXPECT_EQ(start(schedule, 700ms), (Started{1, 2}));
}

TEST(DialSchedule, handshakes_that_fail_hold_nobody_back) {
  DialSchedule schedule = three();
  EXPECT_EQ(start(schedule, 250ms), (Started{0, 1}));
  schedule.answered(0, at(260ms));
  EXPECT_EQ(start(schedule, 500ms), Started{});
  schedule.ended(0);
  EXPECT_EQ(start(schedule, 500ms), Started{2});
}

TEST(DialSchedule, only_so_many_run_at_once) {
  DialSchedule schedule = three(2);
  EXPECT_EQ(start(schedule, 1s), (Started{0, 1}));
  EXPECT_EQ(schedule.deadline(), kNever) << "only the end of one helps";
  schedule.ended(1);
  EXPECT_EQ(schedule.deadline(), at(500ms));
  EXPECT_EQ(start(schedule, 1s), Started{2});
}

TEST(DialSchedule, stopping_gives_back_what_waits) {
  DialSchedule schedule = three();
  EXPECT_EQ(start(schedule, 0ms), Started{0});
  EXPECT_EQ(schedule.stop(), (Started{1, 2}));
  EXPECT_FALSE(schedule.idle());
  schedule.ended(0);
  EXPECT_TRUE(schedule.idle());
  EXPECT_EQ(start(schedule, 1min), Started{});
}

TEST(DialSchedule, news_of_strangers_change_nothing) {
  DialSchedule schedule = three();
  schedule.answered(7, at(0ms));
  schedule.ended(7);
  EXPECT_EQ(start(schedule, 500ms), (Started{0, 1, 2}));
}

}  // namespace
}  // namespace starling::swarm
