// The binary side of Multiaddr: validation, components, composition. Its text is in multiaddr_text.cpp.
#include "starling/multiformats/multiaddr.hpp"

#include "multiformats/multiaddr_frame.hpp"
#include "multiformats/multiaddr_protocols.hpp"
#include "starling/multiformats/varint.hpp"

namespace starling {
namespace {

using multiformats::find_protocol;
using multiformats::Frame;
using multiformats::FrameReader;
using multiformats::kVariableSize;
using multiformats::Problem;
using multiformats::ProtocolEntry;

std::unexpected<Error> bad_bytes(ErrorCode code, std::size_t at, std::string_view what) {
  return fail(code, Op::Decode, Origin::Remote,
              std::string("multiaddr, byte ") + std::to_string(at) + ": " + std::string(what));
}

Problem check_value(const ProtocolEntry& entry, Bytes value) {
  if (entry.size != kVariableSize && value.size() != std::size_t(entry.size)) return "a value of the wrong size";
  return entry.format ? entry.format->check(value) : nullptr;
}

std::optional<Frame> find_frame(Bytes bytes, Protocol protocol) {
  FrameReader reader(bytes);
  while (const auto frame = reader.next())
    if (frame->entry->protocol == protocol) return frame;
  return std::nullopt;
}

std::optional<Frame> last_frame(Bytes bytes) {
  std::optional<Frame> last;
  FrameReader reader(bytes);
  while (const auto frame = reader.next()) last = frame;
  return last;
}

bool ends_in_path(Bytes bytes) {
  const auto last = last_frame(bytes);
  return last && last->entry->is_path;
}

}  // namespace

std::string_view to_string(Protocol protocol) {
  const ProtocolEntry* entry = find_protocol(std::uint64_t(protocol));
  return entry ? entry->name : std::string_view();
}

std::optional<Protocol> protocol_from_name(std::string_view name) {
  const ProtocolEntry* entry = find_protocol(name);
  if (!entry) return std::nullopt;
  return entry->protocol;
}

Result<Multiaddr> Multiaddr::from_bytes(Bytes bytes) {
  if (bytes.empty()) return bad_bytes(ErrorCode::Truncated, 0, "it is empty");
  if (bytes.size() > kMaxSize) return bad_bytes(ErrorCode::TooLarge, kMaxSize, "it is too long");
  bool path_seen = false;
  for (std::size_t at = 0; at < bytes.size();) {
    if (path_seen) return bad_bytes(ErrorCode::Malformed, at, "a component after a path");
    auto frame = multiformats::read_frame(bytes.subspan(at));
    if (!frame) return bad_bytes(frame.error().code(), at, frame.error().detail());
    if (const Problem problem = check_value(*frame->entry, frame->value))
      return bad_bytes(ErrorCode::Malformed, at, problem);
    path_seen = frame->entry->is_path;
    at += frame->size;
  }
  Multiaddr address;
  address.bytes_ = to_vector(bytes);
  return address;
}

std::vector<Multiaddr::Component> Multiaddr::components() const {
  std::vector<Component> all;
  FrameReader reader(bytes_);
  while (const auto frame = reader.next()) all.push_back({frame->entry->protocol, frame->value});
  return all;
}

bool Multiaddr::has(Protocol protocol) const { return find_frame(bytes_, protocol).has_value(); }

std::optional<Bytes> Multiaddr::value(Protocol protocol) const {
  const auto frame = find_frame(bytes_, protocol);
  if (!frame) return std::nullopt;
  return frame->value;
}

std::optional<std::string> Multiaddr::value_text(Protocol protocol) const {
  const auto found = value(protocol);
  if (!found) return std::nullopt;
  return Component{protocol, *found}.value_text();
}

std::optional<std::uint16_t> Multiaddr::port(Protocol protocol) const {
  const auto found = value(protocol);
  if (!found || found->size() != 2) return std::nullopt;
  return get_u16_be(found->data());
}

Multiaddr Multiaddr::with(const Multiaddr& tail) const {
  if (tail.empty()) return *this;
  if (bytes_.size() + tail.bytes_.size() > kMaxSize || ends_in_path(bytes_)) return {};
  Multiaddr joined;
  joined.bytes_.reserve(bytes_.size() + tail.bytes_.size());
  append(joined.bytes_, bytes_);
  append(joined.bytes_, tail.bytes_);
  return joined;
}

Multiaddr Multiaddr::with(Protocol protocol, Bytes value) const {
  const ProtocolEntry* const entry = find_protocol(std::uint64_t(protocol));
  if (!entry || value.size() > kMaxSize || check_value(*entry, value)) return {};
  Multiaddr component;
  component.bytes_.reserve(2 * kMaxVarintSize + value.size());
  append_varint(component.bytes_, std::uint64_t(protocol));
  if (entry->size == kVariableSize) append_varint(component.bytes_, value.size());
  append(component.bytes_, value);
  return with(component);
}

Multiaddr Multiaddr::without_last(Protocol protocol) const {
  const auto last = last_frame(bytes_);
  if (!last || last->entry->protocol != protocol) return *this;
  Multiaddr shorter;
  shorter.bytes_ = to_vector(bytes().first(bytes_.size() - last->size));
  return shorter;
}

std::pair<Multiaddr, Multiaddr> Multiaddr::split_at(Protocol protocol) const {
  std::size_t at = 0;
  FrameReader reader(bytes_);
  for (auto frame = reader.next(); frame && frame->entry->protocol != protocol; frame = reader.next())
    at += frame->size;
  std::pair<Multiaddr, Multiaddr> parts;
  parts.first.bytes_ = to_vector(bytes().first(at));
  parts.second.bytes_ = to_vector(bytes().subspan(at));
  return parts;
}

}  // namespace starling
