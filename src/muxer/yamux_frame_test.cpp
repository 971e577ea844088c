#include "muxer/yamux_frame.hpp"

#include <gtest/gtest.h>

namespace starling::muxer::yamux {
namespace {

std::string_view complaint(std::string_view hex) {
  static ByteVector bytes;
  bytes = from_hex(hex).value();
  return complaint_about(bytes.data());
}

TEST(YamuxFrame, header_is_twelve_bytes_in_network_order) {
  ByteVector bytes(kHeaderSize);
  encode({Type::WindowUpdate, kSyn | kFin, 0x01020304, 0xA0B0C0D0}, bytes.data());
  EXPECT_EQ(to_hex(bytes), "0001000501020304a0b0c0d0");
  EXPECT_EQ(decode(bytes.data()), (Header{Type::WindowUpdate, kSyn | kFin, 0x01020304, 0xA0B0C0D0}));
}

TEST(YamuxFrame, every_permitted_combination_passes) {
  for (unsigned flags = 0; flags <= kAllFlags; ++flags) {
    for (const Type type : {Type::Data, Type::WindowUpdate}) {
      ByteVector bytes(kHeaderSize);
      encode({type, std::uint16_t(flags), 1, 0}, bytes.data());
      EXPECT_EQ(complaint_about(bytes.data()), "");
    }
  }
  EXPECT_EQ(complaint("000200010000000000000007"), "");
  EXPECT_EQ(complaint("000200020000000000000007"), "");
  EXPECT_EQ(complaint("000300000000000000000002"), "");
}

TEST(YamuxFrame, the_common_case_agrees_with_the_full_check) {
  for (std::uint8_t version = 0; version < 2; ++version) {
    for (unsigned type = 0; type < 6; ++type) {
      for (unsigned flags = 0; flags < 40; ++flags) {
        for (const std::uint32_t stream : {0u, 1u}) {
          ByteVector bytes(kHeaderSize);
          encode({Type(type), std::uint16_t(flags), stream, 0}, bytes.data());
          bytes[0] = version;
          const bool of_a_stream = type <= 1 && complaint_about(bytes.data()).empty();
          EXPECT_EQ(is_plain_stream_frame(bytes.data()), of_a_stream);
        }
      }
    }
  }
}

TEST(YamuxFrame, version_type_and_flags_are_checked) {
  EXPECT_NE(complaint("010000000000000100000000"), "");
  EXPECT_NE(complaint("000400000000000100000000"), "");
  EXPECT_NE(complaint("00ff00000000000100000000"), "");
  EXPECT_NE(complaint("000000100000000100000000"), "");
  EXPECT_NE(complaint("000080000000000100000000"), "");
}

TEST(YamuxFrame, stream_id_must_fit_the_type) {
  EXPECT_NE(complaint("000000000000000000000000"), "") << "data for the session";
  EXPECT_NE(complaint("000100000000000000000000"), "") << "window of the session";
  EXPECT_NE(complaint("000200010000000100000000"), "") << "ping for a stream";
  EXPECT_NE(complaint("000300000000000100000000"), "") << "go away for a stream";
}

TEST(YamuxFrame, ping_is_request_or_answer_and_go_away_has_no_flags) {
  EXPECT_NE(complaint("000200000000000000000000"), "");
  EXPECT_NE(complaint("000200030000000000000000"), "");
  EXPECT_NE(complaint("000200050000000000000000"), "");
  EXPECT_NE(complaint("000300010000000000000000"), "");
}

}  // namespace
}  // namespace starling::muxer::yamux
