#include <gtest/gtest.h>

#include "starling/transport/connection.hpp"

namespace starling::transport {
namespace {

using By = CloseReason::By;

CloseReason of(By by, auto code) { return {by, std::uint32_t(code), std::nullopt}; }

TEST(CloseReason, names_the_codes_of_connections_and_streams) {
  EXPECT_EQ(of(By::Remote, CloseCode::ResourceLimit).to_string(), "closed by the remote peer (resource limit)");
  EXPECT_EQ(of(By::Remote, ResetCode::ResourceLimit).reset_to_string(), "closed by the remote peer (resource limit)");
  EXPECT_EQ(of(By::Local, CloseCode::GarbageCollected).to_string(), "closed by this node (garbage collected)");
  EXPECT_EQ(of(By::Remote, 7).to_string(), "closed by the remote peer (code 7)");
  EXPECT_EQ(of(By::Remote, CloseCode::OutOfRange).to_string(), "closed by the remote peer (out of range)");
  EXPECT_EQ(of(By::Remote, 0).to_string(), "closed by the remote peer");
}

TEST(CloseReason, tells_a_refusal_of_the_remote_from_one_of_this_node) {
  EXPECT_EQ(of(By::Remote, CloseCode::ResourceLimit).meaning(), ErrorCode::RemoteLimit);
  EXPECT_EQ(of(By::Local, CloseCode::ResourceLimit).meaning(), ErrorCode::ConnectionClosed);
  EXPECT_EQ(of(By::Remote, CloseCode::Gated).meaning(), ErrorCode::RemoteGated);
  EXPECT_EQ(of(By::Remote, CloseCode::Shutdown).meaning(), ErrorCode::ConnectionClosed);
  EXPECT_EQ(of(By::Remote, ResetCode::RateLimited).reset_meaning(), ErrorCode::RemoteLimit);
  EXPECT_EQ(of(By::Remote, ResetCode::NegotiationFailed).reset_meaning(), ErrorCode::StreamReset);
  EXPECT_EQ(of(By::Local, ResetCode::ResourceLimit).reset_meaning(), ErrorCode::StreamReset);
}

TEST(CloseReason, is_what_streams_end_with_and_fail_by) {
  const CloseReason full = of(By::Remote, CloseCode::ResourceLimit).of_streams();
  const Error closed = full.stream_error(Op::Read);
  EXPECT_EQ(closed, ErrorCode::ConnectionClosed);
  ASSERT_NE(closed.cause(), nullptr);
  EXPECT_EQ(*closed.cause(), ErrorCode::RemoteLimit);
  const Error reset = of(By::Remote, ResetCode::Gated).stream_error(Op::Write);
  EXPECT_EQ(reset, ErrorCode::StreamReset);
  EXPECT_EQ(reset.origin(), Origin::Remote);
  ASSERT_NE(reset.cause(), nullptr);
  EXPECT_EQ(*reset.cause(), ErrorCode::RemoteGated);
  EXPECT_EQ(of(By::Local, ResetCode::None).stream_error(Op::Read).cause(), nullptr);
}

}  // namespace
}  // namespace starling::transport
