// The text of Multiaddr: "/name/value/name/value". spec: multiformats/multiaddr, README, Human-readable.
#include <algorithm>

#include "multiformats/multiaddr_frame.hpp"
#include "multiformats/multiaddr_protocols.hpp"
#include "multiformats/utf8.hpp"
#include "starling/multiformats/multiaddr.hpp"
#include "starling/multiformats/varint.hpp"

namespace starling {
namespace {

using multiformats::Frame;
using multiformats::FrameReader;
using multiformats::kVariableSize;
using multiformats::Problem;
using multiformats::ProtocolEntry;

// Characters; the longest text has a name of 19 characters for each two bytes.
constexpr std::size_t kMaxTextSize = 10 * Multiaddr::kMaxSize;
constexpr std::size_t kMaxQuoted = 64;  // characters of the input that an error repeats

// What lies between the slashes, one part after another, each with its place.
class Parts {
 public:
  struct Part {
    std::string_view text;
    std::size_t at = 0;  // character of the whole text
  };

  explicit Parts(std::string_view text) : text_(text) {}
  bool done() const { return at_ >= text_.size(); }
  Part next() { return take(std::min(text_.find('/', at_ + 1), text_.size())); }
  Part rest() { return take(text_.size()); }

 private:
  Part take(std::size_t end) {
    const Part part{text_.substr(at_ + 1, end - at_ - 1), at_ + 1};
    at_ = end;
    return part;
  }

  std::string_view text_;
  std::size_t at_ = 0;  // of the slash before the next part
};

std::unexpected<Error> bad_text(ErrorCode code, const Parts::Part& part, std::string_view what) {
  const std::string_view excerpt = part.text.substr(0, kMaxQuoted);
  std::string detail = "multiaddr, character " + std::to_string(part.at) + ", ";
  if (multiformats::is_printable_utf8(excerpt)) detail.append("\"").append(excerpt).append("\", ");
  detail.append(what);
  return fail(code, Op::Parse, Origin::Local, std::move(detail));
}

void insert_length(ByteVector& bytes, std::size_t value_begin) {
  std::uint8_t encoded[kMaxVarintSize];
  const std::size_t size = write_varint(bytes.size() - value_begin, encoded);
  bytes.insert(bytes.begin() + std::ptrdiff_t(value_begin), encoded, encoded + size);
}

Status parse_value(const ProtocolEntry& entry, const Parts::Part& part, ByteVector& to) {
  const std::size_t begin = to.size();
  Problem problem = entry.format->parse(part.text, to);
  if (!problem) problem = entry.format->check(Bytes(to).subspan(begin));
  if (problem) return bad_text(ErrorCode::Malformed, part, problem);
  if (entry.size == kVariableSize) insert_length(to, begin);
  return {};
}

Status parse_component(Parts& parts, ByteVector& to) {
  const Parts::Part name = parts.next();
  const ProtocolEntry* const entry = multiformats::find_protocol(name.text);
  if (!entry) return bad_text(ErrorCode::UnknownCode, name, "no protocol of that name");
  append_varint(to, std::uint64_t(entry->protocol));
  if (!entry->has_value()) return {};
  if (parts.done()) return bad_text(ErrorCode::Truncated, name, "its value is missing");
  return parse_value(*entry, entry->is_path ? parts.rest() : parts.next(), to);
}

std::string_view without_final_slashes(std::string_view text) { return text.substr(0, text.find_last_not_of('/') + 1); }

void append_component(const Frame& frame, std::string& to) {
  to.append("/").append(frame.entry->name);
  if (!frame.entry->has_value()) return;
  if (!frame.entry->is_path) to.push_back('/');  // a path brings its own
  frame.entry->format->print(frame.value, to);
}

}  // namespace

Result<Multiaddr> Multiaddr::from_string(std::string_view text) {
  if (text.size() > kMaxTextSize) return bad_text(ErrorCode::TooLarge, {text, kMaxTextSize}, "the text is too long");
  if (!text.starts_with('/')) return bad_text(ErrorCode::Malformed, {text, 0}, "an address begins with a slash");
  Parts parts(without_final_slashes(text));
  if (parts.done()) return bad_text(ErrorCode::Truncated, {text, 0}, "it is empty");
  Multiaddr address;
  address.bytes_.reserve(text.size());
  while (!parts.done()) STARLING_CHECK(parse_component(parts, address.bytes_));
  if (address.bytes_.size() > kMaxSize) return bad_text(ErrorCode::TooLarge, {text, 0}, "over 4096 bytes in binary");
  return address;
}

std::string Multiaddr::to_string() const {
  std::string text;
  text.reserve(3 * bytes_.size());
  FrameReader reader(bytes_);
  while (const auto frame = reader.next()) append_component(*frame, text);
  return text;
}

std::string Multiaddr::Component::value_text() const {
  std::string text;
  const ProtocolEntry* const entry = multiformats::find_protocol(std::uint64_t(protocol));
  if (entry && entry->has_value()) entry->format->print(value, text);
  return text;
}

}  // namespace starling
