#include "starling/base/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace starling {
namespace {

using testing::ElementsAre;
using namespace std::chrono_literals;

struct Captured {
  explicit Captured(LogLevel level)
      : log(level, [this](const LogRecord& record) { lines.push_back(to_line(record)); }) {}
  std::vector<std::string> lines;
  Log log;
};

TEST(Log, lines_are_keys_and_values) {
  Captured all(LogLevel::Info);
  all.log.info("daemon", "listening",
               {{"address", "/ip4/127.0.0.1/tcp/1"}, {"after", 1500us}, {"port", 5101}, {"ok", true}});
  EXPECT_THAT(all.lines, ElementsAre("level=info component=daemon message=listening address=/ip4/127.0.0.1/tcp/1 "
                                     "after=\"1.50 ms\" port=5101 ok=true"));
}

TEST(Log, what_is_below_the_level_is_not_given_to_the_sink) {
  Captured all(LogLevel::Warning);
  all.log.debug("a", "one");
  all.log.info("a", "two");
  all.log.warning("a", "three");
  all.log.error("a", "four");
  EXPECT_THAT(all.lines, ElementsAre(testing::HasSubstr("three"), testing::HasSubstr("four")));
}

TEST(Log, a_value_cannot_forge_a_line_or_a_key) {
  Captured all(LogLevel::Info);
  all.log.info("host", "hello",
               {{"agent", std::string("x\nlevel=error message=\"forged\"")}, {"empty", ""}, {"e", "a=b"}});
  EXPECT_THAT(all.lines, ElementsAre("level=info component=host message=hello "
                                     "agent=\"x\\x0alevel=error message=\\\"forged\\\"\" empty=\"\" e=\"a=b\""));
}

TEST(Log, errors_are_told_whole) {
  Captured all(LogLevel::Info);
  all.log.warning("a", "b", {{"error", Error(ErrorCode::AddressInUse, Op::Listen, Origin::Local, "tcp 127.0.0.1:1")}});
  EXPECT_THAT(all.lines.at(0), testing::HasSubstr("tcp 127.0.0.1:1"));
}

TEST(Log, levels_are_read_by_name) {
  for (const LogLevel level : {LogLevel::Error, LogLevel::Warning, LogLevel::Info, LogLevel::Debug})
    EXPECT_EQ(log_level_from_string(to_string(level)), level);
  EXPECT_EQ(log_level_from_string("loud"), std::nullopt);
}

TEST(LogLimit, a_burst_passes_then_one_each_interval_and_the_rest_is_counted) {
  LogLimit limit(2, 10s);
  const TimePoint start{100s};
  EXPECT_TRUE(limit.allow(start));
  EXPECT_TRUE(limit.allow(start));
  EXPECT_FALSE(limit.allow(start));
  EXPECT_FALSE(limit.allow(start + 9s));
  EXPECT_EQ(limit.take_suppressed(), 2u);
  EXPECT_TRUE(limit.allow(start + 10s));
  EXPECT_FALSE(limit.allow(start + 10s));
  EXPECT_TRUE(limit.allow(start + 1h));
  EXPECT_TRUE(limit.allow(start + 1h));
  EXPECT_FALSE(limit.allow(start + 1h));
}

}  // namespace
}  // namespace starling
