// What an attack may cost of a core, whatever else runs on the machine.
#pragma once

#include <cstdint>
#include <ctime>

#include "starling/io/sim_network.hpp"

namespace starling::testing {

/// Time of this process on a core, in user code and in the kernel, since it was made.
class ProcessorTime {
 public:
  double seconds() const { return now() - start_; }
  /// How much slower everything may be in this build: sanitizers look at each access.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(undefined_behavior_sanitizer)
  static constexpr double kSlowdown = 30;
#else
  static constexpr double kSlowdown = 1;
#endif
#else
  static constexpr double kSlowdown = 1;
#endif

 private:
  static double now() { return double(std::clock()) / CLOCKS_PER_SEC; }
  double start_ = now();
};

/// A fixed part for what goes on beside the attack (the honest peer, virtual time passing) and so much for each byte
/// that passed in either direction, both ends of it included. Measured on a busy machine: 0.15 s for the most
/// handshakes, 16 ns a byte for the dearest flood (streams opened and reset at once).
class ProcessorBudget {
 public:
  /// Counts from here. `world` must outlive it.
  explicit ProcessorBudget(const io::SimWorld& world) : world_(world), bytes_before_(passed()) {}

  double used_seconds() const { return time_.seconds(); }
  /// Of segments, and of datagrams at their largest: the world counts those, not their bytes.
  std::uint64_t bytes() const { return passed() - bytes_before_; }
  double allowed_seconds() const {
    return ProcessorTime::kSlowdown * (kFixedSeconds + kSecondsPerByte * double(bytes()));
  }

 private:
  static constexpr double kFixedSeconds = 1, kSecondsPerByte = 3e-8;
  static constexpr std::uint64_t kBytesPerDatagram = 1200;

  std::uint64_t passed() const {
    const io::SimCounters& all = world_.counters();
    return all.segment_bytes + (all.datagrams + all.datagrams_lost) * kBytesPerDatagram;
  }

  const io::SimWorld& world_;
  ProcessorTime time_;
  std::uint64_t bytes_before_;
};

}  // namespace starling::testing
