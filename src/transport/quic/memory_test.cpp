// What a QUIC connection holds of the node's memory: bytes nobody read yet, and bytes to send or to send again.
#include <gtest/gtest.h>

#include "transport/quic/quic_testing.hpp"

namespace starling::transport::quic {
namespace {

using resource::Resource;
using resource::ScopeKind;

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kOwn = 32 * kKiB;  // of a connection that carries nothing

resource::LimitTable with_connection_memory(std::uint64_t bytes) {
  resource::LimitTable table = resource::derive({1u << 30, 1024});
  table[ScopeKind::Connection][Resource::Memory] = bytes;
  return table;
}

class QuicMemory : public QuicTest {
 protected:
  /// Both connections count in managers of their own, of which one connection may use so many bytes.
  void connect_within(std::uint64_t dialer_bytes, std::uint64_t acceptor_bytes) {
    dialer_budget_.emplace(with_connection_memory(dialer_bytes));
    acceptor_budget_.emplace(with_connection_memory(acceptor_bytes));
    set_up();
    connect();
    dialed().hold(*dialer_budget_->open_connection(Direction::Outbound, false, std::nullopt, TimePoint()));
    accepted().hold(*acceptor_budget_->open_connection(Direction::Inbound, false, std::nullopt, TimePoint()));
  }
  void TearDown() override {
    QuicTest::TearDown();
    for (const auto* budget : {&*dialer_budget_, &*acceptor_budget_}) EXPECT_TRUE(budget->used().none());
  }
  static std::uint64_t memory(const std::optional<resource::Manager>& budget) {
    return budget->used()[Resource::Memory];
  }
  /// Writes `data` on a stream of the dialer, with somebody at the other end who does not read.
  void write_unread(const ByteVector& data, std::optional<Status>& done, io::TaskGroup& group) {
    near_ = open(*dialer_);
    group.spawn(keep(send_and_close(*near_, data), done));
    far_ = run(acceptor_->next_stream());
    run(pause_for(world_.reactor(), 500ms));
  }

  std::optional<resource::Manager> dialer_budget_, acceptor_budget_;
  std::unique_ptr<RawStream> near_, far_;
};

TEST_F(QuicMemory, a_connection_that_carries_nothing_is_charged_for_itself_until_it_is_gone) {
  connect_within(64u << 20, 64u << 20);
  EXPECT_TRUE(talk());
  EXPECT_EQ(memory(dialer_budget_), kOwn);
  EXPECT_EQ(memory(acceptor_budget_), kOwn);
  run(dialer_->close());
  dialer_.reset();
  EXPECT_EQ(memory(dialer_budget_), 0u);
}

TEST_F(QuicMemory, what_nobody_reads_is_charged_and_given_back_as_it_is_read) {
  connect_within(64u << 20, 64u << 20);
  const ByteVector sent = pattern(200 * kKiB);
  std::optional<Status> done;
  io::TaskGroup group(world_.reactor());
  write_unread(sent, done, group);
  EXPECT_EQ(memory(acceptor_budget_), kOwn + 192 * kKiB) << "in steps of 64 KiB";
  EXPECT_TRUE(*run(receive(*far_)) == sent);
  run(pause_for(world_.reactor(), 500ms));
  EXPECT_EQ(memory(acceptor_budget_), kOwn);
  EXPECT_EQ(memory(dialer_budget_), kOwn) << "everything is acknowledged";
  far_.reset();
  near_.reset();
}

TEST_F(QuicMemory, what_is_not_acknowledged_yet_is_charged_to_the_sender) {
  connect_within(64u << 20, 64u << 20);
  const int cut = world_.partition(client_machine_, server_machine_);
  near_ = open(*dialer_);
  ASSERT_TRUE(near_->try_write(pattern(64 * kKiB)));
  run(pause_for(world_.reactor(), 100ms));
  EXPECT_EQ(memory(dialer_budget_), kOwn + 64 * kKiB);
  world_.heal(cut);
  run(pause_for(world_.reactor(), 3s));
  EXPECT_EQ(memory(dialer_budget_), kOwn);
  near_.reset();
}

TEST_F(QuicMemory, the_stream_that_brings_more_than_there_is_memory_for_is_reset_and_the_others_go_on) {
  connect_within(64u << 20, 200 * kKiB);
  const ByteVector sent = pattern(256 * kKiB);
  std::optional<Status> done;
  io::TaskGroup group(world_.reactor());
  write_unread(sent, done, group);
  ASSERT_NE(near_->close_reason(), nullptr);
  EXPECT_EQ(near_->close_reason()->reset_meaning(), ErrorCode::RemoteLimit);
  EXPECT_EQ(accepted().stats().overrun_streams, 1u);
  EXPECT_TRUE(far_->peek().empty()) << "its bytes are gone however long the stream is kept";
  EXPECT_LE(memory(acceptor_budget_), kOwn + 64 * kKiB);
  run(group.join());
  EXPECT_TRUE(talk());
  far_.reset();
  near_.reset();
}

TEST_F(QuicMemory, without_memory_for_more_a_sender_goes_on_in_small_steps) {
  connect_within(100 * kKiB, 64u << 20);
  const ByteVector sent = pattern(3u << 20);
  std::optional<Status> done;
  io::TaskGroup group(world_.reactor());
  near_ = open(*dialer_);
  group.spawn(keep(send_and_close(*near_, sent), done));
  far_ = run(acceptor_->next_stream());
  EXPECT_TRUE(*run(receive(*far_)) == sent);
  run(group.join());
  EXPECT_TRUE(done && *done);
  EXPECT_LE(memory(dialer_budget_), kOwn + 64 * kKiB);
  EXPECT_GT(dialer_budget_->counters().refused_by_scope[std::size_t(ScopeKind::Connection)], 0u);
  far_.reset();
  near_.reset();
}

}  // namespace
}  // namespace starling::transport::quic
