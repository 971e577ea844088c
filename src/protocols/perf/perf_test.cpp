#include "starling/protocols/perf/perf.hpp"

#include <gtest/gtest.h>

#include "support/sim_hosts.hpp"

namespace starling::perf {
namespace {

using namespace starling::testing;

class Perf : public TwoHosts {
 protected:
  static constexpr PerfOptions kOptions{5s, 10u << 20};
  Result<PerfResult> measure(PerfRequest request) { return run(perf::run(a(), b().id(), request, kOptions)); }
  void SetUp() override {
    TwoHosts::SetUp();
    serve(b(), kOptions);
    connect();
  }
};

TEST_F(Perf, both_directions_carry_the_pattern_whatever_the_size) {
  for (const std::uint64_t size : {0u, 1u, 65535u, 65536u, 3u << 20}) {
    const auto result = measure({.upload_bytes = size, .download_bytes = size + 7, .check = true});
    ASSERT_TRUE(result) << size << ": " << result.error().message();
    EXPECT_EQ(result->uploaded, size);
    EXPECT_EQ(result->downloaded, size + 7);
  }
}

TEST_F(Perf, more_than_the_server_permits_is_reset) {
  const auto result = measure({.upload_bytes = 0, .download_bytes = (10u << 20) + 1});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), ErrorCode::StreamReset);
}

TEST_F(Perf, a_stalled_peer_ends_the_run_after_the_idle_timeout) {
  b().handle(std::string(kProtocolId), [this](host::Stream stream) -> io::Task<void> {
    (void)co_await stream.peek();
    (void)co_await io::sleep_for(world_.reactor(), 60s);
  });
  const TimePoint start = world_.now();
  EXPECT_EQ(measure({.upload_bytes = 0, .download_bytes = 10}).error(), ErrorCode::Timeout);
  EXPECT_LE(world_.now() - start, kOptions.idle_timeout + 1s);
}

TEST_F(Perf, a_download_that_is_short_or_differs_is_a_violation) {
  for (const bool is_short : {true, false}) {
    b().handle(std::string(kProtocolId), [is_short](host::Stream stream) -> io::Task<void> {
      const ByteVector wrong(is_short ? 5 : 10, is_short ? 0 : 0xee);
      (void)co_await stream.write(wrong);
      (void)co_await stream.close();
    });
    EXPECT_EQ(measure({.upload_bytes = 0, .download_bytes = 10, .check = !is_short}).error(),
              ErrorCode::ProtocolViolation);
  }
}

TEST(PerfPattern, the_first_difference_is_found) {
  ByteVector bytes(200'000);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = pattern_byte(i + 12345);
  EXPECT_EQ(find_mismatch(12345, bytes), std::nullopt);
  bytes[150'000] ^= 1;
  EXPECT_EQ(find_mismatch(12345, bytes), 12345u + 150'000u);
}

}  // namespace
}  // namespace starling::perf
