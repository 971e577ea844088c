#include "starling/io/network.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace starling::io {

IpAddress IpAddress::v4(std::array<std::uint8_t, 4> bytes) {
  IpAddress address;
  std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
  return address;
}

IpAddress IpAddress::v6(std::array<std::uint8_t, 16> bytes, std::uint32_t scope_id) {
  IpAddress address;
  address.v4_ = false;
  address.bytes_ = bytes;
  address.scope_id_ = scope_id;
  return address;
}

Result<IpAddress> IpAddress::from_string(std::string_view text) {
  const std::string copy(text);
  std::array<std::uint8_t, 4> four;
  if (::inet_pton(AF_INET, copy.c_str(), four.data()) == 1) return v4(four);
  std::array<std::uint8_t, 16> sixteen;
  if (::inet_pton(AF_INET6, copy.c_str(), sixteen.data()) == 1) return v6(sixteen);
  return fail(ErrorCode::Malformed, Op::Parse, Origin::Local, "'" + copy + "' is not an IP address");
}

bool IpAddress::is_unspecified() const {
  return std::all_of(bytes().begin(), bytes().end(), [](std::uint8_t b) { return b == 0; });
}

bool IpAddress::is_loopback() const {
  if (v4_) return bytes_[0] == 127;
  return std::all_of(bytes_.begin(), bytes_.end() - 1, [](std::uint8_t b) { return b == 0; }) && bytes_[15] == 1;
}

bool IpAddress::is_private() const {
  if (!v4_) return (bytes_[0] & 0xfe) == 0xfc;
  return bytes_[0] == 10 || (bytes_[0] == 172 && (bytes_[1] & 0xf0) == 16) || (bytes_[0] == 192 && bytes_[1] == 168) ||
         (bytes_[0] == 100 && (bytes_[1] & 0xc0) == 64);
}

bool IpAddress::is_link_local() const {
  return v4_ ? bytes_[0] == 169 && bytes_[1] == 254 : bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
}

std::string IpAddress::to_string() const {
  char text[INET6_ADDRSTRLEN];
  ::inet_ntop(v4_ ? AF_INET : AF_INET6, bytes_.data(), text, sizeof text);
  return text;
}

std::string Endpoint::to_string() const {
  const std::string ip = address.to_string();
  return (address.is_v6() ? "[" + ip + "]" : ip) + ":" + std::to_string(port);
}

bool Congestion::replaces(std::string_view current, Duration round_trip) const {
  const bool by_loss = current == "cubic" || current == "reno";
  return by_path() && by_loss && current != algorithm && round_trip >= long_path;
}

Result<std::unique_ptr<Listener>> Network::listen_local(const LocalPlace& at, int) {
  return fail(ErrorCode::Unsupported, Op::Listen, Origin::Local, "this network has no local streams: " + at.name);
}

Result<std::unique_ptr<StreamSocket>> Network::connect_local(const LocalPlace& to) {
  return fail(ErrorCode::Unsupported, Op::Connect, Origin::Local, "this network has no local streams: " + to.name);
}

}  // namespace starling::io
