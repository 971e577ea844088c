// Dialing as the swarm's callers see it: one dial a peer however many ask, and name resolution.
#include <algorithm>
#include <utility>

#include "swarm/dialer.hpp"

namespace starling::swarm {
namespace {

AddressSource source_of(const Multiaddr& name, const std::vector<DialAddress>& given) {
  const auto found =
      std::find_if(given.begin(), given.end(), [&](const DialAddress& each) { return each.address == name; });
  return found != given.end() ? found->source : AddressSource::Unknown;
}

}  // namespace

bool names_another(const Multiaddr& address, const PeerId& peer) {
  if (address.has(Protocol::P2pCircuit)) return false;  // the first /p2p is the relay's
  const auto named = address.value(Protocol::P2p);
  return named && !equal(*named, peer.bytes());
}

std::vector<DialAddress> from_source(AddressSource source, std::vector<Multiaddr> addresses) {
  std::vector<DialAddress> all;
  for (Multiaddr& address : addresses) all.push_back({std::move(address), source});
  return all;
}

transport::Transport* Swarm::transport_for(const Multiaddr& address) {
  for (const auto& transport : transports_)
    if (transport->can_dial(address)) return transport.get();
  return nullptr;
}

DialState Swarm::dial_state() const {
  const DialLimiter& limiter = dialing_->queue.limiter();
  return {dials_.size(),
          limiter.running(),
          limiter.descriptors(),
          limiter.half_open(),
          dialing_->queue.waiting(),
          dialing_->backoff.size(),
          dialing_->backoff.evicted(),
          dialing_->black_holes.udp(),
          dialing_->black_holes.ip6()};
}

void Swarm::clear_backoff(const PeerId& peer) { dialing_->backoff.clear(peer); }
void Swarm::clear_backoff() { dialing_->backoff.clear(); }

void Swarm::network_changed() {
  dialing_->networks.invalidate();
  dialing_->backoff.clear();
  dialing_->black_holes.reset();
  if (resolver_) resolver_->clear_cache();
  for (const auto& transport : transports_) transport->network_changed();
  probe_lost_addresses();
}

void Swarm::probe_lost_addresses() {
  (void)dialing_->networks.refresh(world_.reactor.now());
  for (const auto& [id, link] : links_) {
    const Multiaddr& local = link->info().local_address;
    const auto ip = resource::ip_of(local);
    if (!ip) continue;
    if (!dialing_->networks.is_lost(*ip)) {
      link->connection_->trust();
      continue;
    }
    link->connection_->probe(options_.lost_address_timeout,
                             "this host no longer has the connection's address " + local.to_string() +
                                 ", and the peer answers no probe within swarm.lost_address_timeout");
  }
}

io::Task<void> Swarm::look_up_names(std::vector<Multiaddr> addresses, names::Resolver::OnPart on_part) {
  if (resolver_) {
    (void)co_await resolver_->resolve(std::move(addresses), std::move(on_part));
    co_return;
  }
  names::Resolution none;
  for (Multiaddr& address : addresses) {
    Error error(ErrorCode::Unsupported, Op::Resolve, Origin::Local, address.to_string() + ": no resolver");
    none.failures.push_back({{std::move(address)}, std::move(error)});
  }
  on_part(none);
}

// As soon as it is known: an attempt for each address that the given names lead to, and one with its error for each
// that leads nowhere.
io::Task<void> Swarm::resolve(const PeerId& peer, std::vector<DialAddress> given,
                              std::function<void(std::vector<DialAttempt>)> on_found) {
  std::vector<Multiaddr> addresses;
  for (const DialAddress& each : given) {
    // So that of the records behind a dnsaddr only this peer's count.
    const Multiaddr narrowed = each.address.with(Protocol::P2p, peer.bytes());
    addresses.push_back(narrowed.empty() ? each.address : narrowed);
  }
  const TimePoint start = world_.reactor.now();
  co_await look_up_names(std::move(addresses), [&](const names::Resolution& found) {
    std::vector<DialAttempt> attempts;
    const auto add = [&](const Multiaddr& address, const std::vector<Multiaddr>& path) -> DialAttempt& {
      DialAttempt& attempt = attempts.emplace_back();
      attempt.address = address.without_last(Protocol::P2p);
      attempt.from = path.front().without_last(Protocol::P2p);
      attempt.source = source_of(*attempt.from, given);
      attempt.stages.resolve = world_.reactor.now() - start;
      attempt.stages.reached = "resolve";
      return attempt;
    };
    for (const names::ResolvedAddress& each : found.addresses)
      if (!each.path.empty() && !names_another(each.address, peer))
        add(each.address, each.path).host_name = each.host_name;
    for (const names::Unresolved& each : found.failures) add(each.path.back(), each.path).error = each.error;
    on_found(std::move(attempts));
  });
}

io::Task<void> Swarm::run_dial(PendingDial& dial) {
  Dialer dialer(*this, dial);
  co_await dialer.run();
  if (dial.report.error) ++counters_.dials_failed;
  dial.done = true;
  dial.changed.notify_all();
  if (dial.waiting == 0) dials_.erase(dial.report.peer);  // everybody who wanted it gave up
}

io::Task<Result<Link*>> Swarm::dial(PeerId peer, std::vector<Multiaddr> addresses, DialReport* report) {
  return dial(std::move(peer), from_source(AddressSource::User, std::move(addresses)), {DialOrigin::User}, report);
}

// Whether a dial may begin at all.
Status Swarm::check_dial(const PeerId& peer) {
  if (peer == local_) return fail(ErrorCode::DialedSelf, Op::Dial, Origin::Local, peer.to_string());
  if (closing_) return fail(ErrorCode::Closed, Op::Dial, Origin::Local, "the node is shutting down");
  if (gater_ != nullptr) STARLING_CHECK(gater_->may_dial(peer));
  if (dials_.contains(peer) || dials_.size() < options_.max_pending_dials) return {};
  ++counters_.dials_refused;
  return fail(ErrorCode::LimitExceeded, Op::Dial, Origin::Limit,
              "swarm.max_pending_dials = " + std::to_string(options_.max_pending_dials));
}

Swarm::PendingDial& Swarm::join_dial(const PeerId& peer, std::vector<DialAddress> addresses, DialOptions options) {
  auto& slot = dials_[peer];
  const bool joined = slot != nullptr;
  ++(joined ? counters_.dials_joined : counters_.dials);
  if (!joined) slot = std::make_unique<PendingDial>(peer);
  slot->ask(std::move(addresses), options);
  if (!joined) dial_tasks_.spawn(run_dial(*slot));
  return *slot;
}

io::Task<Result<Link*>> Swarm::dial(PeerId peer, std::vector<DialAddress> addresses, DialOptions options,
                                    DialReport* report) {
  DialReport unwanted;
  DialReport& told = report != nullptr ? *report : unwanted;
  told.peer = peer;
  told.origin = options.origin;
  if (Link* link = closing_ ? nullptr : find(peer)) {
    told.reused_connection = true;
    co_return link;
  }
  if (Status may = check_dial(peer); !may) {
    told.error = may.error();
    co_return std::unexpected(std::move(may).error());
  }
  const bool joined = dials_.contains(peer);
  PendingDial& dial = join_dial(peer, std::move(addresses), options);
  ++dial.waiting;
  Status waited;
  while (!dial.done && waited) waited = co_await dial.changed.wait();
  if (report != nullptr) *report = dial.so_far();
  told.joined_dial = joined;
  told.error = waited ? dial.report.error : std::optional<Error>(waited.error());
  const ConnectionId connection = dial.connection;
  if (--dial.waiting == 0 && dial.done) dials_.erase(peer);  // else run_dial() does it
  if (told.error) co_return std::unexpected(*told.error);
  if (Link* link = find(connection)) co_return link;
  co_return fail(ErrorCode::ConnectionClosed, Op::Dial, Origin::Remote,
                 "the connection to " + peer.to_string() + " closed at once");
}

}  // namespace starling::swarm
