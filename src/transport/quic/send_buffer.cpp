#include "transport/quic/send_buffer.hpp"

#include <algorithm>

#include "starling/base/assert.hpp"

namespace starling::transport::quic {
namespace {
constexpr std::size_t kSmallestBlock = 256, kLargestBlock = 64u << 10;
}

void SendBuffer::append(Bytes data) {
  while (!data.empty()) {
    if (blocks_.empty() || blocks_.back().size == blocks_.back().capacity) {
      const std::size_t capacity = std::clamp(data.size(), kSmallestBlock, kLargestBlock);
      blocks_.push_back({std::make_unique_for_overwrite<std::uint8_t[]>(capacity), capacity, 0, end_});
    }
    Block& last = blocks_.back();
    const std::size_t count = std::min(data.size(), last.capacity - last.size);
    std::memcpy(last.data.get() + last.size, data.data(), count);
    last.size += count;
    end_ += count;
    data = data.subspan(count);
  }
}

Bytes SendBuffer::next() const {
  if (sent_ == end_) return {};
  const Block& block = blocks_[sending_];
  const std::size_t into = std::size_t(sent_ - block.start);
  return {block.data.get() + into, block.size - into};
}

void SendBuffer::sent(std::size_t bytes) {
  STARLING_ASSERT(bytes <= next().size(), "more sent than there was");
  sent_ += bytes;
  const Block& block = blocks_[sending_];
  if (sent_ == block.start + block.capacity) ++sending_;
}

std::size_t SendBuffer::acknowledged(std::size_t bytes) {
  const std::size_t count = std::min(bytes, unacknowledged());
  begin_ += count;
  while (!blocks_.empty() && blocks_.front().start + blocks_.front().capacity <= begin_) {
    blocks_.pop_front();
    if (sending_ > 0) --sending_;
  }
  if (begin_ == end_) {
    blocks_.clear();
    sending_ = 0;
  }
  return count;
}

}  // namespace starling::transport::quic
