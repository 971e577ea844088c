#include "starling/base/random.hpp"

#include <sys/random.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>

#include "starling/base/assert.hpp"

namespace starling {
namespace {

void fill_from_system(MutableBytes out) {
  while (!out.empty()) {
    const ssize_t got = ::getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    STARLING_ASSERT(got > 0, "the operating system's random source failed");
    out = out.subspan(std::size_t(got));
  }
}

// Small requests are served from a block per thread, so that they cost no system call each. What was handed out is
// wiped from the block.
class SystemRandom final : public Random {
 public:
  void fill(MutableBytes out) override {
    if (out.size() > kLargestFromBlock) return fill_from_system(out);
    thread_local Block block;
    if (block.left < out.size()) {
      fill_from_system(block.bytes);
      block.left = block.bytes.size();
    }
    std::uint8_t* from = block.bytes.data() + block.left - out.size();
    if (!out.empty()) std::memcpy(out.data(), from, out.size());
    ::explicit_bzero(from, out.size());
    block.left -= out.size();
  }

 private:
  static constexpr std::size_t kLargestFromBlock = 64;
  struct Block {
    std::array<std::uint8_t, 2048> bytes;
    std::size_t left = 0;
    ~Block() { ::explicit_bzero(bytes.data(), bytes.size()); }
  };
};

// xoshiro256** (Blackman, Vigna), seeded by splitmix64.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) {
    for (std::uint64_t& word : state_) {
      seed += 0x9e3779b97f4a7c15;
      std::uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
      z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
      word = z ^ (z >> 31);
    }
  }
  void fill(MutableBytes out) override {
    while (!out.empty()) {
      const std::uint64_t word = next();
      const std::size_t count = std::min(out.size(), sizeof word);
      std::memcpy(out.data(), &word, count);
      out = out.subspan(count);
    }
  }

 private:
  std::uint64_t next() {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }
  std::uint64_t state_[4];
};

}  // namespace

std::uint64_t Random::next_u64() {
  std::uint64_t value = 0;
  fill({reinterpret_cast<std::uint8_t*>(&value), sizeof value});
  return value;
}

std::uint64_t Random::below(std::uint64_t bound) {
  STARLING_ASSERT(bound > 0, "an empty range has no random number");
  const std::uint64_t limit = ~std::uint64_t{0} - ~std::uint64_t{0} % bound;
  std::uint64_t value = next_u64();
  while (value >= limit) value = next_u64();
  return value % bound;
}

Random& system_random() {
  static SystemRandom random;
  return random;
}

std::unique_ptr<Random> seeded_random(std::uint64_t seed) { return std::make_unique<SeededRandom>(seed); }

}  // namespace starling
