// The connection manager: which connections a node keeps when it cannot, or need not, keep all.
//
// Peers have a value, the sum of their tags; some tags decay. Who is protected, or in use by a request of ours (a
// lease), is never closed. Up to low_water nothing is closed. Above it, who was idle for long goes. Above high_water
// the least useful go, one by one, until it is reached again. At max_connections (or
// max_inbound) a newcomer is turned away unless
// somebody less useful gives it a place. Streams of ping, identify and the like are no use of a connection.
//
// A pure machine: `now` comes in, ids of connections to close come out. The table it keeps is as large as the number of
// connections, plus what this node itself protects or leases, plus max_known_peers for tags of others.
// Resource, on the reactor's thread; its leases may outlive it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "starling/base/clock.hpp"
#include "starling/base/intrusive_list.hpp"
#include "starling/base/lru_map.hpp"
#include "starling/peer/peer_id.hpp"
#include "starling/resource/limits.hpp"

namespace starling::swarm {

using ConnectionId = std::uint64_t;
using resource::Direction;

struct ConnectionManagerOptions {
  std::size_t low_water = 0;
  std::size_t high_water = 0;
  std::size_t max_connections = 0;
  std::size_t max_inbound = 0;  // of them
  Duration grace_period{};      // a new connection is left alone, unless it is in the way of a more useful one
  Duration silence_period{};    // at least, between two rounds of closing
  Duration idle_timeout{};      // zero = none
  std::size_t max_known_peers = 0;
  std::size_t max_tags_per_peer = 0;
};

enum class Eviction : std::uint8_t { HardCap, HighWater, Idle };
std::string_view to_string(Eviction reason);  // "high_water"

struct ToClose {
  ConnectionId connection = 0;
  Eviction reason = Eviction::HighWater;
};

/// How a decaying tag shrinks towards zero: after each interval `keep_percent` of it are left, less `subtract`.
struct Decay {
  Duration interval{};
  std::int64_t subtract = 0;
  std::uint32_t keep_percent = 100;
  std::int64_t most = INT64_MAX;  // it is not bumped beyond
};

class ConnectionManager;

/// Keeps every connection to a peer open while it lives. Move-only.
class Lease : private ListNode<> {
 public:
  Lease() = default;
  Lease(ConnectionManager& manager, const PeerId& peer, std::string reason);
  Lease(Lease&& other) noexcept { *this = std::move(other); }
  Lease& operator=(Lease&& other) noexcept;
  ~Lease() { end(); }
  void end();

 private:
  friend class ConnectionManager;
  template <typename T, typename U>
  friend class starling::IntrusiveList;
  ConnectionManager* manager_ = nullptr;
  PeerId peer_;
  std::string reason_;
};

/// A stream on a connection: a request of ours keeps it open as a lease does, one of the remote makes it less idle.
/// Move-only.
class Activity : private ListNode<> {
 public:
  Activity() = default;
  Activity(ConnectionManager& manager, ConnectionId connection, Direction direction);
  Activity(Activity&& other) noexcept { *this = std::move(other); }
  Activity& operator=(Activity&& other) noexcept;
  ~Activity() { end(); }
  void end();

 private:
  friend class ConnectionManager;
  template <typename T, typename U>
  friend class starling::IntrusiveList;
  ConnectionManager* manager_ = nullptr;
  ConnectionId connection_ = 0;
  Direction direction_ = Direction::Outbound;
};

struct ConnectionManagerCounters {
  std::uint64_t refused = 0;  // at the hard cap, nobody less useful
  std::uint64_t closed_hard_cap = 0, closed_high_water = 0, closed_idle = 0;
};

/// What keeps a peer connected, for people.
struct PeerStanding {
  std::int64_t value = 0;
  std::map<std::string, std::int64_t> tags;
  std::vector<std::string> protections;
  std::map<std::string, std::size_t> leases;
};

class ConnectionManager {
 public:
  explicit ConnectionManager(const ConnectionManagerOptions& options);
  ~ConnectionManager();
  ConnectionManager(const ConnectionManager&) = delete;
  ConnectionManager& operator=(const ConnectionManager&) = delete;

  /// Whether a connection to `peer` may be added now; perhaps at the price of the one returned. Errors: LimitExceeded.
  Result<std::optional<ToClose>> admit(const PeerId& peer, Direction direction, TimePoint now);
  void opened(ConnectionId id, const PeerId& peer, Direction direction, TimePoint now);
  void closed(ConnectionId id);
  /// What is to be closed now; each is named once, and no longer counts. Call it at next_deadline().
  std::vector<ToClose> due(TimePoint now);
  /// kNever while nothing can be due.
  TimePoint next_deadline() const;

  /// Sets, or with 0 removes, a tag. Errors: LimitExceeded (max_tags_per_peer).
  Status tag(const PeerId& peer, const std::string& name, std::int64_t value);
  /// Makes the decaying tag `name` known; once per name.
  void define(const std::string& name, const Decay& decay);
  /// Adds to a defined tag. Errors: NotFound, LimitExceeded.
  Status bump(const PeerId& peer, const std::string& name, std::int64_t delta, TimePoint now);
  std::int64_t value(const PeerId& peer, TimePoint now) const;

  /// Protects until unprotect() with the same name. Tells whether it is protected by another name still.
  void protect(const PeerId& peer, const std::string& name);
  bool unprotect(const PeerId& peer, const std::string& name);
  bool is_protected(const PeerId& peer) const;
  bool leased(ConnectionId id) const;

  PeerStanding standing(const PeerId& peer, TimePoint now) const;
  /// Open connections, without those that are to be closed.
  std::size_t open() const { return open_; }
  std::size_t remembered() const { return peers_.size() + known_.size(); }
  const ConnectionManagerCounters& counters() const { return counters_; }
  const ConnectionManagerOptions& options() const { return options_; }

 private:
  friend class Lease;
  friend class Activity;
  struct Decaying {
    const std::string* name;
    const Decay* decay;
    std::int64_t value;
    TimePoint as_of;
    std::int64_t at(TimePoint now) const;
  };
  struct Tags {
    std::map<std::string, std::int64_t> fixed;
    std::vector<Decaying> decaying;
    std::int64_t fixed_sum = 0;
    std::int64_t value(TimePoint now) const;
    std::size_t size() const { return fixed.size() + decaying.size(); }
  };
  struct Peer {
    Tags tags;
    std::set<std::string> protections;
    std::map<std::string, std::size_t> leases;
    std::size_t connections = 0;
    bool needed() const { return connections > 0 || !protections.empty() || !leases.empty(); }
    bool kept() const { return !protections.empty() || !leases.empty(); }
  };
  struct Entry {
    PeerId peer;
    Peer* record = nullptr;
    Direction direction = Direction::Outbound;
    TimePoint opened_at{}, idle_since{};
    std::uint32_t requests = 0, serving = 0;
    bool was_used = false, closing = false;
    bool kept() const { return closing || requests > 0 || record->kept(); }
  };
  /// How much a connection is worth: least first.
  struct Worth {
    std::int64_t value;
    bool serving, ours;
    TimePoint idle_since;
    friend auto operator<=>(const Worth&, const Worth&) = default;
  };

  Peer& record(const PeerId& peer);
  const Tags* tags_of(const PeerId& peer) const;
  std::unexpected<Error> too_many_tags() const;
  void forget_if_unneeded(const PeerId& peer);
  void note_idle(TimePoint now);
  Worth worth(const Entry& entry, TimePoint now) const;
  ToClose close(ConnectionId id, Entry& entry, Eviction reason);
  void count(const Entry& entry, int change);
  Error no_place(Direction direction, bool inbound_full) const;
  bool crowded() const;

  ConnectionManagerOptions options_;
  std::map<ConnectionId, Entry> entries_;  // in order: same run, same choice
  std::unordered_map<PeerId, Peer> peers_;
  LruMap<PeerId, Tags> known_;
  std::map<std::string, Decay> decays_;
  std::size_t open_ = 0, inbound_ = 0;
  TimePoint last_round_{};
  ConnectionManagerCounters counters_;
  IntrusiveList<Lease> leases_;
  IntrusiveList<Activity> activities_;
};

}  // namespace starling::swarm
