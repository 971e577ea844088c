#include "starling/wire/protobuf.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace starling::wire {
namespace {

ByteVector hex(std::string_view text) { return from_hex(text).value(); }

// Reads everything, skipping each value, and gives the error.
ErrorCode error_of(Bytes message) {
  MessageReader reader(message);
  while (reader.next()) {
  }
  return reader.finish("test").error().code();
}

// protobuf.dev, Encoding: field 1 = 150, "testing" in field 2, and a message in field 3
TEST(ProtobufTest, published_examples) {
  ByteVector out;
  MessageWriter writer(out);
  writer.varint(1, 150);
  writer.text(2, "testing");
  writer.message(3, [](MessageWriter& inner) { inner.varint(1, 150); });
  EXPECT_EQ(to_hex(out),
            "089601"
            "120774657374696e67"
            "1a03089601");
  MessageReader reader(out);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.field(), 1u);
  EXPECT_EQ(reader.varint(), 150u);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.field(), 2u);
  EXPECT_EQ(reader.text(), "testing");
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.wire_type(), WireType::LengthDelimited);
  EXPECT_EQ(to_hex(reader.bytes()), "089601");
  EXPECT_FALSE(reader.next());
  EXPECT_TRUE(reader.finish("example"));
}

TEST(ProtobufTest, every_kind_comes_back_at_its_edges) {
  for (const std::uint64_t value :
       {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{128}, std::uint64_t{1} << 32, ~std::uint64_t{0}}) {
    ByteVector out;
    MessageWriter writer(out);
    writer.varint(1, value);
    writer.fixed32(2, std::uint32_t(value));
    writer.fixed64(3, value);
    writer.boolean(18999, value != 0);
    writer.bytes(20000, {});
    writer.varint((1u << 29) - 1, value);
    MessageReader reader(out);
    ASSERT_TRUE(reader.next());
    EXPECT_EQ(reader.varint(), value);
    ASSERT_TRUE(reader.next());
    EXPECT_EQ(reader.fixed32(), std::uint32_t(value));
    ASSERT_TRUE(reader.next());
    EXPECT_EQ(reader.fixed64(), value);
    ASSERT_TRUE(reader.next());
    EXPECT_EQ(reader.boolean(), value != 0);
    ASSERT_TRUE(reader.next());
    EXPECT_TRUE(reader.bytes().empty());
    ASSERT_TRUE(reader.next());
    EXPECT_EQ(reader.field(), (1u << 29) - 1);
    EXPECT_EQ(reader.varint(), value);
    EXPECT_TRUE(reader.finish("edges"));
  }
}

TEST(ProtobufTest, long_nested_messages_get_long_prefixes) {
  const ByteVector payload(20000, 1);
  ByteVector out{0xee};
  MessageWriter writer(out);
  writer.message(1, [&](MessageWriter& inner) {
    inner.message(1, [&](MessageWriter& innermost) { innermost.bytes(1, payload); });
  });
  MessageReader outer(Bytes(out).subspan(1));
  ASSERT_TRUE(outer.next());
  MessageReader middle(outer.bytes());
  ASSERT_TRUE(middle.next());
  MessageReader inner(middle.bytes());
  ASSERT_TRUE(inner.next());
  EXPECT_TRUE(equal(inner.bytes(), payload));
  EXPECT_TRUE(inner.finish("inner"));
}

TEST(ProtobufTest, unread_and_unknown_fields_are_skipped) {
  const ByteVector message =
      hex("0801"
          "1203616263"
          "1d01020304"
          "210102030405060708"
          "2803");
  MessageReader reader(message);
  std::uint64_t last = 0;
  while (reader.next())
    if (reader.field() == 5) last = reader.varint();
  EXPECT_TRUE(reader.finish("skipping"));
  EXPECT_EQ(last, 3u);
}

TEST(ProtobufTest, every_truncation_is_an_error) {
  const ByteVector message =
      hex("0896011203616263"
          "1d01020304"
          "210102030405060708");
  const std::size_t boundaries[] = {0, 3, 8, 13, 22};
  for (std::size_t size = 0; size <= message.size(); ++size) {
    MessageReader reader(Bytes(message).first(size));
    while (reader.next()) {
    }
    const bool whole = std::ranges::find(boundaries, size) != std::end(boundaries);
    const Status status = reader.finish("cut");
    EXPECT_EQ(status.has_value(), whole) << size;
    if (!whole) {
      EXPECT_EQ(status.error().code(), ErrorCode::Truncated);
    }
  }
}

TEST(ProtobufTest, malformed_keys_are_refused) {
  EXPECT_EQ(error_of(hex("00")), ErrorCode::Malformed) << "field 0";
  EXPECT_EQ(error_of(hex("0b")), ErrorCode::Malformed) << "start of a group";
  EXPECT_EQ(error_of(hex("0c")), ErrorCode::Malformed) << "end of a group";
  EXPECT_EQ(error_of(hex("0e00")), ErrorCode::Malformed) << "wire type 6";
  EXPECT_EQ(error_of(hex("c0a30900")), ErrorCode::Malformed) << "reserved field 19000";
  EXPECT_EQ(error_of(hex("808080801000")), ErrorCode::Malformed) << "field 2^29";
  EXPECT_EQ(error_of(hex("088080808080808080808001")), ErrorCode::Malformed) << "varint of eleven bytes";
}

// protozero itself cuts lengths to 32 bits, which would make this a field of five bytes.
TEST(ProtobufTest, length_above_32_bits_is_not_cut) {
  EXPECT_EQ(error_of(hex("0a8580808010"
                         "0000000000")),
            ErrorCode::Truncated);
}

TEST(ProtobufTest, other_wire_type_than_asked_is_an_error) {
  const ByteVector varint = hex("0801"), text = hex("0a0161");
  const auto error_after = [](Bytes message, auto read) {
    MessageReader reader(message);
    EXPECT_TRUE(reader.next());
    read(reader);
    EXPECT_FALSE(reader.next());
    return reader.finish("typed").error().code();
  };
  EXPECT_EQ(error_after(varint, [](MessageReader& r) { EXPECT_TRUE(r.bytes().empty()); }), ErrorCode::Malformed);
  EXPECT_EQ(error_after(varint, [](MessageReader& r) { EXPECT_EQ(r.fixed32(), 0u); }), ErrorCode::Malformed);
  EXPECT_EQ(error_after(varint, [](MessageReader& r) { EXPECT_EQ(r.fixed64(), 0u); }), ErrorCode::Malformed);
  EXPECT_EQ(error_after(text, [](MessageReader& r) { EXPECT_EQ(r.varint(), 0u); }), ErrorCode::Malformed);
}

TEST(ProtobufTest, bounds_hold_at_the_edge) {
  const ByteVector message =
      hex("0a03616263"
          "1005");
  MessageReader fits(message);
  ASSERT_TRUE(fits.next());
  EXPECT_EQ(fits.text(3), "abc");
  ASSERT_TRUE(fits.next());
  EXPECT_EQ(fits.varint(/*max=*/5), 5u);
  EXPECT_TRUE(fits.finish("edge"));
  MessageReader long_text(message);
  ASSERT_TRUE(long_text.next());
  EXPECT_EQ(long_text.text(2), "");
  EXPECT_EQ(long_text.finish("edge").error().code(), ErrorCode::TooLarge);
  MessageReader large(message);
  ASSERT_TRUE(large.next());
  ASSERT_TRUE(large.next());
  EXPECT_EQ(large.varint(/*max=*/4), 0u);
  EXPECT_EQ(large.finish("edge").error().code(), ErrorCode::TooLarge);
}

TEST(ProtobufTest, first_error_stays_and_names_the_message) {
  const ByteVector message = hex("0801");
  MessageReader reader(message);
  ASSERT_TRUE(reader.next());
  reader.reject(ErrorCode::UnknownCode, "field 1: no such thing");
  reader.reject(ErrorCode::Malformed, "later");
  EXPECT_EQ(reader.varint(), 0u);
  EXPECT_FALSE(reader.next());
  const Status status = reader.finish("envelope");
  EXPECT_EQ(status.error().code(), ErrorCode::UnknownCode);
  EXPECT_EQ(status.error().detail(), "envelope: field 1: no such thing");
  EXPECT_EQ(status.error().origin(), Origin::Remote);
}

TEST(ProtobufTest, writing_out_of_order_is_a_bug) {
  ByteVector out;
  MessageWriter writer(out);
  writer.varint(2, 1);
  writer.varint(2, 2);
  EXPECT_DEATH(writer.varint(1, 1), "ascending order");
}

}  // namespace
}  // namespace starling::wire
