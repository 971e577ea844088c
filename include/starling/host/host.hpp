// The host: a node's identity, its swarm, the protocols it serves, and the streams it opens. Runs identify on every
// connection. Resource: start with construction, end with close(). Threading: one reactor's thread.
// spec: connections/README.md, Multiplexing; identify/README.md
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "starling/host/announced_addresses.hpp"
#include "starling/host/events.hpp"
#include "starling/host/identify_message.hpp"
#include "starling/host/observed_addresses.hpp"
#include "starling/host/stream.hpp"
#include "starling/peer/address_book.hpp"
#include "starling/swarm/swarm.hpp"

namespace starling::host {

/// How streams of a protocol count.
struct ProtocolPolicy {
  std::string service;      // the service scope they count in; empty: none
  bool background = false;  // keep-alive and the like: no reason to keep a connection open
};

struct HostOptions {
  std::string agent_version;
  std::string protocol_version;
  Duration negotiate_timeout;           // protocol of one stream
  Duration identify_timeout;            // one exchange
  Duration push_delay;                  // changes within this time go out in one push
  std::size_t max_negotiating_streams;  // inbound, per connection, without a protocol yet
  bool identify;                        // ask every peer, and answer
  std::map<std::string, ProtocolPolicy, std::less<>> policies;
  TrafficOptions traffic;
  std::uint64_t record_sequence;  // of the first signed peer record; must grow from start to start
  AddressBookOptions address_book;
  ObservedOptions observed;
  AnnounceRules announce;
  Duration upkeep_interval;           // what has expired goes at most this much later
  Duration interface_check_interval;  // looks for changed interfaces, if bound to all or connected; 0: never
};

struct HostCounters {
  std::uint64_t streams_opened = 0, streams_accepted = 0, refused_protocol = 0, refused_negotiating = 0,
                refused_limit = 0, refused_per_protocol = 0, negotiation_failed = 0, negotiation_timeout = 0,
                identify_ok = 0, identify_failed = 0, pushes_sent = 0, pushes_received = 0, pushes_failed = 0,
                pushes_refused = 0;  // of the remote: broken; while another one was running
};

/// Serves one inbound stream. The stream is reset if the handler drops it before both sides closed.
using StreamHandler = std::function<io::Task<void>(Stream stream)>;

/// What the host knows of a connected peer.
struct PeerState {
  std::optional<IdentifyInfo> identify;
  std::size_t connections = 0;
};

class Host final : private swarm::SwarmEvents {
 public:
  Host(io::World world, crypto::PrivateKey key, HostOptions options, const swarm::SwarmOptions& swarm_options);
  ~Host();

  const PeerId& id() const { return id_; }
  const crypto::PrivateKey& key() const { return key_; }
  swarm::Swarm& swarm() { return swarm_; }
  EventBus& events() { return events_; }
  io::World& world() { return world_; }
  const HostOptions& options() const { return options_; }
  const HostCounters& counters() const { return counters_; }
  /// Bytes by protocol, transport and peer, with totals and rates as of now.
  const Traffic& traffic();
  std::size_t open_streams() const { return handlers_running_; }

  /// Serves `protocol` by its exact name; replaces a handler of that name.
  void handle(std::string protocol, StreamHandler handler);
  /// Serves every name for which `matches` is true and no exact handler exists; in order of registration. `advertised`
  /// is the name identify shows.
  void handle_matching(std::string advertised, std::function<bool(std::string_view)> matches, StreamHandler handler);
  void remove_handler(std::string_view protocol);
  std::vector<std::string> protocols() const;

  Result<Multiaddr> listen(const Multiaddr& address) { return swarm_.listen(address); }
  /// The addresses others are told, each ending in /p2p/<our id>.
  std::vector<Multiaddr> addresses() const;
  /// Every address that could be told, with the reason why it is or is not.
  const std::vector<AnnouncedAddress>& announced() const { return announced_; }
  const ObservedAddresses& observed_addresses() const { return observed_; }

  /// What is known of other peers. Fed by identify and by dials; others add through learn_addresses().
  AddressBook& book() { return book_; }
  /// Takes addresses that somebody told us of. See AddressBook::add().
  void learn_addresses(const PeerId& peer, std::span<const Multiaddr> addresses, AddressSource source,
                       AddressLife life);

  /// A connection to `peer`, dialed now: the caller's own wish, so nothing that is known of the addresses holds it
  /// back.
  io::Task<Result<swarm::ConnectionId>> connect(PeerId peer, std::vector<Multiaddr> addresses,
                                                swarm::DialReport* report = nullptr);
  /// A connection to `peer` by the addresses that the book knows. Errors: NoAddresses, and those of Swarm::dial().
  io::Task<Result<swarm::ConnectionId>> connect(PeerId peer, swarm::DialReport* report = nullptr);
  /// A connection to `peer`, with a say in who wants it and where the addresses are from.
  io::Task<Result<swarm::ConnectionId>> connect(PeerId peer, std::vector<swarm::DialAddress> addresses,
                                                swarm::DialOptions options, swarm::DialReport* report = nullptr);
  /// A stream on the best connection to `peer`, which must be connected. `protocols` in order of preference: with one,
  /// or when identify told which the peer has, nothing waits for the answer (lazy negotiation). Waits for a place
  /// when the connection has as many streams as it may, and for the answer, `negotiate_timeout` in all.
  /// Errors: NotFound (not connected), NoCommonProtocol, StreamLimit, GoAway, ConnectionClosed, Timeout.
  io::Task<Result<Stream>> open_stream(PeerId peer, std::vector<std::string> protocols);

  const PeerState* peer(const PeerId& peer) const;
  /// Waits until identify with the peer has ended; its result. Errors: NotFound, those of the exchange, Timeout.
  io::Task<Result<IdentifyInfo>> identified(PeerId peer);
  /// What we say of ourselves to the peer at `observed`.
  IdentifyInfo describe(std::optional<Multiaddr> observed) const;

  /// Ends handlers and connections; waits for all.
  io::Task<void> close();

 private:
  struct Peer : PeerState {
    std::optional<Error> identify_error;
    bool identifying = false, push_running = false;
    bool push_due = false;    // what we say changed while identify ran
    std::size_t waiting = 0;  // coroutines in identified()
    io::WaitQueue identify_ended;
  };
  struct Pattern {
    std::string advertised;
    std::function<bool(std::string_view)> matches;
    StreamHandler handler;
  };

  void on_connected(swarm::Link& link) override;
  void on_disconnected(swarm::Link& link, const transport::CloseReason& reason) override;
  void on_inbound_stream(swarm::Link& link, std::unique_ptr<transport::RawStream> raw) override;
  void on_listening(const Multiaddr& address) override;

  const StreamHandler* handler_for(std::string_view protocol) const;
  Result<StreamHold> hold_stream(const PeerId& peer, transport::Direction direction);
  Status settle(StreamHold& hold, const StreamInfo& info);
  io::Task<void> serve(std::unique_ptr<transport::RawStream> raw, StreamInfo info, StreamHold hold);
  io::Task<Result<std::string>> negotiate_inbound(transport::RawStream& raw);
  Stream charged(Stream stream);
  StreamInfo stream_info(swarm::Link& link, transport::Direction direction) const;

  // open_stream.cpp
  struct Opening;
  Result<Opening> begin_opening(swarm::Link& link, std::vector<std::string> protocols);
  Status take_place(Opening& opening, swarm::Link& link);
  Stream opened(Opening opening);
  io::Task<Status> negotiate_outbound(Opening& opening);
  io::Task<Result<Stream>> finish_opening(Opening& opening);
  io::Task<Result<Stream>> open_on(swarm::ConnectionId connection, std::vector<std::string> protocols);
  void choose_known(const PeerId& peer, std::vector<std::string>& protocols) const;

  // identify_service.cpp
  void register_identify();
  io::Task<void> identify(PeerId peer, swarm::ConnectionId connection);
  io::Task<Result<IdentifyInfo>> ask_identify(swarm::ConnectionId connection);
  io::Task<Result<IdentifyInfo>> read_identify(Stream& stream);
  io::Task<void> answer_identify(Stream stream);
  io::Task<void> receive_push(Stream stream);
  io::Task<Status> send_identify(Stream& stream);
  void learn(Peer& state, const PeerId& peer, swarm::ConnectionId connection, IdentifyInfo info, bool pushed);
  void retry_identify(const PeerId& peer, Peer& state, swarm::ConnectionId failed);
  void forget_if_unused(const PeerId& peer);
  void local_changed();
  void push_if_understood(const PeerId& peer, const Peer& state);
  io::Task<void> push_to_all();
  io::Task<void> push_to(PeerId peer);
  io::Task<Status> push_stream(PeerId peer);

  // addresses_service.cpp
  void remember(const PeerId& peer, swarm::ConnectionId connection, const IdentifyInfo& info);
  void take_observation(swarm::ConnectionId connection, const IdentifyInfo& info);
  void note_dial(const swarm::DialReport& report);
  void look_at_interfaces();
  bool take_interfaces(std::vector<io::Interface> seen);
  std::vector<Multiaddr> announced_only() const;
  const ByteVector& own_record() const;
  void refresh_announced();
  void tell_address_change();
  void upkeep();
  void schedule_upkeep();
  void schedule_interface_check();
  void stop_address_timers();

  io::World world_;
  crypto::PrivateKey key_;
  PeerId id_;
  HostOptions options_;
  EventBus events_;
  HostCounters counters_;
  Traffic traffic_;
  std::map<std::string, StreamHandler, std::less<>> handlers_;
  std::vector<Pattern> patterns_;
  std::unordered_map<PeerId, std::unique_ptr<Peer>> peers_;
  std::unordered_map<swarm::ConnectionId, std::size_t> negotiating_;
  std::size_t handlers_running_ = 0;
  std::uint64_t record_sequence_;
  mutable ByteVector own_record_;  // signed when somebody asks; empty = to be made
  bool push_scheduled_ = false, closing_ = false;
  AddressBook book_;
  ObservedAddresses observed_;
  std::vector<io::Interface> interfaces_;        // as they were last seen
  std::optional<std::vector<Multiaddr>> bound_;  // likewise; the plan of what we announce follows from both
  std::vector<Multiaddr> listening_;             // as bound, and by interface
  std::vector<AnnouncedAddress> announced_;
  std::vector<Multiaddr> told_addresses_;  // by the last event
  io::CallbackTimer upkeep_timer_, address_event_timer_, interface_timer_;
  io::TaskGroup tasks_;
  swarm::Swarm swarm_;
};

}  // namespace starling::host
