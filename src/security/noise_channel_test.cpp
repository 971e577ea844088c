#include "security/noise_channel.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "security/security_test_support.hpp"

namespace starling::security {
namespace {

using crypto::ChaChaPoly;
using testing::Collector;
using testing::noise_bytes;

constexpr std::size_t kOverhead = kNoiseHeaderBytes + ChaChaPoly::kTagSize;

struct Channels {
  explicit Channels(std::uint64_t nonce = 0) : a(key(1), key(2), nonce), b(key(2), key(1), nonce) {}
  static ChaChaPoly key(std::uint8_t fill) { return ChaChaPoly(ByteVector(ChaChaPoly::kKeySize, fill)); }
  NoiseChannel a, b;
};

TEST(NoiseChannel, splits_at_the_largest_record) {
  for (const auto& [size, records] : std::map<std::size_t, std::size_t>{
           {0, 0}, {1, 1}, {kMaxNoisePlaintext, 1}, {kMaxNoisePlaintext + 1, 2}, {3 * kMaxNoisePlaintext, 3}}) {
    Channels two;
    ByteQueue wire;
    ASSERT_TRUE(two.a.seal(noise_bytes(size, 1), wire));
    EXPECT_EQ(wire.size(), size + records * kOverhead);
    if (records > 1) EXPECT_EQ(get_u16_be(wire.view().data()), kMaxNoiseMessage);
  }
}

TEST(NoiseChannel, each_record_reaches_the_sink_by_itself_without_a_copy) {
  Channels two;
  ByteQueue wire;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(two.a.seal(as_bytes("abc"), wire));
  struct Views final : PlaintextSink {
    Status on_plaintext(Bytes plaintext) override { return seen.push_back(plaintext.data()), Status{}; }
    std::vector<const std::uint8_t*> seen;
  } sink;
  const std::uint8_t* start = wire.view().data();
  ASSERT_TRUE(two.b.open(wire, sink));
  ASSERT_EQ(sink.seen.size(), 3u);
  EXPECT_EQ(sink.seen[1], start + 3 + kOverhead + kNoiseHeaderBytes) << "decrypted in place";
  EXPECT_TRUE(wire.empty());
}

TEST(NoiseChannel, appends_behind_what_waits_already) {
  Channels two;
  ByteQueue wire;
  wire.append(as_bytes("waiting"));
  ASSERT_TRUE(two.a.seal(as_bytes("abc"), wire));
  EXPECT_EQ(as_text(wire.view().first(7)), "waiting");
  wire.consume(7);
  Collector sink;
  ASSERT_TRUE(two.b.open(wire, sink));
  EXPECT_EQ(sink.text(), "abc");
}

TEST(NoiseChannel, empty_records_are_authenticated_and_dropped) {
  ByteVector tag(ChaChaPoly::kTagSize);
  ASSERT_TRUE(Channels::key(1).seal(ChaChaPoly::noise_nonce(0), {}, {}, tag));
  Channels two;
  ByteQueue wire;
  wire.append(from_hex("0010").value());
  wire.append(tag);
  Collector sink;
  ASSERT_TRUE(two.b.open(wire, sink));
  EXPECT_EQ(sink.calls, 0u);
  wire.append(from_hex("0010").value());
  wire.append(tag);  // again: a replay
  EXPECT_EQ(two.b.open(wire, sink).error(), ErrorCode::DecryptFailed);
}

TEST(NoiseChannel, a_record_shorter_than_a_tag_is_refused) {
  for (const std::size_t size : {0, 1, 15}) {
    Channels two;
    ByteQueue wire;
    wire.append(ByteVector{0, std::uint8_t(size)});
    wire.append(ByteVector(size));
    Collector sink;
    EXPECT_EQ(two.b.open(wire, sink).error(), ErrorCode::DecryptFailed) << size;
  }
}

TEST(NoiseChannel, good_records_before_a_bad_one_are_delivered) {
  Channels two;
  ByteQueue wire;
  ASSERT_TRUE(two.a.seal(as_bytes("good"), wire));
  const std::size_t bad = wire.size() + kNoiseHeaderBytes;
  ASSERT_TRUE(two.a.seal(as_bytes("bad"), wire));
  wire.mutable_view()[bad] ^= 0x80;
  Collector sink;
  EXPECT_EQ(two.b.open(wire, sink).error(), ErrorCode::DecryptFailed);
  EXPECT_EQ(sink.text(), "good");
}

// Noise revision 34, section 5.1: 2^64 - 1 is reserved, the value before it is the last.
TEST(NoiseChannel, the_last_nonce_is_never_used) {
  Channels two(std::numeric_limits<std::uint64_t>::max() - 1);
  ByteQueue wire;
  const auto too_many = two.a.seal(noise_bytes(kMaxNoisePlaintext + 1, 1), wire);
  ASSERT_FALSE(too_many);
  EXPECT_EQ(too_many.error(), ErrorCode::LimitExceeded);
  EXPECT_TRUE(wire.empty());
  ASSERT_TRUE(two.a.seal(as_bytes("last"), wire));
  EXPECT_EQ(two.a.seal(as_bytes("beyond"), wire).error(), ErrorCode::LimitExceeded);
  Collector sink;
  ASSERT_TRUE(two.b.open(wire, sink));
  EXPECT_EQ(sink.text(), "last");
  wire.append(ByteVector{0, 16});
  wire.append(ByteVector(16));
  EXPECT_EQ(two.b.open(wire, sink).error(), ErrorCode::LimitExceeded);
}

}  // namespace
}  // namespace starling::security
