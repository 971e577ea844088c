// A peer that reads a stream no further tells so by STOP_SENDING, alone or beside the end of its own side: so does
// rust-libp2p when it drops a stream.
#include <gtest/gtest.h>

#include "transport/quic/ng/session.hpp"
#include "transport/quic/ng/session_testing.hpp"

namespace starling::transport::quic {
namespace {

using namespace starling::testing;

class QuicStopSending : public SessionPair {
 protected:
  void SetUp() override {
    one_ = engine(security::make_certificate_der(test_key(1)).value());
    two_ = engine(security::make_certificate_der(test_key(2)).value());
    shake_hands(*one_, *two_);
    stream_ = client_.session->open_stream().value();
    client_.session->send(stream_, as_bytes("a question"));
    talk();
  }
  void stop_reading() {
    ngtcp2_conn* server = static_cast<ng::NgSession&>(*server_.session).native();
    ASSERT_EQ(ngtcp2_conn_shutdown_stream_read(server, 0, std::int64_t(stream_), 0), 0);
    talk();
  }
  bool told() const { return client_.stopped == std::vector<std::pair<StreamId, std::uint64_t>>{{stream_, 0}}; }

  std::unique_ptr<Engine> one_, two_;
  StreamId stream_{};
};

TEST_F(QuicStopSending, a_writer_learns_of_it_with_the_next_write) {
  stop_reading();
  client_.session->send(stream_, as_bytes("one more"));
  talk();
  EXPECT_TRUE(told());
  EXPECT_EQ(client_.session->unsent(), 0u);
}

TEST_F(QuicStopSending, a_writer_that_waits_for_the_window_learns_of_it_at_once) {
  client_.session->send(stream_, ByteVector(options_.initial_stream_window + 1));
  for (int i = 0; i < 50; ++i) talk();
  ASSERT_GT(client_.session->unsent(), 0u);
  stop_reading();
  EXPECT_TRUE(told());
  EXPECT_EQ(client_.session->unsent(), 0u);
}

TEST_F(QuicStopSending, a_writer_learns_of_it_when_the_peer_has_ended_its_own_side_too) {
  server_.session->close_write(stream_);
  stop_reading();
  EXPECT_TRUE(told());
}

TEST_F(QuicStopSending, it_is_no_news_when_everything_was_sent) {
  client_.session->close_write(stream_);
  talk();
  server_.session->close_write(stream_);
  stop_reading();
  EXPECT_TRUE(client_.stopped.empty());
}

}  // namespace
}  // namespace starling::transport::quic
