#include "starling/base/units.hpp"

#include <gtest/gtest.h>

namespace starling {
namespace {

using namespace std::chrono_literals;

TEST(Units, sizes_in_binary_and_decimal) {
  EXPECT_EQ(*parse_size("0"), 0u);
  EXPECT_EQ(*parse_size("4096"), 4096u);
  EXPECT_EQ(*parse_size("64KiB"), 65536u);
  EXPECT_EQ(*parse_size("1.5MiB"), 1572864u);
  EXPECT_EQ(*parse_size("2MB"), 2'000'000u);
}

TEST(Units, durations) {
  EXPECT_EQ(*parse_duration("250ms"), 250ms);
  EXPECT_EQ(*parse_duration("30s"), 30s);
  EXPECT_EQ(*parse_duration("1.5m"), 90s);
  EXPECT_EQ(*parse_duration("0"), 0s);
}

TEST(Units, exact_forms_are_read_back_as_the_same_value) {
  EXPECT_EQ(exact_size(64u << 20), "64MiB");
  EXPECT_EQ(exact_size(4097), "4097B");
  EXPECT_EQ(exact_duration(90s), "90s");
  EXPECT_EQ(exact_duration(120s), "2m");
  for (const std::uint64_t size :
       {std::uint64_t{0}, std::uint64_t{1023}, std::uint64_t{1} << 44, std::uint64_t{16} << 30})
    EXPECT_EQ(*parse_size(exact_size(size)), size);
  for (const Duration time : std::initializer_list<Duration>{0s, 1ns, 1500us, 250ms, 1h, 24h})
    EXPECT_EQ(*parse_duration(exact_duration(time)), time);
}

TEST(Units, anything_else_is_refused_with_an_example) {
  for (const char* text : {"", "abc", "64kib", "-1", "1e400", "5 MiB", "KiB", "nan"})
    EXPECT_FALSE(parse_size(text)) << text;
  for (const char* text : {"", "10", "5 s", "-1s", "s"}) EXPECT_FALSE(parse_duration(text)) << text;
  EXPECT_NE(parse_size("x").error().detail().find("64KiB"), std::string::npos);
}

TEST(Units, formats_for_people) {
  EXPECT_EQ(format_size(512), "512 B");
  EXPECT_EQ(format_size(1536), "1.5 KiB");
  EXPECT_EQ(format_duration(1500us), "1.50 ms");
}

}  // namespace
}  // namespace starling
