// The mplex message header: two varints, read byte by byte and written canonically.
// Values. Limits: nine bytes a varint, none of them superfluous. spec: mplex/README.md, Message format
#pragma once

#include <cstdint>

#include "starling/base/bytes.hpp"

namespace starling::muxer::mplex {

inline constexpr std::size_t kMaxVarintSize = 9;
inline constexpr std::size_t kMaxHeaderSize = 2 * kMaxVarintSize;
inline constexpr std::uint64_t kLastId = (std::uint64_t{1} << 60) - 1;

// spec: Flag Values. "Initiator" and "Receiver" say which of the two the sender of the message is.
enum class Flag : std::uint8_t {
  NewStream = 0,
  MessageReceiver = 1,
  MessageInitiator = 2,
  CloseReceiver = 3,
  CloseInitiator = 4,
  ResetReceiver = 5,
  ResetInitiator = 6,
};
inline constexpr std::uint8_t kLastFlag = 6;

enum class Kind : std::uint8_t { New, Message, Close, Reset };

struct Header {
  Flag flag = Flag::NewStream;
  std::uint64_t stream = 0;  // at most 60 bits
  std::uint64_t length = 0;  // bytes of payload

  Kind kind() const { return Kind((std::uint8_t(flag) + 1) / 2); }
  /// Whether the sender of the message is the one that opened the stream.
  bool from_initiator() const { return std::uint8_t(flag) % 2 == 0; }
  friend bool operator==(const Header&, const Header&) = default;
};

/// `kind` other than New, as the opener of the stream or as the other side sends it.
inline Flag flag_of(Kind kind, bool as_initiator) { return Flag(std::uint8_t(kind) * 2 - (as_initiator ? 0 : 1)); }

/// Writes at most kMaxHeaderSize bytes; returns how many.
std::size_t encode(const Header& header, std::uint8_t* to);

/// Collects a header from bytes in any pieces.
class HeaderReader {
 public:
  enum class State { More, Done, Malformed };
  /// Takes bytes off the front until the header is complete; then take() it.
  State read(Bytes& bytes);
  Header take();

 private:
  State read_varint(std::uint8_t byte);

  std::uint64_t value_ = 0, first_ = 0;
  std::uint8_t size_ = 0;
  bool second_ = false;
};

}  // namespace starling::muxer::mplex
