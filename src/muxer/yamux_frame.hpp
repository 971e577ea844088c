// The yamux frame header: its twelve bytes, what is permitted in them, and the constants of the wire format.
// Values. spec: yamux/README.md, Framing
#pragma once

#include <cstdint>
#include <string_view>

#include "starling/base/bytes.hpp"

namespace starling::muxer::yamux {

inline constexpr std::size_t kHeaderSize = 12;
inline constexpr std::uint8_t kVersion = 0;
inline constexpr std::uint32_t kInitialWindow = 256u << 10;  // spec: Flow Control

enum class Type : std::uint8_t { Data = 0, WindowUpdate = 1, Ping = 2, GoAway = 3 };

enum Flag : std::uint16_t { kNoFlags = 0, kSyn = 1, kAck = 2, kFin = 4, kRst = 8 };
inline constexpr std::uint16_t kAllFlags = kSyn | kAck | kFin | kRst;

// spec: Session termination
enum GoAwayCode : std::uint32_t { kNormal = 0, kProtocolError = 1, kInternalError = 2 };

struct Header {
  Type type = Type::Data;
  std::uint16_t flags = 0;
  std::uint32_t stream = 0;  // 0 = the session
  std::uint32_t length = 0;  // payload bytes, window credit, ping value, or error code

  bool has(Flag flag) const { return (flags & flag) != 0; }
  friend bool operator==(const Header&, const Header&) = default;
};

inline void encode(const Header& header, std::uint8_t* to) {
  to[0] = kVersion;
  to[1] = std::uint8_t(header.type);
  put_u16_be(to + 2, header.flags);
  put_u32_be(to + 4, header.stream);
  put_u32_be(to + 8, header.length);
}

/// Reads the twelve bytes at `from` as they stand; `complaint_about` says whether they may be used.
inline Header decode(const std::uint8_t* from) {
  return {.type = Type(from[1]),
          .flags = get_u16_be(from + 2),
          .stream = get_u32_be(from + 4),
          .length = get_u32_be(from + 8)};
}

/// What is wrong with the twelve bytes at `from`, or empty: version, type, flags, and stream id against type.
std::string_view complaint_about(const std::uint8_t* from);

/// The common case of that, decided at once: data or a window update of some stream with nothing unknown in it.
inline bool is_plain_stream_frame(const std::uint8_t* from) {
  return from[0] == kVersion && from[1] <= std::uint8_t(Type::WindowUpdate) &&
         (get_u16_be(from + 2) & ~kAllFlags) == 0 && get_u32_be(from + 4) != 0;
}

}  // namespace starling::muxer::yamux
