// What has come for one stream and nobody has read yet.
// Resource: of one stream, one thread. Not bounded here: windows and budgets of the connection bound it.
#pragma once

#include <algorithm>
#include <cstdint>

#include "starling/base/bytes.hpp"

namespace starling::transport {

/// A ByteQueue that begins with the room it needed lately: bulk comes in many pieces per turn, and a buffer that grows
/// by doubling copies nearly all of them once more.
class Inbox {
 public:
  /// Above this a buffer grows as it must: one turn of a connection brings no more.
  static constexpr std::size_t kMaxExpected = std::size_t{128} * 1024;
  /// Room that may be taken for each byte that has come: only bytes are charged to the connection.
  static constexpr std::size_t kMaxRoomPerByte = 8;

  void append(Bytes bytes) {
    if (bytes.empty()) return;
    if (bytes_.empty())
      bytes_.prepare(std::clamp<std::size_t>(expected_, bytes.size(), bytes.size() * kMaxRoomPerByte));
    bytes_.append(bytes);
    expected_ = std::uint32_t(std::min(bytes_.size(), kMaxExpected));
  }
  void consume(std::size_t bytes) { bytes_.consume(bytes); }
  void clear() { bytes_.clear(); }

  Bytes view() const { return bytes_.view(); }
  std::size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }
  std::size_t capacity() const { return bytes_.capacity(); }

 private:
  ByteQueue bytes_;
  std::uint32_t expected_ = 0;  // what was in it when something was last added
};

}  // namespace starling::transport
