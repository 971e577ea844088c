// What was given to a stream for sending, kept in place until the peer has acknowledged it: the packets in flight
// point into it. Resource; owned by its stream.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>

#include "starling/base/bytes.hpp"

namespace starling::transport::quic {

class SendBuffer {
 public:
  void append(Bytes data);
  /// The bytes to send next, in one piece; more may follow behind them. Empty when all was sent.
  Bytes next() const;
  /// The first `bytes` of next() are in a packet now.
  void sent(std::size_t bytes);
  /// The oldest `bytes` arrived. Returns how many there were: never more than were sent.
  std::size_t acknowledged(std::size_t bytes);
  std::size_t unsent() const { return end_ - sent_; }
  std::size_t unacknowledged() const { return sent_ - begin_; }

 private:
  struct Block {
    std::unique_ptr<std::uint8_t[]> data;
    std::size_t capacity, size;
    std::uint64_t start;  // offset in the stream
  };
  std::deque<Block> blocks_;
  std::uint64_t begin_ = 0, sent_ = 0, end_ = 0;  // offsets in the stream
  std::size_t sending_ = 0;                       // the block that holds sent_
};

}  // namespace starling::transport::quic
