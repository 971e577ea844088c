// Randomness comes in from outside: the operating system's source in a real node, a seeded one in the simulator.
#pragma once

#include <cstdint>
#include <memory>

#include "starling/base/bytes.hpp"

namespace starling {

class Random {
 public:
  virtual ~Random() = default;
  /// Fills `out`. The system source never fails short of a broken operating system, which ends the process.
  virtual void fill(MutableBytes out) = 0;
  std::uint64_t next_u64();
  /// Uniform in [0, bound); bound > 0.
  std::uint64_t below(std::uint64_t bound);
};

/// Cryptographically strong; thread-safe.
Random& system_random();
/// Reproducible from its seed (xoshiro256**); for tests and the simulator only. Not thread-safe.
std::unique_ptr<Random> seeded_random(std::uint64_t seed);

}  // namespace starling
