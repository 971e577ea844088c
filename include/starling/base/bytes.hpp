// Views of bytes, and ByteQueue: the one growable buffer through which bytes pass between machines and sockets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "starling/base/error.hpp"

namespace starling {

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;
using ByteVector = std::vector<std::uint8_t>;

inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
inline ByteVector to_vector(Bytes bytes) { return {bytes.begin(), bytes.end()}; }
inline void append(ByteVector& to, Bytes bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }
bool equal(Bytes a, Bytes b);

std::string to_hex(Bytes bytes);
Result<ByteVector> from_hex(std::string_view text);

inline void put_u16_be(std::uint8_t* to, std::uint16_t v) {
  to[0] = std::uint8_t(v >> 8);
  to[1] = std::uint8_t(v);
}
inline void put_u32_be(std::uint8_t* to, std::uint32_t v) {
  put_u16_be(to, std::uint16_t(v >> 16));
  put_u16_be(to + 2, std::uint16_t(v));
}
inline void put_u64_be(std::uint8_t* to, std::uint64_t v) {
  put_u32_be(to, std::uint32_t(v >> 32));
  put_u32_be(to + 4, std::uint32_t(v));
}
inline std::uint16_t get_u16_be(const std::uint8_t* p) { return std::uint16_t((p[0] << 8) | p[1]); }
inline std::uint32_t get_u32_be(const std::uint8_t* p) {
  return (std::uint32_t(get_u16_be(p)) << 16) | get_u16_be(p + 2);
}
inline std::uint64_t get_u64_be(const std::uint8_t* p) {
  return (std::uint64_t(get_u32_be(p)) << 32) | get_u32_be(p + 4);
}

/// A contiguous first-in first-out buffer of bytes. Resource: not copied; movable. Memory comes from a per-thread
/// pool of blocks and goes back when the queue becomes empty, so an idle connection holds none.
/// Spans it returned die with the next call that changes it.
class ByteQueue {
 public:
  ByteQueue() = default;
  ByteQueue(ByteQueue&& other) noexcept { swap(other); }
  ByteQueue& operator=(ByteQueue&& other) noexcept {
    swap(other);
    return *this;
  }
  ~ByteQueue() { release(); }

  std::size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  std::size_t capacity() const { return capacity_; }
  Bytes view() const { return {data_ + begin_, size()}; }
  MutableBytes mutable_view() { return {data_ + begin_, size()}; }

  /// At least `bytes` of room behind the content; write there, then commit() what was written.
  MutableBytes prepare(std::size_t bytes) {
    if (capacity_ - end_ < bytes) make_room(bytes);
    return {data_ + end_, capacity_ - end_};
  }
  void commit(std::size_t bytes) { end_ += bytes; }
  void append(Bytes bytes) {
    if (bytes.empty()) return;
    std::memcpy(prepare(bytes.size()).data(), bytes.data(), bytes.size());
    commit(bytes.size());
  }
  /// Drops `bytes` from the front; gives the memory back when nothing is left.
  void consume(std::size_t bytes) {
    begin_ += bytes;
    if (begin_ == end_) release();
  }
  void clear() { release(); }
  void swap(ByteQueue& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(capacity_, other.capacity_);
    std::swap(begin_, other.begin_);
    std::swap(end_, other.end_);
  }

 private:
  void make_room(std::size_t bytes);
  void release();

  std::uint8_t* data_ = nullptr;
  std::size_t capacity_ = 0, begin_ = 0, end_ = 0;
};

}  // namespace starling
