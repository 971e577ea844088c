#include "names/cache.hpp"

#include <gtest/gtest.h>

#include "names/names_testing.hpp"

namespace starling::names {

using namespace testing;

class AnswerCacheTest : public ::testing::Test {
 protected:
  static TimePoint at(Duration time) { return TimePoint(time); }
  Answer records(Duration ttl) const { return {addresses({"1.2.3.4"}, ttl), "server"}; }
  Answer error(ErrorCode code) const { return {fail(Error(code, Op::Resolve, Origin::Network)), "server"}; }
  bool held(const NameQuestion& question, Duration time) { return cache_.find(question, at(time)).has_value(); }

  ResolverOptions options_{.cache_entries = 2, .min_ttl = 10s, .max_ttl = 100s, .negative_ttl = 5s};
  AnswerCache cache_{options_};
  const NameQuestion a_{"a.example", RecordType::A}, b_{"b.example", RecordType::A}, c_{"c.example", RecordType::A};
};

TEST_F(AnswerCacheTest, an_answer_holds_for_its_time_to_live) {
  cache_.keep(a_, records(60s), at(1s));
  const auto found = cache_.find(a_, at(60s + 999ms));
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->cached);
  EXPECT_EQ(found->server, "server");
  EXPECT_EQ(found->records->addresses.size(), 1u);
  EXPECT_FALSE(held(a_, 61s));
  EXPECT_EQ(cache_.size(), 0u);
}

TEST_F(AnswerCacheTest, times_to_live_are_brought_into_the_range) {
  cache_.keep(a_, records(0s), at(0s));
  cache_.keep(b_, records(Duration::max()), at(0s));
  EXPECT_TRUE(held(a_, 9s));
  EXPECT_FALSE(held(a_, 10s));
  EXPECT_TRUE(held(b_, 99s));
  EXPECT_FALSE(held(b_, 100s));
}

TEST_F(AnswerCacheTest, no_such_name_is_an_answer_a_failure_is_not) {
  cache_.keep(a_, error(ErrorCode::NameNotFound), at(0s));
  cache_.keep(b_, error(ErrorCode::NoRecords), at(0s));
  EXPECT_TRUE(held(a_, 4s));
  EXPECT_FALSE(held(a_, 5s));
  EXPECT_TRUE(held(b_, 4s));
  for (const ErrorCode code : {ErrorCode::Timeout, ErrorCode::NameServerFailed, ErrorCode::Closed}) {
    cache_.keep(c_, error(code), at(0s));
    EXPECT_FALSE(held(c_, 0s)) << to_string(code);
  }
}

TEST_F(AnswerCacheTest, types_of_one_name_are_kept_apart) {
  cache_.keep(a_, records(60s), at(0s));
  EXPECT_FALSE(held({a_.name, RecordType::Aaaa}, 0s));
}

TEST_F(AnswerCacheTest, the_answer_used_longest_ago_gives_way) {
  cache_.keep(a_, records(60s), at(0s));
  cache_.keep(b_, records(60s), at(0s));
  EXPECT_TRUE(held(a_, 1s));
  cache_.keep(c_, records(60s), at(1s));
  EXPECT_TRUE(held(a_, 1s));
  EXPECT_FALSE(held(b_, 1s));
  EXPECT_EQ(cache_.size(), 2u);
}

}  // namespace starling::names
