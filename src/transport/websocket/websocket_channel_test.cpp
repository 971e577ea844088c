// WebSocket frames: what is written, what is read in whatever pieces, what is refused and how the remote is told.
#include "transport/websocket/websocket_channel.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "starling/base/random.hpp"

namespace starling::transport {
namespace {

using ::testing::HasSubstr;

struct Collector final : security::PlaintextSink {
  Status on_plaintext(Bytes plaintext) override {
    append(bytes, plaintext);
    return {};
  }
  ByteVector bytes;
};

ByteVector pattern(std::size_t size) {
  ByteVector bytes(size);
  seeded_random(1)->fill(bytes);
  return bytes;
}

class WebSocketFrames : public ::testing::Test {
 protected:
  std::unique_ptr<Random> random_ = seeded_random(3);
  WebSocketChannel client_{{.client = true, .max_frame_bytes = 1u << 20}, *random_};
  WebSocketChannel server_{{.client = false, .max_frame_bytes = 1u << 20}, *random_};
  ByteQueue wire_;
  Collector sink_;

  void feed(std::string_view hex) { wire_.append(from_hex(hex).value()); }
  /// What the client says, and tells the server, when it is fed these frames of a server.
  Error refused(std::string_view hex, std::uint16_t code) {
    WebSocketChannel client({.client = true, .max_frame_bytes = 1u << 20}, *random_);
    ByteQueue wire, answer, echo;
    wire.append(from_hex(hex).value());
    const Status opened = client.open(wire, sink_);
    EXPECT_FALSE(opened) << hex;
    if (opened) return Error(ErrorCode::Internal, Op::None, Origin::Bug);
    EXPECT_EQ(client.open(wire, sink_).error().code(), opened.error().code()) << "it stays refused";
    EXPECT_TRUE(client.close(answer));
    EXPECT_EQ(answer.size(), 8u) << "a masked Close with a code";
    WebSocketChannel server({.client = false, .max_frame_bytes = 1}, *random_);
    EXPECT_TRUE(server.open(answer, sink_));
    EXPECT_TRUE(server.seal({}, echo));
    EXPECT_EQ(to_hex(echo.view()), "8802" + to_hex(ByteVector{std::uint8_t(code >> 8), std::uint8_t(code)}));
    return opened.error();
  }
};

TEST_F(WebSocketFrames, a_server_writes_the_examples_of_the_specification) {
  ASSERT_TRUE(server_.seal(as_bytes("Hello"), wire_));
  EXPECT_EQ(to_hex(wire_.view()), "820548656c6c6f");
  wire_.clear();
  ASSERT_TRUE(server_.seal(pattern(256), wire_));
  EXPECT_EQ(to_hex(wire_.view().first(4)), "827e0100");
  wire_.clear();
  ASSERT_TRUE(server_.seal(pattern(65536), wire_));
  EXPECT_EQ(to_hex(wire_.view().first(10)), "827f0000000000010000");
}

TEST_F(WebSocketFrames, a_client_masks_and_the_server_takes_the_mask_off) {
  for (const std::size_t size : {0u, 1u, 7u, 8u, 125u, 126u, 127u, 65535u, 65536u, 100'000u}) {
    ASSERT_TRUE(client_.seal(pattern(size), wire_));
    if (size > 16) EXPECT_NE(to_hex(wire_.view().last(8)), to_hex(Bytes(pattern(size)).last(8)));
    ASSERT_TRUE(server_.open(wire_, sink_));
    EXPECT_TRUE(wire_.empty());
    EXPECT_TRUE(sink_.bytes == pattern(size)) << size;
    sink_.bytes.clear();
  }
}

TEST_F(WebSocketFrames, the_masked_example_of_the_specification_is_read) {
  feed("828537fa213d7f9f4d5158");  // RFC 6455, section 5.7, as binary
  ASSERT_TRUE(server_.open(wire_, sink_));
  EXPECT_EQ(as_text(sink_.bytes), "Hello");
}

TEST_F(WebSocketFrames, content_is_handed_on_before_its_frame_is_complete) {
  for (const std::size_t piece : {1u, 3u, 1000u}) {
    ByteQueue all, some;
    ASSERT_TRUE(client_.seal(pattern(5000), all));
    ASSERT_TRUE(client_.seal(as_bytes("next"), all));
    while (!all.empty()) {
      const std::size_t count = std::min(piece, all.size());
      some.append(all.view().first(count));
      all.consume(count);
      ASSERT_TRUE(server_.open(some, sink_));
      EXPECT_LT(some.size(), 14u) << "only an unfinished header waits";
    }
    ByteVector expected = pattern(5000);
    append(expected, as_bytes("next"));
    EXPECT_TRUE(sink_.bytes == expected);
    sink_.bytes.clear();
  }
}

TEST_F(WebSocketFrames, a_message_in_fragments_with_a_ping_between_is_one_stream) {
  feed(
      "020141"
      "8900"
      "000142"
      "0000"
      "800143");
  ASSERT_TRUE(client_.open(wire_, sink_));
  EXPECT_EQ(as_text(sink_.bytes), "ABC");
}

TEST_F(WebSocketFrames, of_many_pings_the_last_is_answered_once) {
  for (int i = 0; i < 1000; ++i) feed("89026162");
  feed(
      "8901"
      "7a"
      "8a00");
  ASSERT_TRUE(client_.open(wire_, sink_));
  ASSERT_TRUE(client_.seal({}, wire_));
  EXPECT_EQ(wire_.size(), 2u + 4 + 1);
  EXPECT_EQ(wire_.view()[0], 0x8a);
  wire_.clear();
  ASSERT_TRUE(client_.seal({}, wire_));
  EXPECT_TRUE(wire_.empty());
}

TEST_F(WebSocketFrames, a_close_is_answered_with_its_code_and_ends_the_stream) {
  feed(
      "820141"
      "880203e9"
      "820142");
  ASSERT_TRUE(client_.open(wire_, sink_));
  EXPECT_TRUE(client_.remote_closed());
  EXPECT_TRUE(wire_.empty()) << "nothing counts behind it";
  EXPECT_EQ(as_text(sink_.bytes), "A");
  ASSERT_TRUE(client_.seal({}, wire_));
  ASSERT_TRUE(server_.open(wire_, sink_));
  EXPECT_TRUE(server_.remote_closed());
  EXPECT_EQ(client_.seal(as_bytes("x"), wire_).error(), ErrorCode::Closed);
}

TEST_F(WebSocketFrames, who_closes_first_still_reads_until_the_answer_comes) {
  ASSERT_TRUE(server_.close(wire_));
  ASSERT_TRUE(server_.close(wire_));
  EXPECT_EQ(to_hex(wire_.view()), "880203e8") << "said once";
  wire_.clear();
  ASSERT_TRUE(client_.seal(as_bytes("late"), wire_));
  ASSERT_TRUE(client_.close(wire_));
  ASSERT_TRUE(server_.open(wire_, sink_));
  EXPECT_EQ(as_text(sink_.bytes), "late");
  EXPECT_TRUE(server_.remote_closed());
  ASSERT_TRUE(server_.seal({}, wire_));
  EXPECT_TRUE(wire_.empty());
}

TEST_F(WebSocketFrames, broken_frames_end_the_connection_and_the_remote_is_told_why) {
  const std::pair<const char*, const char*> frames[] = {
      {"c20141", "reserved"},     // a bit that only an extension may set
      {"828100000000", "masks"},  // from a server
      {"830141", "opcode 3"},
      {"8b00", "opcode 11"},
      {"0900", "fragmented control"},
      {"897e0080", "long or fragmented control"},
      {"000141", "nothing to continue"},
      {"020141020142", "inside another"},
      {"827e000141", "not minimal"},
      {"827f000000000000ffff", "not minimal"},
      {"880103", "malformed reason"},
      {"880203ed", "malformed reason"},  // 1005 is never sent
  };
  for (const auto& [hex, why] : frames) {
    const Error error = refused(hex, 1002);
    EXPECT_EQ(error, ErrorCode::ProtocolViolation);
    EXPECT_THAT(error.detail(), HasSubstr(why)) << hex;
  }
  EXPECT_THAT(refused("810141", 1003).detail(), HasSubstr("text"));
}

TEST_F(WebSocketFrames, a_frame_at_the_bound_is_read_and_one_above_is_refused_by_its_header) {
  feed("827f0000000000100000");
  EXPECT_TRUE(client_.open(wire_, sink_));
  EXPECT_EQ(refused("827f0000000000100001", 1009), ErrorCode::MessageTooLarge);
  EXPECT_EQ(refused("827fffffffffffffffff", 1009), ErrorCode::MessageTooLarge);
}

TEST_F(WebSocketFrames, a_server_refuses_what_is_not_masked) {
  feed("820141");
  EXPECT_EQ(server_.open(wire_, sink_).error(), ErrorCode::ProtocolViolation);
}

}  // namespace
}  // namespace starling::transport
