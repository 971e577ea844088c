#include "swarm/backoff_table.hpp"

#include <gtest/gtest.h>

#include "support/swarm_options.hpp"
#include "support/transport_ends.hpp"

namespace starling::swarm {
namespace {

using namespace starling::testing;

constexpr TimePoint kStart = TimePoint(60min);
const Error kRefused(ErrorCode::ConnectionRefused, Op::Connect, Origin::Remote, "nobody there");
const PeerId kPeer = peer_of(test_key(1)), kOther = peer_of(test_key(2));

Multiaddr address(int number) { return *Multiaddr::from_string("/ip4/8.8.8.8/tcp/" + std::to_string(number)); }
BackoffTable table(std::size_t entries = 64) {
  return BackoffTable({.base = 5s, .step = 1s, .max = 5min, .entries = entries});
}

TEST(BackoffTable, an_address_that_never_failed_is_free) {
  EXPECT_EQ(table().find(kPeer, address(1), kStart), nullptr);
}

TEST(BackoffTable, a_failure_blocks_the_address_for_the_base_time_and_keeps_its_cause) {
  BackoffTable failures = table();
  failures.failed(kPeer, address(1), kRefused, kStart);
  const Backoff* known = failures.find(kPeer, address(1), kStart + 4999ms);
  ASSERT_NE(known, nullptr);
  EXPECT_EQ(known->cause.detail(), "nobody there");
  EXPECT_EQ(known->tries, 1u);
  EXPECT_EQ(failures.find(kPeer, address(1), kStart + 5s), nullptr);
}

TEST(BackoffTable, it_is_the_address_of_this_peer_and_no_other) {
  BackoffTable failures = table();
  failures.failed(kPeer, address(1), kRefused, kStart);
  EXPECT_EQ(failures.find(kPeer, address(2), kStart), nullptr);
  EXPECT_EQ(failures.find(kOther, address(1), kStart), nullptr);
}

TEST(BackoffTable, failures_in_a_row_make_the_pause_grow_with_their_square_up_to_the_maximum) {
  BackoffTable failures = table();
  TimePoint now = kStart;
  for (int before = 0; before < 40; ++before) {
    failures.failed(kPeer, address(1), kRefused, now);
    const Duration pause = std::min<Duration>(5s + before * before * 1s, 5min);
    EXPECT_NE(failures.find(kPeer, address(1), now + pause - 1ms), nullptr) << before;
    EXPECT_EQ(failures.find(kPeer, address(1), now + pause), nullptr) << before;
    now += pause;
  }
}

TEST(BackoffTable, no_number_of_failures_overflows) {
  BackoffTable failures({.base = 5s, .step = std::chrono::hours(24 * 365 * 50), .max = 5min, .entries = 4});
  for (int i = 0; i < 5000; ++i) failures.failed(kPeer, address(1), kRefused, kStart);
  EXPECT_NE(failures.find(kPeer, address(1), kStart + 5min - 1ms), nullptr);
  EXPECT_EQ(failures.find(kPeer, address(1), kStart + 5min), nullptr);
}

TEST(BackoffTable, after_as_long_a_time_again_without_failure_the_count_starts_anew) {
  BackoffTable failures = table();
  for (int i = 0; i < 3; ++i) failures.failed(kPeer, address(1), kRefused, kStart);  // 9 s
  failures.failed(kPeer, address(1), kRefused, kStart + 18s);
  EXPECT_EQ(failures.find(kPeer, address(1), kStart + 18s)->tries, 4u) << "still in a row";
  failures.failed(kPeer, address(1), kRefused, kStart + 18s + 14s + 14s + 1ms);
  EXPECT_EQ(failures.find(kPeer, address(1), kStart + 47s)->tries, 1u);
}

TEST(BackoffTable, clearing_a_peer_frees_all_its_addresses_and_only_them) {
  BackoffTable failures = table();
  for (int port : {1, 2}) failures.failed(kPeer, address(port), kRefused, kStart);
  failures.failed(kOther, address(1), kRefused, kStart);
  EXPECT_EQ(failures.size(), 3u);
  failures.clear(kPeer);
  EXPECT_EQ(failures.find(kPeer, address(1), kStart), nullptr);
  EXPECT_NE(failures.find(kOther, address(1), kStart), nullptr);
  EXPECT_EQ(failures.size(), 1u);
  failures.clear(kPeer);
  EXPECT_EQ(failures.size(), 1u) << "twice is once";
  failures.clear();
  EXPECT_EQ(failures.find(kOther, address(1), kStart), nullptr);
  EXPECT_EQ(failures.size(), 0u);
}

TEST(BackoffTable, a_full_table_drops_the_peer_that_failed_longest_ago) {
  BackoffTable failures = table(3);
  const PeerId third = peer_of(test_key(3));
  for (int port : {1, 2}) failures.failed(kPeer, address(port), kRefused, kStart);
  failures.failed(kOther, address(1), kRefused, kStart);
  EXPECT_EQ(failures.evicted(), 0u);
  failures.failed(third, address(1), kRefused, kStart);
  EXPECT_EQ(failures.size(), 2u);
  EXPECT_EQ(failures.evicted(), 2u);
  EXPECT_EQ(failures.find(kPeer, address(1), kStart), nullptr);
  EXPECT_NE(failures.find(kOther, address(1), kStart), nullptr);
  EXPECT_NE(failures.find(third, address(1), kStart), nullptr);
}

TEST(BackoffTable, a_peer_that_fills_the_table_alone_loses_its_address_that_is_free_soonest) {
  BackoffTable failures = table(2);
  failures.failed(kPeer, address(1), kRefused, kStart);
  failures.failed(kPeer, address(2), kRefused, kStart - 1s);
  for (int port = 3; port < 20; ++port) failures.failed(kPeer, address(port), kRefused, kStart + port * 1ms);
  EXPECT_EQ(failures.size(), 2u);
  EXPECT_EQ(failures.evicted(), 17u);
  EXPECT_NE(failures.find(kPeer, address(18), kStart), nullptr);
  EXPECT_NE(failures.find(kPeer, address(19), kStart), nullptr);
}

}  // namespace
}  // namespace starling::swarm
