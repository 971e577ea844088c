// For the yamux tests: one session against frames made by hand.
#pragma once

#include <gtest/gtest.h>

#include "muxer/muxer_testing.hpp"
#include "muxer/yamux_session.hpp"

namespace starling::muxer::yamux {

inline ByteVector frame(Type type, std::uint16_t flags, std::uint32_t stream, std::uint32_t length,
                        Bytes payload = {}) {
  ByteVector bytes(kHeaderSize);
  encode({type, flags, stream, length}, bytes.data());
  append(bytes, payload);
  return bytes;
}
inline ByteVector data(std::uint16_t flags, std::uint32_t stream, Bytes payload) {
  return frame(Type::Data, flags, stream, std::uint32_t(payload.size()), payload);
}

/// A session whose remote is the test. Its remote opens even streams when it dialed.
class Bench {
 public:
  explicit Bench(Config config = listener(), std::uint32_t first_id = 0) : session(config, first_id) {
    seen.session = &session;
    seen.now = &now;
    session.start(now);
    sent();
  }
  static Config listener() { return {.initiator = false}; }

  Status feed(Bytes bytes) { return session.receive(bytes, now, seen); }
  /// The headers of what the session sent since the last call; payloads are skipped.
  std::vector<Header> sent() {
    std::vector<Header> headers;
    ByteQueue& output = session.output();
    while (!output.empty()) {
      EXPECT_EQ(complaint_about(output.view().data()), "");
      headers.push_back(decode(output.view().data()));
      output.consume(kHeaderSize + (headers.back().type == Type::Data ? headers.back().length : 0));
    }
    return headers;
  }
  /// Feeds bytes that must fail, with this code and a GOAWAY as the last frame.
  void expect_fault(Bytes bytes, ErrorCode code = ErrorCode::ProtocolViolation) {
    const Status status = feed(bytes);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code(), code);
    EXPECT_EQ(status.error().origin(), Origin::Remote);
    const auto headers = sent();
    ASSERT_FALSE(headers.empty());
    EXPECT_EQ(headers.back(), (Header{Type::GoAway, 0, 0, kProtocolError}));
  }

  TimePoint now{std::chrono::hours(1)};
  YamuxSession session;
  testing::Recorder seen;
};

}  // namespace starling::muxer::yamux
