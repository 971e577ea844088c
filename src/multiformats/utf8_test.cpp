#include "multiformats/utf8.hpp"

#include <gtest/gtest.h>

namespace starling::multiformats {
namespace {

TEST(Utf8, every_code_point_round_trips) {
  for (char32_t value = 0; value <= 0x10FFFF; ++value) {
    if (value == 0xD800) value = 0xE000;
    std::string text;
    append_utf8(value, text);
    const CodePoint read = read_utf8(text);
    ASSERT_EQ(read.value, value);
    ASSERT_EQ(read.size, text.size());
  }
}

TEST(Utf8, ill_formed_sequences_are_refused) {
  for (const char* text : {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\x41", "\xE0\x80\x80", "\xE0\x9F\xBF",
                           "\xE2\x82", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF",
                           "\xF4\x90\x80\x80", "\xF8\x88\x80\x80", "\xFF"})
    EXPECT_EQ(read_utf8(text).size, 0u);
}

TEST(Utf8, control_characters_are_not_printable) {
  EXPECT_TRUE(is_printable_utf8(""));
  EXPECT_TRUE(is_printable_utf8("caf\xC3\xA9 \xF0\x9F\x9A\x80"));
  for (const std::string_view text : {std::string_view("\0", 1), std::string_view("a\nb"), std::string_view("\x1B[1m"),
                                      std::string_view("\x7F"), std::string_view("\xC2\x9B"), std::string_view("\xFF")})
    EXPECT_FALSE(is_printable_utf8(text));
}

}  // namespace
}  // namespace starling::multiformats
