#include "starling/protocols/ping/ping.hpp"

#include <gtest/gtest.h>

#include "support/sim_hosts.hpp"

namespace starling::ping {
namespace {

using namespace starling::testing;

class Ping : public TwoHosts {
 protected:
  static constexpr PingOptions kOptions{5s};
  Result<Pinger> open() { return run(Pinger::open(a(), b().id(), kOptions)); }
};

TEST_F(Ping, the_round_trip_is_that_of_the_link) {
  serve(b(), kOptions);
  connect();
  auto pinger = open();
  ASSERT_TRUE(pinger) << pinger.error().message();
  EXPECT_TRUE(run(pinger->ping()));  // carries the negotiation too
  for (int i = 0; i < 3; ++i) EXPECT_EQ(run(pinger->ping()).value_or(0s), 20ms);
  EXPECT_TRUE(run(pinger->close()));
}

TEST_F(Ping, other_bytes_than_were_sent_are_a_violation) {
  b().handle(std::string(kProtocolId), [](host::Stream stream) -> io::Task<void> {
    (void)co_await stream.write(ByteVector(kPingSize, 0));
    (void)co_await stream.close();
  });
  connect();
  auto pinger = open();
  ASSERT_TRUE(pinger);
  EXPECT_EQ(run(pinger->ping()).error(), ErrorCode::ProtocolViolation);
}

TEST_F(Ping, a_peer_that_does_not_answer_is_given_up_after_the_timeout) {
  serve(b(), kOptions);
  connect();
  auto pinger = open();
  ASSERT_TRUE(pinger && run(pinger->ping()));
  world_.partition(machine_a_, machine_b_);
  const TimePoint start = world_.now();
  EXPECT_EQ(run(pinger->ping()).error(), ErrorCode::Timeout);
  EXPECT_EQ(world_.now() - start, kOptions.timeout);
  world_.heal_all();
}

TEST_F(Ping, the_server_ends_a_stream_that_is_silent_too_long) {
  serve(b(), kOptions);
  connect();
  auto pinger = open();
  ASSERT_TRUE(pinger && run(pinger->ping()));
  EXPECT_EQ(b().open_streams(), 1u);
  world_.run_for(kOptions.timeout + 1s);
  EXPECT_EQ(b().open_streams(), 0u);
  EXPECT_EQ(run(pinger->ping()).error(), ErrorCode::StreamReset);
}

TEST_F(Ping, a_peer_without_ping_is_told_apart) {
  connect();
  auto pinger = open();
  ASSERT_TRUE(pinger);
  EXPECT_EQ(run(pinger->ping()).error(), ErrorCode::NoCommonProtocol);
}

}  // namespace
}  // namespace starling::ping
