#include "starling/base/bytes.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <memory>
#include <mutex>

#include "starling/base/buffers.hpp"

namespace starling {
namespace {

// Blocks are powers of two from 1 KiB to 1 MiB; each thread keeps a few of each size. Larger ones go to the heap.
constexpr std::size_t kSmallestBlockLog2 = 10, kLargestBlockLog2 = 20;
constexpr std::size_t kKeptBytesPerClass = 2u << 20;

class BlockPool;

// All threads' pools, to sum up what they count: a block may be taken by one thread and given back by another.
struct Pools {
  std::mutex mutex;
  std::vector<BlockPool*> live;
  std::int64_t of_ended_threads = 0;
};
Pools& pools() {
  static Pools all;
  return all;
}

class BlockPool {
 public:
  BlockPool() {
    const std::lock_guard lock(pools().mutex);
    pools().live.push_back(this);
  }
  ~BlockPool() {
    {
      const std::lock_guard lock(pools().mutex);
      std::erase(pools().live, this);
      pools().of_ended_threads += in_use();
    }
    for (auto& kept : free_)
      for (std::uint8_t* block : kept) delete[] block;
  }
  std::uint8_t* take(std::size_t log2) {
    count(std::int64_t{1} << log2);
    if (log2 <= kLargestBlockLog2) {
      auto& kept = free_[log2 - kSmallestBlockLog2];
      if (!kept.empty()) {
        std::uint8_t* block = kept.back();
        kept.pop_back();
        return block;
      }
    }
    return new std::uint8_t[std::size_t{1} << log2];
  }
  void give(std::uint8_t* block, std::size_t capacity) {
    count(-std::int64_t(capacity));
    const auto log2 = std::size_t(std::countr_zero(capacity));
    if (log2 <= kLargestBlockLog2) {
      auto& kept = free_[log2 - kSmallestBlockLog2];
      if (kept.size() < (kKeptBytesPerClass >> log2)) return kept.push_back(block);
    }
    delete[] block;
  }
  /// Below zero on a thread that only frees. From any thread.
  std::int64_t in_use() const { return in_use_.load(std::memory_order_relaxed); }

 private:
  // Only its own thread writes: no locked instruction is needed.
  void count(std::int64_t bytes) { in_use_.store(in_use() + bytes, std::memory_order_relaxed); }

  std::atomic<std::int64_t> in_use_ = 0;
  std::array<std::vector<std::uint8_t*>, kLargestBlockLog2 - kSmallestBlockLog2 + 1> free_;
};

BlockPool& pool() {
  thread_local BlockPool pool;
  return pool;
}

}  // namespace

std::size_t buffer_bytes() {
  const std::lock_guard lock(pools().mutex);
  std::int64_t sum = pools().of_ended_threads;
  for (const BlockPool* each : pools().live) sum += each->in_use();
  return std::size_t(std::max<std::int64_t>(sum, 0));
}

void ByteQueue::make_room(std::size_t bytes) {
  const std::size_t used = size();
  if (capacity_ - used >= bytes && begin_ >= used) {  // moving the rest to the front costs less than what was consumed
    std::memmove(data_, data_ + begin_, used);
  } else {
    const std::size_t log2 = std::max(kSmallestBlockLog2, std::size_t(std::bit_width(used + bytes - 1)));
    std::uint8_t* block = pool().take(log2);
    if (used > 0) std::memcpy(block, data_ + begin_, used);
    if (data_ != nullptr) pool().give(data_, capacity_);
    data_ = block;
    capacity_ = std::size_t{1} << log2;
  }
  begin_ = 0;
  end_ = used;
}

void ByteQueue::release() {
  if (data_ != nullptr) pool().give(data_, capacity_);
  data_ = nullptr;
  capacity_ = begin_ = end_ = 0;
}

bool equal(Bytes a, Bytes b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

std::string to_hex(Bytes bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

Result<ByteVector> from_hex(std::string_view text) {
  const auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  if (text.size() % 2 != 0)
    return fail(ErrorCode::Truncated, Op::Parse, Origin::Remote, "hexadecimal text of odd length");
  ByteVector bytes(text.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return fail(ErrorCode::Malformed, Op::Parse, Origin::Remote, "not a hexadecimal digit");
    bytes[i] = std::uint8_t(high << 4 | low);
  }
  return bytes;
}

}  // namespace starling
