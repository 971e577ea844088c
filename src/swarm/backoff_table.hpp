// Addresses that failed lately, and until when the node itself leaves them alone: base + step × tries², at most max.
// A machine. An entry is forgotten when its pause has been over for as long again; a connection to the peer, by
// whichever side, clears all of the peer's. Bounded: the peer that failed longest ago goes first.
// spec: none; go-libp2p's swarm is the practice.
#pragma once

#include <cstdint>
#include <map>

#include "starling/base/lru_map.hpp"
#include "starling/multiformats/multiaddr.hpp"
#include "starling/peer/peer_id.hpp"
#include "starling/swarm/dial_settings.hpp"

namespace starling::swarm {

struct Backoff {
  TimePoint until{};
  std::uint32_t tries = 0;
  Error cause;
};

class BackoffTable {
 public:
  explicit BackoffTable(const BackoffOptions& options) : options_(options), peers_(options.entries) {}

  /// What keeps `address` of `peer` from being dialed now, or null. Valid until the table changes.
  const Backoff* find(const PeerId& peer, const Multiaddr& address, TimePoint now) const;
  void failed(const PeerId& peer, const Multiaddr& address, Error cause, TimePoint now);
  void clear(const PeerId& peer);
  void clear();

  std::size_t size() const { return size_; }
  /// Entries that went for lack of room.
  std::uint64_t evicted() const { return evicted_; }

 private:
  using Addresses = std::map<Multiaddr, Backoff>;
  Duration pause_after(std::uint32_t tries) const;
  void make_room(const PeerId& keep);
  void drop(const PeerId& peer);

  BackoffOptions options_;
  LruMap<PeerId, Addresses> peers_;
  std::size_t size_ = 0;  // entries of all peers
  std::uint64_t evicted_ = 0;
};

}  // namespace starling::swarm
