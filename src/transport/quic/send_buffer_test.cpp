#include "transport/quic/send_buffer.hpp"

#include <gtest/gtest.h>

#include "starling/base/random.hpp"

namespace starling::transport::quic {
namespace {

ByteVector all_of(const SendBuffer& buffer) { return to_vector(buffer.next()); }

TEST(SendBuffer, gives_what_was_put_in_until_it_is_acknowledged) {
  SendBuffer buffer;
  EXPECT_TRUE(buffer.next().empty());
  buffer.append(as_bytes("hello "));
  buffer.append(as_bytes("world"));
  EXPECT_EQ(as_text(buffer.next()), "hello world");
  buffer.sent(6);
  EXPECT_EQ(as_text(buffer.next()), "world");
  EXPECT_EQ(buffer.unsent(), 5u);
  EXPECT_EQ(buffer.unacknowledged(), 6u);
  EXPECT_EQ(buffer.acknowledged(4), 4u);
  EXPECT_EQ(buffer.acknowledged(99), 2u) << "no more than was sent";
  EXPECT_EQ(as_text(buffer.next()), "world");
}

TEST(SendBuffer, bytes_in_flight_do_not_move) {
  SendBuffer buffer;
  buffer.append(as_bytes("first"));
  const std::uint8_t* const where = buffer.next().data();
  buffer.sent(5);
  for (int i = 0; i < 100; ++i) buffer.append(ByteVector(5000, std::uint8_t(i)));
  EXPECT_EQ(as_text({where, 5}), "first");
}

TEST(SendBuffer, any_pieces_give_the_same_stream) {
  const auto random = seeded_random(3);
  SendBuffer buffer;
  ByteVector put, got;
  for (int step = 0; step < 20'000; ++step) {
    const std::uint64_t what = random->below(3);
    if (what == 0) {
      ByteVector piece(random->below(3000));
      random->fill(piece);
      append(put, piece);
      buffer.append(piece);
    } else if (what == 1) {
      const Bytes next = buffer.next();
      const std::size_t count = next.empty() ? 0 : random->below(next.size() + 1);
      append(got, next.first(count));
      buffer.sent(count);
    } else {
      buffer.acknowledged(random->below(buffer.unacknowledged() + 1));
    }
    ASSERT_EQ(buffer.unsent(), put.size() - got.size());
  }
  while (buffer.unsent() > 0) {
    append(got, all_of(buffer));
    buffer.sent(buffer.next().size());
  }
  EXPECT_TRUE(put == got);
  buffer.acknowledged(put.size());
  EXPECT_EQ(buffer.unacknowledged(), 0u);
}

}  // namespace
}  // namespace starling::transport::quic
