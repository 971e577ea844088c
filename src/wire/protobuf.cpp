#include "starling/wire/protobuf.hpp"

#include <iterator>
#include <protozero/exception.hpp>
#include <protozero/varint.hpp>

#include "starling/base/assert.hpp"

namespace starling::wire {
namespace {

constexpr std::uint32_t kMaxField = (1u << 29) - 1;
constexpr std::uint32_t kFirstReservedField = 19000, kLastReservedField = 19999;

bool is_valid_field(std::uint64_t field) {
  return field != 0 && field <= kMaxField && (field < kFirstReservedField || field > kLastReservedField);
}

bool is_known(std::uint64_t wire_type) { return wire_type <= 2 || wire_type == 5; }

template <typename T>
T little_endian(Bytes bytes) {
  T value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) value |= T(bytes[i]) << (8 * i);
  return value;
}

template <typename T>
void append_little_endian(ByteVector& out, T value) {
  for (std::size_t i = 0; i < sizeof value; ++i) out.push_back(std::uint8_t(value >> (8 * i)));
}

}  // namespace

void MessageReader::reject(ErrorCode code, std::string detail) {
  if (failed_) return;
  failed_ = true;
  pending_ = false;
  code_ = code;
  detail_ = std::move(detail);
}

// The one place where protozero's exceptions end.
bool MessageReader::take_varint(std::uint64_t& value) {
  const char* at = as_text(rest_).data();
  const char* const end = at + rest_.size();
  try {
    value = protozero::decode_varint(&at, end);
  } catch (const protozero::end_of_buffer_exception&) {
    reject(ErrorCode::Truncated, "ends inside a varint");
    return false;
  } catch (const protozero::exception&) {
    reject(ErrorCode::Malformed, "varint of more than ten bytes");
    return false;
  }
  rest_ = rest_.last(std::size_t(end - at));
  return true;
}

Bytes MessageReader::take(std::uint64_t size) {
  if (size > rest_.size()) {
    reject(ErrorCode::Truncated, "field " + std::to_string(field_) + " is longer than the message");
    return {};
  }
  const Bytes taken = rest_.first(std::size_t(size));
  rest_ = rest_.subspan(std::size_t(size));
  return taken;
}

bool MessageReader::next() {
  if (pending_) skip();
  if (failed_ || rest_.empty()) return false;
  std::uint64_t key = 0;
  if (!take_varint(key)) return false;
  if (!is_valid_field(key >> 3) || !is_known(key & 7)) {
    reject(ErrorCode::Malformed, "invalid field number or wire type");
    return false;
  }
  field_ = std::uint32_t(key >> 3);
  type_ = WireType(key & 7);
  pending_ = true;
  return true;
}

bool MessageReader::expect(WireType type) {
  if (failed_) return false;
  STARLING_ASSERT(pending_, "a field's value is read once, after next()");
  pending_ = false;
  if (type_ == type) return true;
  reject(ErrorCode::Malformed, "field " + std::to_string(field_) + " has another wire type");
  return false;
}

void MessageReader::skip() {
  pending_ = false;
  std::uint64_t ignored = 0;
  switch (type_) {
    case WireType::Varint:
      take_varint(ignored);
      return;
    case WireType::Fixed64:
      take(8);
      return;
    case WireType::Fixed32:
      take(4);
      return;
    case WireType::LengthDelimited:
      if (take_varint(ignored)) take(ignored);
      return;
  }
}

std::uint64_t MessageReader::varint() {
  std::uint64_t value = 0;
  if (!expect(WireType::Varint) || !take_varint(value)) return 0;
  return value;
}

std::uint64_t MessageReader::varint(std::uint64_t max) {
  const std::uint64_t value = varint();
  if (value <= max) return value;
  reject(ErrorCode::TooLarge, "field " + std::to_string(field_) + " is above " + std::to_string(max));
  return 0;
}

std::uint32_t MessageReader::fixed32() {
  if (!expect(WireType::Fixed32)) return 0;
  return little_endian<std::uint32_t>(take(4));
}

std::uint64_t MessageReader::fixed64() {
  if (!expect(WireType::Fixed64)) return 0;
  return little_endian<std::uint64_t>(take(8));
}

Bytes MessageReader::bytes(std::size_t max_size) {
  std::uint64_t size = 0;
  if (!expect(WireType::LengthDelimited) || !take_varint(size)) return {};
  if (size > max_size) {
    reject(ErrorCode::TooLarge,
           "field " + std::to_string(field_) + " has more than " + std::to_string(max_size) + " bytes");
    return {};
  }
  return take(size);
}

Status MessageReader::finish(std::string_view what) {
  while (next()) {
  }
  if (!failed_) return {};
  return fail(code_, Op::Decode, Origin::Remote, std::string(what) + ": " + detail_);
}

void MessageWriter::tag(std::uint32_t field, WireType type) {
  STARLING_ASSERT(is_valid_field(field) && field >= last_field_, "fields are written in ascending order");
  last_field_ = field;
  protozero::write_varint(std::back_inserter(out_), (std::uint64_t{field} << 3) | std::uint64_t(type));
}

void MessageWriter::varint(std::uint32_t field, std::uint64_t value) {
  tag(field, WireType::Varint);
  protozero::write_varint(std::back_inserter(out_), value);
}

void MessageWriter::fixed32(std::uint32_t field, std::uint32_t value) {
  tag(field, WireType::Fixed32);
  append_little_endian(out_, value);
}

void MessageWriter::fixed64(std::uint32_t field, std::uint64_t value) {
  tag(field, WireType::Fixed64);
  append_little_endian(out_, value);
}

void MessageWriter::bytes(std::uint32_t field, Bytes value) {
  tag(field, WireType::LengthDelimited);
  protozero::write_varint(std::back_inserter(out_), value.size());
  append(out_, value);
}

std::size_t MessageWriter::begin_message(std::uint32_t field) {
  tag(field, WireType::LengthDelimited);
  return out_.size();
}

void MessageWriter::end_message(std::size_t start) {
  std::uint8_t length[protozero::max_varint_length];
  std::uint8_t* const end = length + protozero::write_varint(static_cast<std::uint8_t*>(length), out_.size() - start);
  out_.insert(out_.begin() + std::ptrdiff_t(start), static_cast<std::uint8_t*>(length), end);
}

}  // namespace starling::wire
