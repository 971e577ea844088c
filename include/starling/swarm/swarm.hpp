// The swarm: every connection of a node. Listens, dials several addresses in parallel, joins dials to the same peer,
// keeps one table of connections, enforces the limits on them, and tells its owner what happens.
// spec: connections/README.md. Threading: one reactor's thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "starling/base/histogram.hpp"
#include "starling/io/network.hpp"
#include "starling/multiformats/address_scope.hpp"
#include "starling/multiformats/ip_prefix.hpp"
#include "starling/names/resolver.hpp"
#include "starling/swarm/connection_manager.hpp"
#include "starling/swarm/dial_options.hpp"
#include "starling/swarm/dial_report.hpp"
#include "starling/swarm/dial_settings.hpp"
#include "starling/swarm/gater.hpp"
#include "starling/transport/transport.hpp"

namespace starling::swarm {

struct SwarmOptions {
  Duration dial_timeout;               // the whole dial of a peer
  Duration dial_address_timeout;       // one address, handshakes included
  Duration dial_local_timeout;         // the same for an address in a network of this host
  std::size_t max_dials_per_peer;      // addresses at once
  std::size_t max_addresses_per_dial;  // the others are left out, the last in the ranking first
  std::size_t max_pending_dials;       // peers being dialed; more dials are refused
  DialDelays dial_delays;
  DialLimits dial_limits;
  BackoffOptions backoff;
  BlackHoleOptions black_hole;
  Duration interface_cache;                  // how long the list of the host's interfaces is used
  std::vector<IpPrefix> reachable_networks;  // not public, in no interface's network, and dialed all the same
  Duration lost_address_timeout;             // for the answer to a probe after network_changed()
  ConnectionManagerOptions connections = {};
  resource::Manager* resources = nullptr;  // borrowed; counts connections and streams. Null: nothing is counted
};

class Swarm;

/// A connection in the table. Borrowed by those who look at it; dies some time after it closed, never inside an event.
class Link final : private transport::ConnectionEvents {
 public:
  Link(Swarm& swarm, ConnectionId id, std::unique_ptr<transport::Connection> connection);
  ConnectionId id() const { return id_; }
  const PeerId& peer() const { return connection_->info().remote_peer; }
  const transport::ConnectionInfo& info() const { return connection_->info(); }
  transport::ConnectionStats stats() const { return connection_->stats(); }
  bool closed() const { return connection_->closed(); }
  Result<std::unique_ptr<transport::RawStream>> open_stream() { return connection_->open_stream(); }
  /// As transport::Connection::openable(). The link may be gone when it ends: find it again by its id.
  io::QueueWait openable() { return connection_->openable(); }
  void close(transport::CloseReason reason) { connection_->close(std::move(reason)); }
  const resource::ConnectionScope& scope() const { return connection_->scope(); }

 private:
  friend class Swarm;
  void on_inbound_stream(std::unique_ptr<transport::RawStream> stream) override;
  void on_closed(const transport::CloseReason& reason) override;
  Swarm& swarm_;
  ConnectionId id_;
  std::unique_ptr<transport::Connection> connection_;
};

/// Told by the swarm in its own turn.
class SwarmEvents {
 public:
  virtual void on_connected(Link& link) = 0;
  /// The link is out of the table; it still answers info() and stats() until this returns.
  virtual void on_disconnected(Link& link, const transport::CloseReason& reason) = 0;
  virtual void on_inbound_stream(Link& link, std::unique_ptr<transport::RawStream> stream) = 0;
  virtual void on_listening(const Multiaddr& address) = 0;

 protected:
  ~SwarmEvents() = default;
};

struct SwarmCounters {
  std::uint64_t connections_opened = 0, connections_closed = 0, refused_limit = 0, refused_self = 0, refused_gated = 0,
                dials = 0, dials_failed = 0, dials_joined = 0, bytes_in = 0,
                bytes_out = 0;  // bytes of closed connections
  // connections_closed by reason: by this node, by the peer, its breach of a protocol or limit, silence, the network
  std::uint64_t closed_local = 0, closed_remote = 0, closed_violation = 0, closed_timeout = 0, closed_network = 0;
  std::uint64_t dials_refused = 0;                              // more than max_pending_dials
  std::array<std::uint64_t, kSkipReasons> addresses_skipped{};  // by SkipReason
};

/// What dialing is doing now and what it knows of the network.
struct DialState {
  std::size_t pending = 0;                                  // peers being dialed
  std::size_t running = 0, descriptors = 0, half_open = 0;  // addresses being dialed, and how many of these count twice
  std::size_t queued = 0;                                   // addresses that wait for a place in the budget
  std::size_t backed_off = 0;                               // addresses remembered as failed
  std::uint64_t backoff_evicted = 0;                        // forgotten for lack of room
  BlackHoleStatus udp, ip6;
};

class Swarm {
 public:
  Swarm(io::World world, PeerId local, const SwarmOptions& options, SwarmEvents& events);
  ~Swarm();

  void add_transport(std::unique_ptr<transport::Transport> transport);
  /// Follows the names in dialed addresses; without one they fail with Unsupported. Before the first dial.
  void use_resolver(std::unique_ptr<names::Resolver> resolver);
  /// Null without one.
  names::Resolver* resolver() { return resolver_.get(); }
  /// Listens and returns the address with the port that was got.
  Result<Multiaddr> listen(const Multiaddr& address);
  /// As bound: 0.0.0.0 stays 0.0.0.0.
  std::vector<Multiaddr> listen_addresses() const;

  /// The connection to `peer`: the one there is, or a new one. The report is filled in any case.
  /// Errors: NoAddresses, AllAddressesFailed (with the causes), DialedSelf, Gated, LimitExceeded, Timeout.
  io::Task<Result<Link*>> dial(PeerId peer, std::vector<DialAddress> addresses, DialOptions options,
                               DialReport* report = nullptr);
  /// The same for addresses that the user gave and wants dialed now.
  io::Task<Result<Link*>> dial(PeerId peer, std::vector<Multiaddr> addresses, DialReport* report = nullptr);

  /// Asked before every dial. Borrowed: must outlive the swarm or be replaced; null permits everything.
  void set_gater(Gater* gater) { gater_ = gater; }

  DialState dial_state() const;
  /// Forgets that addresses of `peer`, or of any peer, failed.
  void clear_backoff(const PeerId& peer);
  void clear_backoff();
  /// This host is in another network: what was learned of the old one (failed addresses, black holes, names) is
  /// forgotten, and transports move what they can. Connections that cannot move and whose local address is gone are
  /// asked for a sign of life, and end without one: the address may come back, or be this host's in a way no interface
  /// shows. Noticed by itself within `interface_cache` when something is dialed.
  void network_changed();

  /// The best open connection to `peer`, or null: direct before relayed, then the one with more streams, then the
  /// youngest.
  Link* find(const PeerId& peer);
  Link* find(ConnectionId id);
  std::vector<Link*> connections();
  std::size_t connection_count() const { return links_.size(); }
  void close_peer(const PeerId& peer, transport::CloseReason reason);

  /// Stops listening, closes every connection and waits for all of it.
  io::Task<void> close();
  const SwarmCounters& counters() const { return counters_; }
  /// How long addresses took that were dialed with success, handshakes included.
  const std::map<TransportKind, Histogram>& dial_times() const { return dial_times_; }
  /// Tags, protection and leases of peers.
  ConnectionManager& manager() { return manager_; }
  /// Null if nothing is counted.
  resource::Manager* resources() { return options_.resources; }
  /// Closes the connections that the gater's rules forbid now.
  void apply_gater();

 private:
  friend class Link;
  struct PendingDial;
  struct Dialing;
  class Dialer;

  io::Task<void> accept_from(transport::TransportListener& listener);
  Result<Link*> adopt(std::unique_ptr<transport::Connection> connection);
  Status check_in(transport::Connection& connection);
  Status charge(transport::Connection& connection);
  Result<resource::ConnectionScope> reserve(resource::Direction direction, const Multiaddr& remote);
  Status make_place(const transport::Connection& connection);
  void evict(const ToClose& chosen);
  void keep_house();
  io::Task<void> discard(std::unique_ptr<transport::Connection> connection, transport::CloseCode code);
  io::Task<void> bury(std::unique_ptr<Link> link);
  io::Task<void> links_gone();
  void on_link_closed(Link& link, const transport::CloseReason& reason);
  void probe_lost_addresses();
  transport::Transport* transport_for(const Multiaddr& address);
  Status check_dial(const PeerId& peer);
  PendingDial& join_dial(const PeerId& peer, std::vector<DialAddress> addresses, DialOptions options);
  io::Task<void> run_dial(PendingDial& dial);
  io::Task<void> look_up_names(std::vector<Multiaddr> addresses, names::Resolver::OnPart on_part);
  io::Task<void> resolve(const PeerId& peer, std::vector<DialAddress> given,
                         std::function<void(std::vector<DialAttempt>)> on_found);

  io::World world_;
  PeerId local_;
  SwarmOptions options_;
  SwarmEvents& events_;
  std::unique_ptr<names::Resolver> resolver_;
  Gater* gater_ = nullptr;
  std::vector<std::unique_ptr<transport::Transport>> transports_;
  std::vector<std::unique_ptr<transport::TransportListener>> listeners_;
  std::map<ConnectionId, std::unique_ptr<Link>> links_;
  std::unordered_map<PeerId, std::vector<Link*>> by_peer_;
  std::unordered_map<PeerId, std::unique_ptr<PendingDial>> dials_;
  std::unique_ptr<Dialing> dialing_;
  ConnectionId next_id_ = 1;
  ConnectionManager manager_;
  io::CallbackTimer house_keeping_;
  SwarmCounters counters_;
  std::map<TransportKind, Histogram> dial_times_;
  bool closing_ = false;
  io::WaitQueue link_gone_;
  io::TaskGroup tasks_, dial_tasks_;
};

}  // namespace starling::swarm
