#include "muxer/yamux_frame.hpp"

namespace starling::muxer::yamux {

std::string_view complaint_about(const std::uint8_t* from) {
  if (from[0] != kVersion) return "unknown yamux version";
  if (from[1] > std::uint8_t(Type::GoAway)) return "unknown yamux frame type";
  const Header header = decode(from);
  if ((header.flags & ~kAllFlags) != 0) return "unknown yamux flags";
  switch (header.type) {
    case Type::Data:
    case Type::WindowUpdate:
      return header.stream == 0 ? "yamux stream frame for the session" : "";
    case Type::Ping:
      if (header.stream != 0) return "yamux ping for a stream";
      return header.flags == kSyn || header.flags == kAck ? "" : "yamux ping neither request nor answer";
    case Type::GoAway:
      if (header.stream != 0) return "yamux go away for a stream";
      return header.flags == 0 ? "" : "yamux go away with flags";
  }
  return "unknown yamux frame type";
}

}  // namespace starling::muxer::yamux
