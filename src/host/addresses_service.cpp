// Addresses as they run in the host: what identify and dials teach the book, what others say they see of us, and what
// we announce of ourselves.
#include <algorithm>
#include <utility>

#include "starling/host/host.hpp"
#include "starling/multiformats/address_scope.hpp"

namespace starling::host {

void Host::learn_addresses(const PeerId& peer, std::span<const Multiaddr> addresses, AddressSource source,
                           AddressLife life) {
  if (peer == id_) return;
  book_.add(peer, addresses, source, life, world_.reactor.now());
  schedule_upkeep();
}

io::Task<Result<swarm::ConnectionId>> Host::connect(PeerId peer, swarm::DialReport* report) {
  std::vector<swarm::DialAddress> addresses;
  for (KnownAddress& known : book_.addresses(peer, AddressFilter::All, world_.reactor.now()))
    addresses.push_back({std::move(known.address), known.sources.best()});
  return connect(std::move(peer), std::move(addresses), {swarm::DialOrigin::User}, report);
}

// What a dial showed of its addresses. One that failed before it left this machine shows nothing.
void Host::note_dial(const swarm::DialReport& report) {
  using Outcome = swarm::DialAttempt::Outcome;
  if (report.reused_connection || report.joined_dial) return;
  const TimePoint now = world_.reactor.now();
  const auto named = [](const swarm::DialAttempt& attempt) -> const Multiaddr& {
    return attempt.from ? *attempt.from : attempt.address;
  };
  for (const swarm::DialAttempt& attempt : report.attempts) {
    if (attempt.outcome != Outcome::Failed || !attempt.error) continue;
    const Origin origin = attempt.error->origin();
    if (*attempt.error == ErrorCode::PeerIdMismatch)
      book_.wrong_peer(report.peer, named(attempt));
    else if (origin == Origin::Network || origin == Origin::Remote || origin == Origin::Timeout)
      book_.dial_failed(report.peer, named(attempt), now);
  }
  for (const swarm::DialAttempt& attempt : report.attempts)
    if (attempt.outcome == Outcome::Connected) book_.dial_succeeded(report.peer, named(attempt), now);
  schedule_upkeep();
}

void Host::remember(const PeerId& peer, swarm::ConnectionId connection, const IdentifyInfo& info) {
  const TimePoint now = world_.reactor.now();
  if (info.peer_record)
    (void)book_.add_record(*info.peer_record, AddressLife::Connected, now);
  else
    book_.add(peer, info.listen_addresses, AddressSource::Identify, AddressLife::Connected, now);
  book_.set_facts(peer, {info.agent_version, info.protocol_version, info.protocols});
  take_observation(connection, info);
  schedule_upkeep();
}

void Host::take_observation(swarm::ConnectionId connection, const IdentifyInfo& info) {
  swarm::Link* link = swarm_.find(connection);
  if (link == nullptr || !info.observed_address) return;
  const Observation seen{connection, link->info().local_address, link->info().remote_address, *info.observed_address};
  if (observed_.observe(seen, listening_, world_.reactor.now()) == ObservationVerdict::Counted) refresh_announced();
}

// Asking the system is not for every connection: it is asked when we listen, and now and then while something depends
// on it.
void Host::look_at_interfaces() {
  auto seen = world_.network.interfaces();
  const bool changed = seen && take_interfaces(*std::move(seen));
  std::vector<Multiaddr> bound = swarm_.listen_addresses();
  if (changed || bound_ != bound) {
    listening_ = bound;
    bound_ = std::move(bound);
    const std::vector<Multiaddr> resolved = by_interface(listening_, interfaces_);
    listening_.insert(listening_.end(), resolved.begin(), resolved.end());
    refresh_announced();
  }
  schedule_interface_check();
}

// True if they are others than before.
bool Host::take_interfaces(std::vector<io::Interface> seen) {
  const auto same = [](const io::Interface& a, const io::Interface& b) {
    return a.name == b.name && a.address == b.address && a.prefix_length == b.prefix_length;
  };
  if (std::ranges::equal(interfaces_, seen, same)) return false;
  const bool first = interfaces_.empty();
  interfaces_ = std::move(seen);
  if (!first) swarm_.network_changed();
  return true;
}

std::vector<Multiaddr> Host::announced_only() const {
  std::vector<Multiaddr> addresses;
  for (const AnnouncedAddress& each : announced_)
    if (each.announced()) addresses.push_back(each.address);
  return addresses;
}

std::vector<Multiaddr> Host::addresses() const {
  std::vector<Multiaddr> addresses = announced_only();
  for (Multiaddr& address : addresses) {
    const Multiaddr named = address.with(Protocol::P2p, id_.bytes());
    if (!named.empty()) address = named;  // nothing can follow a unix path
  }
  return addresses;
}

const ByteVector& Host::own_record() const {
  if (!own_record_.empty()) return own_record_;
  const PeerRecord record{id_, record_sequence_, announced_only()};
  if (const auto envelope = record.seal(key_)) own_record_ = envelope->to_protobuf();
  return own_record_;
}

void Host::refresh_announced() {
  const std::vector<Multiaddr> before = announced_only();
  announced_ = plan_announcement(swarm_.listen_addresses(), interfaces_, observed_, options_.announce);
  if (closing_ || announced_only() == before) return;
  local_changed();
  if (!address_event_timer_.armed()) address_event_timer_.set(world_.reactor.after(options_.push_delay));
}

void Host::tell_address_change() {
  LocalAddressesChanged change{announced_only(), {}, {}};
  const auto missing_in = [](const std::vector<Multiaddr>& all) {
    return [&all](const Multiaddr& address) { return std::ranges::find(all, address) == all.end(); };
  };
  std::ranges::copy_if(change.announced, std::back_inserter(change.added), missing_in(told_addresses_));
  std::ranges::copy_if(told_addresses_, std::back_inserter(change.removed), missing_in(change.announced));
  told_addresses_ = change.announced;
  if (!change.added.empty() || !change.removed.empty()) events_.emit(change);
}

void Host::upkeep() {
  const TimePoint now = world_.reactor.now();
  book_.expire(now);
  observed_.expire(now);
  refresh_announced();
  schedule_upkeep();
}

// Sleeps until something expires, and then a little, so that what expires together goes together.
void Host::schedule_upkeep() {
  const TimePoint due = std::min(book_.next_expiry(), observed_.next_expiry());
  if (closing_ || due == kNever) return upkeep_timer_.cancel();
  const TimePoint wanted = due + options_.upkeep_interval;
  if (!upkeep_timer_.armed() || upkeep_timer_.when() > wanted) upkeep_timer_.set(wanted);
}

void Host::schedule_interface_check() {
  const bool needed = swarm_.connection_count() > 0 || std::ranges::any_of(*bound_, [](const Multiaddr& each) {
                        return traits_of(each).scope == AddressScope::Unspecified;
                      });
  if (closing_ || !needed || options_.interface_check_interval == Duration::zero()) return;
  interface_timer_.set(world_.reactor.after(options_.interface_check_interval));
}

void Host::stop_address_timers() {
  upkeep_timer_.cancel();
  address_event_timer_.cancel();
  interface_timer_.cancel();
}

}  // namespace starling::host
