// Between our types and ngtcp2's: time, addresses, connection ids.
#pragma once

#include <netinet/in.h>
#include <ngtcp2/ngtcp2.h>

#include <cstring>

#include "transport/quic/engine.hpp"

namespace starling::transport::quic::ng {

/// ngtcp2 counts nanoseconds from wherever; a second is added because it dislikes zero, where virtual clocks begin.
inline constexpr std::uint64_t kTimeOffset = NGTCP2_SECONDS;

inline ngtcp2_tstamp to_ng(TimePoint at) { return std::uint64_t(at.time_since_epoch().count()) + kTimeOffset; }
inline TimePoint from_ng(ngtcp2_tstamp at) {
  if (at >= std::uint64_t(kNever.time_since_epoch().count())) return kNever;
  return TimePoint(Duration(std::int64_t(at) - std::int64_t(kTimeOffset)));
}
inline ngtcp2_duration to_ng(Duration time) { return std::uint64_t(time.count()); }
inline Duration duration_from_ng(ngtcp2_duration time) {
  return time > std::uint64_t(Duration::max().count()) ? Duration::max() : Duration(std::int64_t(time));
}

inline ngtcp2_cid to_ng(const ConnectionId& id) {
  ngtcp2_cid cid;
  ngtcp2_cid_init(&cid, id.bytes.data(), id.size);
  return cid;
}
inline ConnectionId from_ng(const ngtcp2_cid& cid) {
  ConnectionId id;
  id.size = std::uint8_t(std::min(cid.datalen, kMaxIdSize));
  std::memcpy(id.bytes.data(), cid.data, id.size);
  return id;
}

/// An address in the form ngtcp2 compares. Fixed in memory once address() was handed out.
class SocketName {
 public:
  explicit SocketName(const io::Endpoint& endpoint) {
    const Bytes bytes = endpoint.address.bytes();
    if (endpoint.address.is_v4()) {
      four_.sin_family = AF_INET;
      four_.sin_port = htons(endpoint.port);
      std::memcpy(&four_.sin_addr, bytes.data(), bytes.size());
    } else {
      six_.sin6_family = AF_INET6;
      six_.sin6_port = htons(endpoint.port);
      six_.sin6_scope_id = endpoint.address.scope_id();
      std::memcpy(&six_.sin6_addr, bytes.data(), bytes.size());
    }
  }
  sockaddr* data() { return four_.sin_family == AF_INET ? reinterpret_cast<sockaddr*>(&four_) : six(); }
  ngtcp2_socklen size() const { return four_.sin_family == AF_INET ? sizeof four_ : sizeof six_; }
  ngtcp2_addr address() { return {data(), size()}; }

 private:
  sockaddr* six() { return reinterpret_cast<sockaddr*>(&six_); }
  sockaddr_in four_{};
  sockaddr_in6 six_{};
};

/// Both ends of a path, for one call.
class PathNames {
 public:
  explicit PathNames(const Path& path) : local_(path.local), remote_(path.remote) {}
  ngtcp2_path get() { return {local_.address(), remote_.address(), nullptr}; }

 private:
  SocketName local_, remote_;
};

inline io::Endpoint from_ng(const ngtcp2_addr& address) {
  if (address.addr->sa_family == AF_INET) {
    const auto& four = *reinterpret_cast<const sockaddr_in*>(address.addr);
    std::array<std::uint8_t, 4> bytes;
    std::memcpy(bytes.data(), &four.sin_addr, bytes.size());
    return {io::IpAddress::v4(bytes), ntohs(four.sin_port)};
  }
  const auto& six = *reinterpret_cast<const sockaddr_in6*>(address.addr);
  std::array<std::uint8_t, 16> bytes;
  std::memcpy(bytes.data(), &six.sin6_addr, bytes.size());
  return {io::IpAddress::v6(bytes, six.sin6_scope_id), ntohs(six.sin6_port)};
}

}  // namespace starling::transport::quic::ng
