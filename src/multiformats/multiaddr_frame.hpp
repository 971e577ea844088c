// Frame: one component of a multiaddr in binary: varint code, varint length where it varies, value.
#pragma once

#include <optional>

#include "multiformats/multiaddr_protocols.hpp"
#include "starling/base/bytes.hpp"
#include "starling/base/error.hpp"

namespace starling::multiformats {

struct Frame {
  const ProtocolEntry* entry;
  Bytes value;
  std::size_t size;  // bytes of the whole frame
};

/// The first frame of `bytes`, its value not yet checked. Errors: Truncated, NotCanonical, TooLarge, UnknownCode.
Result<Frame> read_frame(Bytes bytes);

/// Steps through bytes that were validated before.
class FrameReader {
 public:
  explicit FrameReader(Bytes valid_bytes) : rest_(valid_bytes) {}
  std::optional<Frame> next();

 private:
  Bytes rest_;
};

}  // namespace starling::multiformats
