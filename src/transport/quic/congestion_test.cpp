// What congestion control makes of a way: loss, pauses, a narrow place with a long queue. Virtual time, so figures are
// those of the way, not of a processor.
#include "transport/quic/quic_testing.hpp"

namespace starling::transport::quic {
namespace {

constexpr std::size_t kMiB = 1u << 20;
constexpr std::uint64_t kNarrow = 2'000'000;  // bytes a second

class QuicCongestionTest : public QuicTest {
 protected:
  void connect_over(const io::SimLink& link) {
    world_.set_default_link(link);
    QuicOptions options = quic_options();
    options.congestion = QuicCongestion::Bbr;
    options.output_buffer = 512u << 10;
    options.max_stream_window = options.max_connection_window = 8 * kMiB;
    connect_with(options);
  }
  /// How long 2 MiB take.
  Duration transfer() {
    const TimePoint start = world_.now();
    transfer_while([] {});
    return world_.now() - start;
  }
};

// Loss by chance says nothing of a queue. It takes 0.65 s; Cubic, for which a loss is a full queue, needs 7.4 s.
TEST_F(QuicCongestionTest, a_loss_in_a_hundred_does_not_make_a_transfer_slow) {
  connect_over({.latency = 30ms, .datagram_loss = 0.01});
  EXPECT_LT(transfer(), 2s);
}

TEST_F(QuicCongestionTest, nor_does_one_in_ten) {
  connect_over({.latency = 30ms, .datagram_loss = 0.1});
  EXPECT_LT(transfer(), 10s);
}

TEST_F(QuicCongestionTest, after_a_pause_a_transfer_is_as_fast_as_before) {
  connect_over({.latency = 30ms, .bytes_per_second = kNarrow});
  const Duration before = transfer();
  world_.run_for(20s);
  EXPECT_LT(transfer(), before + 200ms);
}

// 9 in the median; with Cubic 179, by which the queue of the narrow place is long.
TEST_F(QuicCongestionTest, a_ping_beside_an_upload_waits_for_few_packets) {
  constexpr Duration kLatency = 10ms;
  connect_over({.latency = kLatency, .bytes_per_second = kNarrow, .datagram_queue = 400ms});
  io::TaskGroup group(world_.reactor());
  const auto upload = open(*dialer_);
  std::optional<Status> sent;
  std::optional<Result<ByteVector>> received;
  const ByteVector bulk = pattern(16 * kMiB);
  group.spawn(keep(send(*upload, bulk), sent));
  const auto uploaded = run(acceptor_->next_stream());
  group.spawn(keep(receive(*uploaded), received));
  world_.run_for(1s);
  const auto near = open(*dialer_);
  ASSERT_TRUE(run(send(*near, as_bytes("ping"))));
  const auto far = run(acceptor_->next_stream());
  ASSERT_TRUE(run(receive(*far, 4)));
  std::vector<double> waits;
  for (int i = 0; i < 20; ++i) {
    const TimePoint start = world_.now();
    ASSERT_TRUE(run(send(*near, as_bytes("ping"))));
    ASSERT_TRUE(run(receive(*far, 4)));
    const Duration queued = world_.now() - start - kLatency;
    waits.push_back(std::chrono::duration<double>(queued).count() * double(kNarrow) / 1452);
    world_.run_for(100ms);
  }
  EXPECT_FALSE(sent) << "the upload goes on";
  std::sort(waits.begin(), waits.end());
  EXPECT_LT(waits[waits.size() / 2], 40) << "packets of the upload";
  run(group.close());
}

}  // namespace
}  // namespace starling::transport::quic
