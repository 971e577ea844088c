// Notices that nothing comes back over UDP, or over IPv6, on the network this host is in, and then keeps dials to
// public addresses of that kind from being tried, but for a probe every so often. A machine.
// spec: none; go-libp2p's swarm is the practice. A cancelled dial counts as failed; the threshold is low enough.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "starling/multiformats/address_scope.hpp"
#include "starling/swarm/dial_settings.hpp"

namespace starling::swarm {

/// One kind of addresses.
class BlackHoleCounter {
 public:
  explicit BlackHoleCounter(const BlackHoleOptions& options) : options_(options) {}

  /// Once for each dial of a peer that has such addresses. Blocked: leave them out; else dial them.
  BlackHoleState request();
  void record(bool success);
  void reset();

  BlackHoleStatus status() const;

 private:
  BlackHoleState state() const;

  BlackHoleOptions options_;
  std::vector<bool> results_;  // a ring of `window` results once it is full
  std::size_t next_ = 0, successes_ = 0;
  std::uint64_t requests_ = 0;
};

class BlackHoleDetector {
 public:
  explicit BlackHoleDetector(const BlackHoleOptions& options) : udp_(options), ip6_(options) {}

  /// For each address of one dial: the kind ("UDP", "IPv6") that is taken to be blocked, or nothing. Call once a dial.
  std::vector<std::optional<std::string>> judge(std::span<const AddressTraits> addresses);
  void record(const AddressTraits& address, bool success);
  /// Another network: nothing is known of it.
  void reset();

  BlackHoleStatus udp() const { return udp_.status(); }
  BlackHoleStatus ip6() const { return ip6_.status(); }

 private:
  BlackHoleCounter udp_, ip6_;
};

}  // namespace starling::swarm
