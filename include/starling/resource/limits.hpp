// What a node has to give away, and how much of it each scope may use. Values, pure.
//
// A budget (memory, descriptors) is all that is given; every other number is derived from it by derive() unless it is
// set by name: "system.connections=2000", "protocol:/ipfs/ping/1.0.0.streams=64".
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "starling/base/error.hpp"

namespace starling::resource {

/// Which side opened a connection or a stream.
enum class Direction : std::uint8_t { Outbound, Inbound };

enum class Resource : std::uint8_t {
  Memory,  // bytes
  Descriptors,
  Connections,  // both directions
  InboundConnections,
  OutboundConnections,
  Streams,  // both directions
  InboundStreams,
  OutboundStreams
};
inline constexpr std::size_t kResources = 8;
std::string_view to_string(Resource resource);  // "inbound_connections"

inline constexpr std::uint64_t kUnlimited = UINT64_MAX;

/// A number for each resource: a limit, or what is in use.
class Amounts {
 public:
  std::uint64_t& operator[](Resource resource) { return values_[std::size_t(resource)]; }
  std::uint64_t operator[](Resource resource) const { return values_[std::size_t(resource)]; }
  static Amounts all(std::uint64_t value);
  /// What one more connection or stream takes.
  static Amounts connection(Direction direction, bool uses_descriptor);
  static Amounts stream(Direction direction);
  Amounts& operator+=(const Amounts& other);
  Amounts& operator-=(const Amounts& other);
  bool none() const { return *this == Amounts(); }
  friend bool operator==(const Amounts&, const Amounts&) = default;

 private:
  std::array<std::uint64_t, kResources> values_{};
};

/// Who uses something. A connection counts in itself, in Transient until its peer is known and in Peer then, and in
/// System. A stream counts in itself, in Peer, in Transient until its protocol is known and in Protocol and
/// ProtocolPeer then, in Service and ServicePeer if it has one, and in System. What came from an allow-listed address
/// while System was full counts in the two allow-listed scopes instead.
enum class ScopeKind : std::uint8_t {
  System,
  Transient,
  AllowedSystem,
  AllowedTransient,
  Service,
  ServicePeer,
  Protocol,
  ProtocolPeer,
  Peer,
  Connection,
  Stream
};
inline constexpr std::size_t kScopeKinds = 11;
std::string_view to_string(ScopeKind kind);  // "protocol_peer"

/// What a node may use in all.
struct Budget {
  std::uint64_t memory = 0;       // bytes
  std::uint64_t descriptors = 0;  // sockets
  friend bool operator==(const Budget&, const Budget&) = default;
};

/// Every limit of a node.
struct LimitTable {
  std::array<Amounts, kScopeKinds> by_kind;
  /// So many streams a peer may have even while the scopes it shares with others are full: a flood by some does not
  /// shut out the others. What is shared may so be passed by this number for each connected peer.
  std::uint64_t reserved_streams_per_peer = 0;
  /// Exceptions by name for services and protocols (also per peer) and single peers; the name of a peer is its id.
  std::map<std::pair<ScopeKind, std::string>, Amounts, std::less<>> by_name;

  Amounts& operator[](ScopeKind kind) { return by_kind[std::size_t(kind)]; }
  const Amounts& operator[](ScopeKind kind) const { return by_kind[std::size_t(kind)]; }
  const Amounts& of(ScopeKind kind, const std::string& name) const;
};

/// All limits for a budget; the rules stand in docs/limits-explained.md. A larger budget lowers no limit; system and
/// allowed_system together do not pass the budget; no other scope passes system.
LimitTable derive(const Budget& budget);

/// Sets single limits: "SCOPE.RESOURCE=NUMBER", or "SCOPE.RESOURCE=unlimited", where SCOPE is the name of a kind, or
/// "protocol:NAME", "protocol_peer:NAME", "service:NAME", "service_peer:NAME", "peer:ID". Memory takes KiB, MiB, GiB.
/// All mistakes at once, each with the text it is about.
std::vector<Error> apply_settings(const std::vector<std::string>& settings, LimitTable& table);

}  // namespace starling::resource
