#include "starling/base/bytes.hpp"

#include "starling/base/buffers.hpp"

#include <gtest/gtest.h>

#include <string>

#include "starling/base/random.hpp"

namespace starling {
namespace {

TEST(Bytes, hexadecimal_there_and_back) {
  const ByteVector bytes{0x00, 0x0f, 0xa5, 0xff};
  EXPECT_EQ(to_hex(bytes), "000fa5ff");
  EXPECT_EQ(from_hex("000FA5ff"), bytes);
  EXPECT_EQ(from_hex(""), ByteVector());
  EXPECT_EQ(from_hex("abc").error(), ErrorCode::Truncated);
  EXPECT_EQ(from_hex("0g").error(), ErrorCode::Malformed);
}

TEST(Bytes, big_endian_numbers) {
  std::uint8_t buffer[8];
  put_u64_be(buffer, 0x0102030405060708);
  EXPECT_EQ(to_hex(buffer), "0102030405060708");
  EXPECT_EQ(get_u64_be(buffer), 0x0102030405060708u);
  put_u32_be(buffer, 0xfffefdfc);
  EXPECT_EQ(get_u32_be(buffer), 0xfffefdfcu);
  put_u16_be(buffer, 0xff01);
  EXPECT_EQ(get_u16_be(buffer), 0xff01u);
}

TEST(Bytes, equal_compares_content) {
  EXPECT_TRUE(equal({}, {}));
  EXPECT_TRUE(equal(as_bytes("abc"), as_bytes("abc")));
  EXPECT_FALSE(equal(as_bytes("abc"), as_bytes("abd")));
  EXPECT_FALSE(equal(as_bytes("abc"), as_bytes("ab")));
}

TEST(ByteQueue, holds_no_memory_while_empty) {
  ByteQueue queue;
  EXPECT_EQ(queue.capacity(), 0u);
  queue.append({});
  EXPECT_EQ(queue.capacity(), 0u);
  queue.append(as_bytes("abc"));
  EXPECT_GT(queue.capacity(), 0u);
  queue.consume(2);
  EXPECT_EQ(as_text(queue.view()), "c");
  queue.consume(1);
  EXPECT_EQ(queue.capacity(), 0u);
  EXPECT_TRUE(queue.view().empty());
}

TEST(ByteQueue, prepare_gives_at_least_the_room_asked_for) {
  ByteQueue queue;
  for (const std::size_t room : {1u, 1000u, 1024u, 1025u, 100'000u, 3'000'000u}) {
    EXPECT_GE(queue.prepare(room).size(), room);
    queue.commit(1);
  }
  EXPECT_EQ(queue.size(), 6u);
}

TEST(ByteQueue, moves_its_content) {
  ByteQueue first;
  first.append(as_bytes("content"));
  ByteQueue second = std::move(first);
  EXPECT_EQ(as_text(second.view()), "content");
  ByteQueue third;
  third = std::move(second);
  EXPECT_EQ(as_text(third.view()), "content");
  third.clear();
  EXPECT_TRUE(third.empty());
}

TEST(ByteQueue, behaves_like_a_string_whatever_is_appended_and_consumed) {
  auto random = seeded_random(1);
  ByteQueue queue;
  std::string model;
  for (int step = 0; step < 20'000; ++step) {
    const std::size_t size = random->below(step % 100 == 0 ? 50'000 : 300);
    if (random->below(2) == 0) {
      const std::string text(size, char(random->below(256)));
      queue.append(as_bytes(text));
      model += text;
    } else {
      const std::size_t most = std::min(size, model.size());
      queue.consume(most);
      model.erase(0, most);
    }
    ASSERT_EQ(queue.size(), model.size());
    ASSERT_LE(queue.size(), queue.capacity());
    if (step % 50 == 0) ASSERT_TRUE(as_text(queue.view()) == model);
  }
}

TEST(ByteQueue, what_buffers_hold_is_counted_until_they_are_empty) {
  const std::size_t before = buffer_bytes();
  {
    ByteQueue queue;
    const ByteVector data(5000);
    queue.append(data);
    EXPECT_EQ(buffer_bytes(), before + 8192);
    queue.append(data);
    EXPECT_EQ(buffer_bytes(), before + 16384);
  }
  EXPECT_EQ(buffer_bytes(), before);
}

}  // namespace
}  // namespace starling
