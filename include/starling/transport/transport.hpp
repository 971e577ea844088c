// The contract of a transport, and the options of the stream transports (TCP; WebSocket later).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "starling/base/histogram.hpp"
#include "starling/io/network.hpp"
#include "starling/muxer/muxer.hpp"
#include "starling/security/private_network.hpp"
#include "starling/security/security.hpp"
#include "starling/transport/accept_gate.hpp"
#include "starling/transport/connection.hpp"

namespace starling::transport {

/// How long each stage of a dial took; zero = not reached or not needed. Filled in as the dial goes on.
struct StageTimes {
  Duration resolve{}, connect{}, security{}, muxer{};
  std::string reached = "start";  // the stage that was running last
};

struct DialOptions {
  std::optional<PeerId> expected_peer;
  StageTimes* times = nullptr;
  /// Send the first handshake message of the preferred security protocol together with its proposal, which saves a
  /// round trip. A peer that does not have that protocol cannot go on from there: see refused_first_security().
  bool optimistic = true;
  /// The DNS name the address was resolved from, or empty: what WebSocket says in its Host header and TLS in its SNI
  /// unless the address has a /sni of its own.
  std::string server_name;
  /// Called when the remote host has answered (the socket is connected) and the handshakes begin; again if the
  /// transport tries again. May be empty.
  std::function<void()> on_answer = {};
};

/// Listens on one address and hands out finished connections.
class TransportListener {
 public:
  virtual ~TransportListener() = default;
  /// The next inbound connection that got through security and muxer negotiation. Errors: Closed.
  virtual io::Task<Result<std::unique_ptr<Connection>>> accept() = 0;
  virtual Multiaddr address() const = 0;
  /// Stops accepting and ends the handshakes under way.
  virtual io::Task<void> close() = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;
  virtual bool can_dial(const Multiaddr& address) const = 0;
  virtual bool can_listen(const Multiaddr& address) const = 0;
  /// `address` without /p2p. Cancellable; the connection is not started yet.
  virtual io::Task<Result<std::unique_ptr<Connection>>> dial(Multiaddr address, DialOptions options) = 0;
  virtual Result<std::unique_ptr<TransportListener>> listen(const Multiaddr& address) = 0;
  /// This host's interfaces are others than before.
  virtual void network_changed() {}
};

struct MuxerOffer {
  std::string protocol_id;
  std::function<std::unique_ptr<muxer::Session>(const muxer::Config&)> make;
};

/// How long handshakes took that succeeded: from the connected socket to the usable connection.
struct HandshakeTimes {
  Histogram inbound, outbound;
};

/// Counters of inbound trouble, by reason. Never reset.
struct InboundCounters {
  std::uint64_t accepted = 0, refused_by_gate = 0, upgraded = 0, failed_negotiation = 0, failed_security = 0,
                failed_muxer = 0, timed_out = 0, evicted_pending = 0, accept_errors = 0, certificate_errors = 0;
};

struct UpgraderOptions {
  Duration negotiate_timeout;       // each multistream negotiation
  Duration security_timeout;        // the security handshake
  Duration connect_timeout;         // TCP connect
  Duration close_timeout;           // sending what is left at close
  std::size_t max_pending_inbound;  // handshakes at once per listener; the oldest gives way
  std::size_t max_stream_inbox;     // bytes held for a slow reader on muxers without flow control
  std::size_t output_buffer;        // bytes of frames waiting per connection before writers wait
  int listen_backlog;
  bool reuse_port;  // dial from the listening port
  muxer::Config muxer;
  Duration identify_timeout;  // the first bytes on a port that TCP and WebSocket share
  io::Congestion congestion;
};

class CarriedSocket;
class Seat;
class Spread;
class StreamPort;

/// Turns a connected socket into a Connection. The lists are in order of preference; borrowed by all connections.
struct Upgrader {
  io::World world;
  UpgraderOptions options;
  std::vector<std::unique_ptr<security::Protocol>> securities;
  std::vector<MuxerOffer> muxers;
  InboundCounters counters;
  HandshakeTimes handshakes;
  AcceptGate* gate = nullptr;  // asked by listeners; null lets everybody in
  /// With a key every connection is inside the private network, and those of others fail by PrivateNetworkMismatch.
  std::optional<security::PrivateNetworkKey> private_network = {};
  /// Where the stream transports listen, so that they can share a port. Theirs.
  std::vector<std::shared_ptr<StreamPort>> ports = {};
  /// Places connections on other reactors, too; borrowed. Null: everything stays on the world's.
  Spread* spread = nullptr;

  /// Owns `socket` in any case. The stage that failed is in the error's op and in `times`.
  io::Task<Result<std::unique_ptr<Connection>>> upgrade(std::unique_ptr<io::StreamSocket> socket, Direction direction,
                                                        Multiaddr local, Multiaddr remote, DialOptions options);

 private:
  std::unique_ptr<CarriedSocket> carry(std::unique_ptr<io::StreamSocket>& socket, Direction direction,
                                       const Multiaddr& remote, const DialOptions& dial, Seat& seat);
};

/// Whether an optimistic dial failed because the peer may lack the security protocol that was proposed first, so that
/// a second connection, dialed with `optimistic` off, can succeed where the node offers several.
bool refused_first_security(const Upgrader& upgrader, const DialOptions& options, const Error& error);

/// Multiaddr of an endpoint: /ip4/…/tcp/… or /ip6/…/tcp/….
Multiaddr tcp_multiaddr(const io::Endpoint& endpoint);
/// The endpoint of an address that is exactly /ip4|ip6/…/tcp/…; nullopt for anything else.
std::optional<io::Endpoint> tcp_endpoint(const Multiaddr& address);

/// `upgrader` must outlive it and every connection it made.
std::unique_ptr<Transport> make_tcp_transport(Upgrader& upgrader);

}  // namespace starling::transport
