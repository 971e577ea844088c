#include "starling/swarm/swarm.hpp"

#include <algorithm>
#include <utility>

#include "swarm/pending_dial.hpp"

namespace starling::swarm {

using transport::CloseCode;
using transport::CloseReason;

namespace {

std::uint64_t SwarmCounters::* counter_for(const CloseReason& reason) {
  if (reason.by == CloseReason::By::Local) return &SwarmCounters::closed_local;
  if (reason.by == CloseReason::By::Remote) return &SwarmCounters::closed_remote;
  if (!reason.error || domain_of(reason.error->code()) == "network") return &SwarmCounters::closed_network;
  if (*reason.error == ErrorCode::Timeout) return &SwarmCounters::closed_timeout;
  return &SwarmCounters::closed_violation;
}

// As go-libp2p chooses. Both sides may choose differently; both connections stay, so nothing flaps.
bool better(const Link& a, const Link& b) {
  const auto rank = [](const Link& link) {
    const transport::ConnectionStats stats = link.stats();
    const bool direct = !link.info().remote_address.has(Protocol::P2pCircuit);
    return std::pair(direct, stats.inbound_streams + stats.outbound_streams);
  };
  return rank(a) > rank(b);
}

}  // namespace

Link::Link(Swarm& swarm, ConnectionId id, std::unique_ptr<transport::Connection> connection)
    : swarm_(swarm), id_(id), connection_(std::move(connection)) {}

void Link::on_inbound_stream(std::unique_ptr<transport::RawStream> stream) {
  swarm_.events_.on_inbound_stream(*this, std::move(stream));
}

void Link::on_closed(const CloseReason& reason) { swarm_.on_link_closed(*this, reason); }

Swarm::Swarm(io::World world, PeerId local, const SwarmOptions& options, SwarmEvents& events)
    : world_(world),
      local_(std::move(local)),
      options_(options),
      events_(events),
      dialing_(std::make_unique<Dialing>(world, options)),
      manager_(options.connections),
      house_keeping_(world.reactor, [this] { keep_house(); }),
      tasks_(world.reactor),
      dial_tasks_(world.reactor) {}

Swarm::~Swarm() { STARLING_ASSERT(links_.empty() && listeners_.empty(), "close() the swarm before it dies"); }

void Swarm::add_transport(std::unique_ptr<transport::Transport> transport) {
  transports_.push_back(std::move(transport));
}

void Swarm::use_resolver(std::unique_ptr<names::Resolver> resolver) { resolver_ = std::move(resolver); }

Result<Multiaddr> Swarm::listen(const Multiaddr& address) {
  if (closing_) return fail(ErrorCode::Closed, Op::Listen, Origin::Local, "the node is shutting down");
  for (const auto& transport : transports_) {
    if (!transport->can_listen(address)) continue;
    STARLING_TRY(auto listener, transport->listen(address));
    Multiaddr bound = listener->address();
    listeners_.push_back(std::move(listener));
    tasks_.spawn(accept_from(*listeners_.back()));
    events_.on_listening(bound);
    return bound;
  }
  return fail(ErrorCode::Unsupported, Op::Listen, Origin::Local,
              "no transport of this node listens on " + address.to_string());
}

std::vector<Multiaddr> Swarm::listen_addresses() const {
  std::vector<Multiaddr> addresses;
  for (const auto& listener : listeners_) addresses.push_back(listener->address());
  return addresses;
}

io::Task<void> Swarm::accept_from(transport::TransportListener& listener) {
  for (;;) {
    auto connection = co_await listener.accept();
    if (!connection) co_return;
    (void)adopt(std::move(*connection));
  }
}

// Takes a finished connection into the table, or turns it away with a reason.
Result<Link*> Swarm::adopt(std::unique_ptr<transport::Connection> connection) {
  if (Status welcome = check_in(*connection); !welcome) {
    const Error& error = welcome.error();
    const bool limit = error == ErrorCode::LimitExceeded, gated = error == ErrorCode::Gated;
    ++(limit ? counters_.refused_limit : gated ? counters_.refused_gated : counters_.refused_self);
    tasks_.spawn(discard(std::move(connection), limit ? CloseCode::ResourceLimit : CloseCode::Gated));
    return std::unexpected(error);
  }
  const ConnectionId id = next_id_++;
  Link& link = *links_.emplace(id, std::make_unique<Link>(*this, id, std::move(connection))).first->second;
  by_peer_[link.peer()].push_back(&link);
  manager_.opened(id, link.peer(), link.info().direction, world_.reactor.now());
  ++counters_.connections_opened;
  dialing_->backoff.clear(link.peer());
  if (const auto pending = dials_.find(link.peer()); pending != dials_.end()) pending->second->wake.notify_all();
  link.connection_->start(link);
  events_.on_connected(link);
  keep_house();
  return &link;
}

// Who it is, whether the rules permit it, whether the budgets do, and whether there is or can be made a place for it.
Status Swarm::check_in(transport::Connection& connection) {
  const PeerId& peer = connection.info().remote_peer;
  if (closing_) return fail(ErrorCode::Closed, Op::Accept, Origin::Local, "the node is shutting down");
  if (peer == local_) return fail(ErrorCode::DialedSelf, Op::Dial, Origin::Local, local_.to_string());
  if (gater_ != nullptr) STARLING_CHECK(gater_->may_connect(peer, connection.info().remote_address));
  STARLING_CHECK(charge(connection));
  return make_place(connection);
}

Status Swarm::charge(transport::Connection& connection) {
  const auto& info = connection.info();
  if (!connection.scope()) {  // from a transport that asked no gate
    STARLING_TRY(auto scope, reserve(info.direction, info.remote_address));
    connection.hold(std::move(scope));
  }
  return connection.scope().set_peer(info.remote_peer);
}

Result<resource::ConnectionScope> Swarm::reserve(resource::Direction direction, const Multiaddr& remote) {
  if (options_.resources == nullptr) return resource::ConnectionScope();
  const bool descriptor = !remote.value(Protocol::Udp);  // QUIC connections share one socket
  return options_.resources->open_connection(direction, descriptor, resource::ip_of(remote), world_.reactor.now());
}

Status Swarm::make_place(const transport::Connection& connection) {
  const auto& info = connection.info();
  STARLING_TRY(const std::optional<ToClose> price,
               manager_.admit(info.remote_peer, info.direction, world_.reactor.now()));
  if (price) evict(*price);
  return {};
}

void Swarm::evict(const ToClose& chosen) {
  if (Link* link = find(chosen.connection)) link->close(CloseReason::local(CloseCode::GarbageCollected));
}

void Swarm::keep_house() {
  for (const ToClose& each : manager_.due(world_.reactor.now())) evict(each);
  const TimePoint next = manager_.next_deadline();
  if (next == kNever || closing_) return house_keeping_.cancel();
  if (!house_keeping_.armed() || house_keeping_.when() != next) house_keeping_.set(next);
}

void Swarm::apply_gater() {
  if (gater_ == nullptr) return;
  for (Link* link : connections()) {
    if (gater_->may_connect(link->peer(), link->info().remote_address)) continue;
    ++counters_.refused_gated;
    link->close(CloseReason::local(CloseCode::Gated));
  }
}

io::Task<void> Swarm::discard(std::unique_ptr<transport::Connection> connection, CloseCode code) {
  struct Ignore final : transport::ConnectionEvents {
    void on_inbound_stream(std::unique_ptr<transport::RawStream>) override {}
    void on_closed(const CloseReason&) override {}
  } ignore;
  connection->start(ignore);
  connection->close(CloseReason::local(code));
  co_await connection->join();
}

void Swarm::on_link_closed(Link& link, const CloseReason& reason) {
  auto& same = by_peer_[link.peer()];
  std::erase(same, &link);
  if (same.empty()) by_peer_.erase(link.peer());
  manager_.closed(link.id());
  ++counters_.connections_closed;
  ++(counters_.*counter_for(reason));
  counters_.bytes_in += link.stats().bytes_in;
  counters_.bytes_out += link.stats().bytes_out;
  auto owned = std::move(links_.extract(link.id()).mapped());
  events_.on_disconnected(link, reason);
  keep_house();
  tasks_.spawn(bury(std::move(owned)));
  link_gone_.notify_all();
}

// The connection's own tasks may still be ending; it goes when they are gone.
io::Task<void> Swarm::bury(std::unique_ptr<Link> link) { co_await link->connection_->join(); }

Link* Swarm::find(const PeerId& peer) {
  const auto found = by_peer_.find(peer);
  if (found == by_peer_.end()) return nullptr;
  Link* best = nullptr;
  for (Link* link : found->second)
    if (!link->closed() && (best == nullptr || !better(*best, *link))) best = link;
  return best;
}

Link* Swarm::find(ConnectionId id) {
  const auto found = links_.find(id);
  return found == links_.end() ? nullptr : found->second.get();
}

std::vector<Link*> Swarm::connections() {
  std::vector<Link*> all;
  for (const auto& [id, link] : links_) all.push_back(link.get());
  return all;
}

void Swarm::close_peer(const PeerId& peer, CloseReason reason) {
  const auto found = by_peer_.find(peer);
  if (found == by_peer_.end()) return;
  for (Link* link : found->second) link->close(reason);
}

// A link leaves the table in its own turn; its burial, a task, joins it.
io::Task<void> Swarm::links_gone() {
  while (!links_.empty()) (void)co_await link_gone_.wait();
}

io::Task<void> Swarm::close() {
  closing_ = true;
  house_keeping_.cancel();
  co_await dial_tasks_.close();
  if (resolver_) co_await resolver_->close();
  dials_.clear();
  for (auto& listener : listeners_) co_await listener->close();
  for (Link* link : connections()) link->close(CloseReason::local(CloseCode::Shutdown));
  io::CancelScope always(nullptr);  // whatever happens to the caller
  co_await links_gone().in(always);
  co_await tasks_.join();
  co_await tasks_.close();
  listeners_.clear();
}

}  // namespace starling::swarm
