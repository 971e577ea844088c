#include "starling/base/histogram.hpp"

#include <gtest/gtest.h>

namespace starling {
namespace {

using std::literals::chrono_literals::operator""ns;
using std::literals::chrono_literals::operator""us;
using std::literals::chrono_literals::operator""h;

std::size_t bucket_of(Duration time) {
  Histogram times;
  times.add(time);
  for (std::size_t i = 0; i < Histogram::kBuckets; ++i)
    if (times.buckets()[i] == 1) return i;
  return Histogram::kBuckets;
}

TEST(Histogram, a_duration_falls_into_the_first_bucket_whose_bound_holds_it) {
  EXPECT_EQ(bucket_of(0ns), 0u);
  EXPECT_EQ(bucket_of(1us), 0u);
  EXPECT_EQ(bucket_of(1001ns), 1u);
  EXPECT_EQ(bucket_of(2us), 1u);
  EXPECT_EQ(bucket_of(2001ns), 2u);
  EXPECT_EQ(bucket_of(1024us), 10u);
  EXPECT_EQ(bucket_of(1025us), 11u);
}

TEST(Histogram, what_no_bound_holds_falls_into_the_last) {
  EXPECT_EQ(bucket_of(1h), Histogram::kBuckets - 1);
  EXPECT_EQ(bucket_of(Duration::max()), Histogram::kBuckets - 1);
  EXPECT_EQ(bucket_of(-1us), 0u);
}

TEST(Histogram, quantiles_are_bounds_of_buckets) {
  Histogram times;
  EXPECT_EQ(times.quantile(0.5), 0ns);
  for (int i = 0; i < 99; ++i) times.add(3us);
  times.add(1000us);
  EXPECT_EQ(times.quantile(0.5), 4us);
  EXPECT_EQ(times.quantile(0.99), 4us);
  EXPECT_EQ(times.quantile(1), 1024us);
  EXPECT_EQ(times.count(), 100u);
  EXPECT_EQ(times.sum(), 1297us);
}

}  // namespace
}  // namespace starling
