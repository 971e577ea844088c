// What an attack may cost of a core, whatever else runs on the machine: a fixed part for what goes on beside it (the
// honest peer, virtual time passing) and so much for each byte that passed in either direction, both ends of it
// included. Measured on a busy machine: 0.15 s for the most handshakes, 16 ns a byte for the dearest flood (streams
// opened and reset at once).
#pragma once

#include <cstdint>
#include <ctime>

#include "starling/io/sim_network.hpp"

namespace starling::testing {

class ProcessorBudget {
 public:
  /// Counts from here. `world` must outlive it.
  explicit ProcessorBudget(const io::SimWorld& world) : world_(world), start_(now()), bytes_before_(passed()) {}

  double used_seconds() const { return now() - start_; }
  /// Of segments, and of datagrams at their largest: the world counts those, not their bytes.
  std::uint64_t bytes() const { return passed() - bytes_before_; }
  double allowed_seconds() const { return kSlowdown * (kFixedSeconds + kSecondsPerByte * double(bytes())); }

 private:
  static constexpr double kFixedSeconds = 1, kSecondsPerByte = 3e-8;
  static constexpr std::uint64_t kBytesPerDatagram = 1200;
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(undefined_behavior_sanitizer)
  static constexpr double kSlowdown = 30;
#else
  static constexpr double kSlowdown = 1;
#endif
#else
  static constexpr double kSlowdown = 1;
#endif

  static double now() { return double(std::clock()) / CLOCKS_PER_SEC; }
  std::uint64_t passed() const {
    const io::SimCounters& all = world_.counters();
    return all.segment_bytes + (all.datagrams + all.datagrams_lost) * kBytesPerDatagram;
  }

  const io::SimWorld& world_;
  double start_;
  std::uint64_t bytes_before_;
};

}  // namespace starling::testing
