#include "starling/wire/frame.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace starling::wire {
namespace {

constexpr std::size_t kMax = 300;

ByteVector framed(Bytes payload) {
  ByteVector out;
  append_frame(out, payload);
  return out;
}
ByteVector framed(std::size_t size, std::uint8_t fill = 7) { return framed(ByteVector(size, fill)); }

TEST(FrameTest, both_writers_agree) {
  for (const std::size_t size : {0, 1, 127, 128, 300, 16383, 16384, 70000}) {
    const ByteVector payload(size, 3);
    ByteQueue queue;
    append_frame(queue, payload);
    EXPECT_TRUE(equal(queue.view(), framed(payload))) << size;
  }
}

TEST(FrameTest, frame_at_the_front_is_found) {
  ByteVector input = framed(as_bytes("hello"));
  append(input, as_bytes("rest"));
  const auto frame = parse_frame(input, kMax).value();
  ASSERT_TRUE(frame);
  EXPECT_EQ(as_text(frame->payload), "hello");
  EXPECT_EQ(frame->size, 6u);
}

TEST(FrameTest, every_incomplete_frame_waits) {
  const ByteVector input = framed(200);
  for (std::size_t size = 0; size < input.size(); ++size)
    EXPECT_FALSE(parse_frame(Bytes(input).first(size), kMax).value()) << size;
  EXPECT_TRUE(parse_frame(input, kMax).value());
}

TEST(FrameTest, bound_holds_at_the_edge) {
  EXPECT_TRUE(parse_frame(framed(kMax), kMax).value());
  EXPECT_EQ(parse_frame(framed(kMax + 1), kMax).error().code(), ErrorCode::TooLarge);
  EXPECT_TRUE(parse_frame(framed(0), 0).value());
  EXPECT_EQ(parse_frame(framed(1), 0).error().code(), ErrorCode::TooLarge);
}

TEST(FrameTest, size_is_refused_before_the_payload_comes) {
  const ByteVector prefix = from_hex("ffffffffffffffff7f").value();
  EXPECT_EQ(parse_frame(prefix, SIZE_MAX / 4).error().code(), ErrorCode::TooLarge);
}

TEST(FrameTest, bad_prefixes_are_refused) {
  EXPECT_EQ(parse_frame(from_hex("8000").value(), kMax).error().code(), ErrorCode::NotCanonical);
  EXPECT_EQ(parse_frame(ByteVector(10, 0x80), kMax).error().code(), ErrorCode::TooLarge);
}

TEST(FrameReaderTest, frames_come_whole_however_they_are_cut) {
  ByteVector stream;
  for (const std::size_t size : {0, 5, 127, 128, 300, 0, 1}) append(stream, framed(size, std::uint8_t(size)));
  for (std::size_t piece = 1; piece <= stream.size(); piece = piece * 2 + 1) {
    SCOPED_TRACE(piece);
    FrameReader reader(kMax);
    std::vector<std::size_t> sizes;
    for (Bytes rest = stream; !rest.empty();) {
      const std::size_t taken = std::min(piece, rest.size());
      reader.feed(rest.first(taken));
      rest = rest.subspan(taken);
      while (const auto frame = reader.next().value()) {
        EXPECT_TRUE(
            std::ranges::all_of(*frame, [&](std::uint8_t byte) { return byte == std::uint8_t(frame->size()); }));
        sizes.push_back(frame->size());
      }
    }
    EXPECT_EQ(sizes, (std::vector<std::size_t>{0, 5, 127, 128, 300, 0, 1}));
    EXPECT_TRUE(reader.at_boundary());
  }
}

TEST(FrameReaderTest, tells_how_much_is_missing) {
  FrameReader reader(kMax);
  const ByteVector frame = framed(200);
  EXPECT_EQ(reader.missing(), 1u);
  reader.feed(Bytes(frame).first(1));
  EXPECT_EQ(reader.missing(), 1u) << "the prefix is not complete";
  reader.feed(Bytes(frame).subspan(1, 1));
  EXPECT_EQ(reader.missing(), 200u);
  EXPECT_FALSE(reader.at_boundary());
  reader.feed(Bytes(frame).subspan(2));
  EXPECT_EQ(reader.missing(), 0u);
  EXPECT_TRUE(reader.next().value());
  EXPECT_TRUE(reader.at_boundary());
  EXPECT_EQ(reader.missing(), 1u);
}

TEST(FrameReaderTest, reading_only_what_is_missing_leaves_the_rest_alone) {
  ByteVector stream = framed(150);
  const std::size_t frame_size = stream.size();
  append(stream, as_bytes("another protocol"));
  FrameReader reader(kMax);
  std::size_t taken = 0;
  while (reader.missing() > 0) {
    const std::size_t wanted = reader.missing();
    reader.feed(Bytes(stream).subspan(taken, wanted));
    taken += wanted;
  }
  EXPECT_EQ(taken, frame_size);
  EXPECT_EQ(reader.next().value()->size(), 150u);
}

TEST(FrameReaderTest, broken_prefix_is_final) {
  FrameReader reader(kMax);
  reader.feed(framed(kMax + 1));
  EXPECT_EQ(reader.missing(), 0u);
  EXPECT_EQ(reader.next().error().code(), ErrorCode::TooLarge);
  reader.feed(framed(1));
  EXPECT_EQ(reader.next().error().code(), ErrorCode::TooLarge);
}

TEST(FrameReaderTest, rest_is_handed_over) {
  ByteVector stream = framed(3);
  append(stream, as_bytes("rest"));
  FrameReader reader(kMax);
  reader.feed(stream);
  EXPECT_TRUE(reader.next().value());
  EXPECT_EQ(as_text(reader.take_rest().view()), "rest");
  EXPECT_TRUE(reader.at_boundary());
  EXPECT_TRUE(reader.take_rest().empty());
}

}  // namespace
}  // namespace starling::wire
