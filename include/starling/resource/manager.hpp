// The resource manager: a tree of budgets that every connection and stream of a node counts in.
//
// Whoever opens something gets a handle and keeps it as long as the thing lives; dropping the handle gives everything
// back. A request is checked in all scopes it concerns before it counts in any. Scopes of peers, protocols and services
// come with their first holder and go with the last, so there are never more than four and one per connection, and five
// per stream.
// Pure: time is passed in. Threading: the reactor's thread. A handle that outlives the manager holds nothing.
#pragma once

#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "starling/base/intrusive_list.hpp"
#include "starling/peer/peer_id.hpp"
#include "starling/resource/allow_list.hpp"
#include "starling/resource/limits.hpp"
#include "starling/resource/prefix_limiter.hpp"

namespace starling::resource {

/// Memory for less important things is refused earlier: up to this share of each limit, in 256ths. As go-libp2p.
enum class Priority : std::uint8_t { Low = 101, Medium = 152, High = 203, Always = 255 };

class Manager;

/// One scope with what it may use and what it uses.
struct ScopeReport {
  ScopeKind kind = ScopeKind::System;
  std::string path;  // "system/peer:12D3…"
  Amounts limits, used;
};

/// The part that connections and streams share. Move-only; an empty one holds nothing and permits everything.
class Hold : private ListNode<> {
 public:
  Hold() = default;
  Hold(Hold&& other) noexcept { *this = std::move(other); }
  Hold& operator=(Hold&& other) noexcept;
  ~Hold() { release(); }

  explicit operator bool() const { return manager_ != nullptr; }
  /// Errors: LimitExceeded, naming the scope that is full.
  Status reserve_memory(std::uint64_t bytes, Priority priority);
  /// At most what was reserved.
  void release_memory(std::uint64_t bytes);
  std::uint64_t memory() const { return held_[Resource::Memory]; }
  /// Gives everything back; idempotent.
  void release();

 protected:
  friend class Manager;
  template <typename T, typename U>
  friend class starling::IntrusiveList;
  struct Scope;
  static constexpr std::size_t kMaxScopes = 7;
  Manager* manager_ = nullptr;
  Amounts held_;
  const Amounts* own_limits_ = nullptr;
  ScopeKind kind_ = ScopeKind::Connection;
  std::uint8_t count_ = 0;
  std::array<Scope*, kMaxScopes> scopes_{};
};

/// What one connection holds.
class ConnectionScope : public Hold {
 public:
  ConnectionScope() = default;
  ConnectionScope(ConnectionScope&& other) noexcept { *this = std::move(other); }
  ConnectionScope& operator=(ConnectionScope&& other) noexcept;
  ~ConnectionScope() { release(); }
  void release();

  /// The handshake told who it is: from the transient scope to the peer's. Once. Errors: LimitExceeded; the
  /// connection must be closed then.
  Status set_peer(const PeerId& peer);
  Direction direction() const { return direction_; }

 private:
  friend class Manager;
  Direction direction_ = Direction::Outbound;
  std::optional<io::IpAddress> remote_;
  bool counted_ = false;  // in the limiter of prefixes
};

/// What one stream holds.
class StreamScope : public Hold {
 public:
  /// Negotiation told what it is for: from the transient scope to the protocol's. Once. Errors: LimitExceeded; the
  /// stream must be reset then.
  Status set_protocol(std::string_view protocol);
  /// Counts it in a service, too, which may have several protocols. After set_protocol().
  Status set_service(std::string_view service);
  const PeerId& peer() const { return peer_; }

 private:
  friend class Manager;
  PeerId peer_;
};

struct ManagerCounters {
  std::array<std::uint64_t, kScopeKinds> refused_by_scope{};
  std::array<std::uint64_t, kResources> refused_by_resource{};
  std::uint64_t allowed_beyond_limit = 0;  // connections of allow-listed addresses that found the system full
};

class Manager {
 public:
  explicit Manager(LimitTable table, AllowList allowed = {}, PrefixOptions prefixes = {});
  ~Manager();
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  /// For a connection whose peer is not known yet. Inbound ones from `remote` also count in its networks, unless it is
  /// allow-listed. Errors: LimitExceeded, RateLimited.
  Result<ConnectionScope> open_connection(Direction direction, bool uses_descriptor,
                                          const std::optional<io::IpAddress>& remote, TimePoint now);
  /// For a stream whose protocol is not known yet. Errors: LimitExceeded.
  Result<StreamScope> open_stream(const PeerId& peer, Direction direction);

  const LimitTable& limits() const { return table_; }
  const AllowList& allowed() const { return allowed_; }
  /// Of the system scope.
  const Amounts& used() const;
  const ManagerCounters& counters() const { return counters_; }
  const PrefixLimiter& prefixes() const { return prefixes_; }
  /// Scopes of peers, protocols and services.
  std::size_t live_scopes() const { return scopes_.size(); }
  /// Every scope, System first, then by kind, within a kind the one that uses most of anything first.
  std::vector<ScopeReport> report() const;

 private:
  friend class Hold;
  friend class ConnectionScope;
  friend class StreamScope;
  using Scope = Hold::Scope;
  struct ScopeName {  // borrowed
    ScopeKind kind;
    std::string_view name;
    const PeerId& peer;
  };
  // Scopes are found without copying what names them.
  struct ScopeHash {
    using is_transparent = void;
    std::size_t operator()(const ScopeName& scope) const noexcept;
    std::size_t operator()(const std::unique_ptr<Scope>& scope) const noexcept;
  };
  struct SameScope {
    using is_transparent = void;
    bool operator()(const ScopeName& name, const std::unique_ptr<Scope>& scope) const;
    bool operator()(const std::unique_ptr<Scope>& scope, const ScopeName& name) const { return (*this)(name, scope); }
    bool operator()(const std::unique_ptr<Scope>& a, const std::unique_ptr<Scope>& b) const;
  };
  struct Want;
  struct Full {  // a scope without room, as an error names it
    ScopeKind kind;
    std::string path, key;
  };

  Scope& root(ScopeKind kind) { return *roots_[std::size_t(kind)]; }
  Status join_both(ConnectionScope& hold, ScopeKind transient, ScopeKind system);
  Scope& enter(ScopeKind kind, std::string_view name, const PeerId& peer);
  void leave(Scope& scope);
  Status join(Hold& hold, Scope& scope, Op op);
  bool has_reserve(const Hold& hold, const Scope& scope) const;
  void part(Hold& hold, Scope& scope);
  Status check(const Scope& scope, const Want& want);
  Status check_own(const Hold& hold, const Want& want);
  std::unexpected<Error> refuse(const Full& full, Resource resource, std::uint64_t used, std::uint64_t limit,
                                const Want& want);

  LimitTable table_;
  AllowList allowed_;
  std::unordered_set<std::unique_ptr<Scope>, ScopeHash, SameScope> scopes_;
  std::array<std::unique_ptr<Scope>, 4> roots_;
  PrefixLimiter prefixes_;
  ManagerCounters counters_;
  IntrusiveList<Hold> holds_;
};

}  // namespace starling::resource
