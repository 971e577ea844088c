// Protocol-buffer messages read as views and written in canonical order, over protozero's varints.
// spec: protobuf.dev, Encoding. Groups (wire types 3 and 4) are refused. A field that comes twice in a message that
// has it once: the last one counts, as everywhere.
// A reader or writer is a local object of one function; no allocation in the reader.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "starling/base/bytes.hpp"
#include "starling/base/error.hpp"

namespace starling::wire {

enum class WireType : std::uint8_t { Varint = 0, Fixed64 = 1, LengthDelimited = 2, Fixed32 = 5 };

/// Walks through the fields of one message. The first error sticks: next() says false from then on, accessors give
/// zero or nothing, and finish() tells. A field that no accessor took is skipped.
///
///     wire::MessageReader reader(message);
///     while (reader.next()) switch (reader.field()) {
///       case 1: type = reader.varint(); break;
///       case 2: data = reader.bytes(kMaxData); break;
///       default: break;
///     }
///     STARLING_CHECK(reader.finish("public key"));
class MessageReader {
 public:
  /// `message` must outlive the reader and every view it gives.
  explicit MessageReader(Bytes message) : rest_(message) {}

  /// Goes to the next field. False at the end and after an error.
  bool next();
  std::uint32_t field() const { return field_; }
  WireType wire_type() const { return type_; }

  /// The current field's value; once per field. A wire type that does not fit is an error (Malformed).
  std::uint64_t varint();
  /// A varint that must not be above `max` (TooLarge).
  std::uint64_t varint(std::uint64_t max);
  bool boolean() { return varint() != 0; }
  std::uint32_t fixed32();
  std::uint64_t fixed64();
  /// A view into the message; longer than `max_size` is an error (TooLarge).
  Bytes bytes(std::size_t max_size = SIZE_MAX);
  /// As bytes(). Not checked to be UTF-8: treat it as any bytes of a stranger.
  std::string_view text(std::size_t max_size = SIZE_MAX) { return as_text(bytes(max_size)); }

  /// Makes the reader fail: for a value the caller finds wrong.
  void reject(ErrorCode code, std::string detail);
  /// Ok if the whole message was read without error. `what` names the message in the error.
  Status finish(std::string_view what);

 private:
  bool take_varint(std::uint64_t& value);
  bool expect(WireType type);
  Bytes take(std::uint64_t size);
  void skip();

  Bytes rest_;
  std::uint32_t field_ = 0;
  WireType type_ = WireType::Varint;
  bool pending_ = false;  // the current field's value was not taken yet
  bool failed_ = false;
  ErrorCode code_ = ErrorCode::Malformed;
  std::string detail_;
};

/// Appends the fields of one message to a buffer. Fields must come in ascending order (asserted): that makes the
/// encoding canonical. Every call writes its field, also when the value is the default; callers leave out what the
/// message's definition leaves out.
class MessageWriter {
 public:
  /// `out` is borrowed for the writer's life and only appended to.
  explicit MessageWriter(ByteVector& out) : out_(out) {}
  MessageWriter(const MessageWriter&) = delete;
  MessageWriter& operator=(const MessageWriter&) = delete;

  void varint(std::uint32_t field, std::uint64_t value);
  void boolean(std::uint32_t field, bool value) { varint(field, value ? 1 : 0); }
  void fixed32(std::uint32_t field, std::uint32_t value);
  void fixed64(std::uint32_t field, std::uint64_t value);
  void bytes(std::uint32_t field, Bytes value);
  void text(std::uint32_t field, std::string_view value) { bytes(field, as_bytes(value)); }
  /// A message inside this one: `fill` gets its writer.
  template <typename Fill>
  void message(std::uint32_t field, Fill&& fill) {
    const std::size_t start = begin_message(field);
    MessageWriter inner(out_);
    fill(inner);
    end_message(start);
  }

 private:
  void tag(std::uint32_t field, WireType type);
  std::size_t begin_message(std::uint32_t field);
  void end_message(std::size_t start);

  ByteVector& out_;
  std::uint32_t last_field_ = 0;
};

}  // namespace starling::wire
