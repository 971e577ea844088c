#include "transport/quic/flow_window.hpp"

#include <gtest/gtest.h>

namespace starling::transport::quic {
namespace {

using namespace std::chrono_literals;
constexpr TimePoint kStart{1h};

TEST(QuicFlowWindow, gives_back_what_was_consumed) {
  FlowWindow window(1000, 1000);
  EXPECT_EQ(window.consume(499, 10ms, kStart), 499u);
  EXPECT_EQ(window.consume(700, 10ms, kStart), 700u) << "it is as large as it gets";
  EXPECT_EQ(window.size(), 1000u);
}

TEST(QuicFlowWindow, doubles_when_half_went_within_two_round_trips) {
  FlowWindow window(1000, 5000);
  EXPECT_EQ(window.consume(499, 10ms, kStart), 499u) << "the time begins";
  EXPECT_EQ(window.consume(1, 10ms, kStart + 19ms), 1001u);
  EXPECT_EQ(window.consume(999, 10ms, kStart + 38ms), 999u) << "half of two thousand is awaited";
  EXPECT_EQ(window.consume(1, 10ms, kStart + 38ms), 2001u);
  EXPECT_EQ(window.consume(2000, 10ms, kStart + 50ms), 3000u) << "up to the most";
  EXPECT_EQ(window.size(), 5000u);
}

TEST(QuicFlowWindow, stays_when_the_remote_takes_its_time) {
  FlowWindow window(1000, 5000);
  EXPECT_EQ(window.consume(100, 10ms, kStart), 100u);
  EXPECT_EQ(window.consume(400, 10ms, kStart + 20ms), 400u);
  EXPECT_EQ(window.consume(500, 10ms, kStart + 40ms), 500u);
  EXPECT_EQ(window.consume(500, 0ms, kStart + 40ms), 500u) << "no round trip was measured";
  EXPECT_EQ(window.size(), 1000u);
}

}  // namespace
}  // namespace starling::transport::quic
