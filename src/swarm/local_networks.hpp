// The networks this host is in, read from its interfaces and kept for a while. Decides whether an address that is not
// public can be meant for us at all. Threading: the reactor's thread.
#pragma once

#include <optional>
#include <vector>

#include "starling/io/network.hpp"
#include "starling/multiformats/ip_prefix.hpp"

namespace starling::swarm {

class LocalNetworks {
 public:
  /// `extra`: networks that are reached although no interface is in them, for instance through a VPN's router.
  LocalNetworks(io::Network& network, Duration keep, std::vector<IpPrefix> extra)
      : network_(network), keep_(keep), extra_(std::move(extra)) {}

  /// Reads the interfaces again if the last reading is too old. True if they are not those of the last reading.
  bool refresh(TimePoint now);
  /// The next refresh() reads again.
  void invalidate() { stale_ = true; }

  /// `ip`, 4 or 16 bytes, is in a network of an interface or an extra one.
  bool in_reach(Bytes ip) const;
  /// `ip` is an address of this host.
  bool is_own(Bytes ip) const;
  /// The interfaces have been read, and `ip` is no address of theirs. All of 127.0.0.0/8 is there without being theirs.
  bool is_lost(const io::IpAddress& ip) const { return interfaces_ && !ip.is_loopback() && !is_own(ip.bytes()); }

 private:
  io::Network& network_;
  Duration keep_;
  std::vector<IpPrefix> extra_;
  struct Interface {
    IpPrefix network, address;
    friend bool operator==(const Interface&, const Interface&) = default;
    friend auto operator<=>(const Interface&, const Interface&) = default;
  };
  std::optional<std::vector<Interface>> interfaces_;
  TimePoint read_at_{};
  bool stale_ = true;
};

}  // namespace starling::swarm
