#include "transport/inbox.hpp"

#include <gtest/gtest.h>

namespace starling::transport {
namespace {

const ByteVector kPiece(16384, 'x');

void fill(Inbox& inbox, std::size_t pieces) {
  for (std::size_t i = 0; i < pieces; ++i) inbox.append(kPiece);
}

TEST(Inbox, gives_back_what_was_put_in) {
  Inbox inbox;
  inbox.append(as_bytes("to be "));
  inbox.append(as_bytes("read"));
  EXPECT_EQ(as_text(inbox.view()), "to be read");
  inbox.consume(6);
  EXPECT_EQ(as_text(inbox.view()), "read");
  inbox.consume(4);
  EXPECT_TRUE(inbox.empty());
}

TEST(Inbox, begins_with_the_room_that_it_needed_before) {
  Inbox inbox;
  fill(inbox, 8);
  inbox.consume(inbox.size());
  EXPECT_EQ(inbox.capacity(), 0u) << "nothing is held while it is empty";
  inbox.append(kPiece);
  EXPECT_EQ(inbox.capacity(), 8 * kPiece.size());
}

TEST(Inbox, takes_little_room_for_few_bytes_whatever_came_before) {
  Inbox inbox;
  fill(inbox, 8);
  inbox.consume(inbox.size());
  inbox.append(as_bytes("short"));
  EXPECT_LE(inbox.capacity(), 1024u);
}

TEST(Inbox, expects_no_more_than_a_turn_brings) {
  Inbox inbox;
  fill(inbox, 100);
  inbox.consume(inbox.size());
  inbox.append(ByteVector(65536, 'x'));
  EXPECT_EQ(inbox.capacity(), Inbox::kMaxExpected);
}

}  // namespace
}  // namespace starling::transport
