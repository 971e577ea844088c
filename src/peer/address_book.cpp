// Learning and asking. What goes when there is no room is in address_book_order.cpp.
#include "starling/peer/address_book.hpp"

#include <algorithm>

#include "peer/address_book_peer.hpp"
#include "starling/peer/address_store.hpp"

namespace starling {
namespace {

// The most trusted first.
constexpr AddressSource kByTrust[] = {AddressSource::User,         AddressSource::Connection, AddressSource::Record,
                                      AddressSource::Identify,     AddressSource::Mdns,       AddressSource::Rendezvous,
                                      AddressSource::PeerExchange, AddressSource::Dht,        AddressSource::Resolved,
                                      AddressSource::Unknown};

// An address that nobody can dial, wherever they are.
bool names_nothing(const Multiaddr& address) {
  for (const Multiaddr::Component& part : address.components()) {
    const bool ip = part.protocol == Protocol::Ip4 || part.protocol == Protocol::Ip6;
    const bool port = part.protocol == Protocol::Tcp || part.protocol == Protocol::Udp;
    if ((ip || port) && std::all_of(part.value.begin(), part.value.end(), [](std::uint8_t b) { return b == 0; }))
      return true;
  }
  return address.empty();
}

bool contains(std::span<const Multiaddr> addresses, const Multiaddr& wanted) {
  return std::find(addresses.begin(), addresses.end(), wanted) != addresses.end();
}

}  // namespace

unsigned trust_in(AddressSource source) { return unsigned(std::end(kByTrust) - std::ranges::find(kByTrust, source)); }

AddressSource AddressSources::best() const {
  for (const AddressSource source : kByTrust)
    if (has(source)) return source;
  return AddressSource::Unknown;
}

std::string AddressSources::to_string() const {
  std::string text;
  for (const AddressSource source : kByTrust)
    if (has(source)) text += (text.empty() ? "" : ",") + std::string(starling::to_string(source));
  return text;
}

std::string_view to_string(AddressLife life) {
  constexpr std::string_view kNames[] = {"temporary", "normal", "recently connected", "connected", "permanent"};
  return kNames[std::size_t(life)];
}

std::size_t PeerFacts::bytes() const {
  std::size_t sum = agent_version.size() + protocol_version.size();
  for (const std::string& protocol : protocols) sum += protocol.size() + sizeof(std::string);
  return sum;
}

std::int64_t CalendarOffset::unix_seconds(TimePoint at) const {
  return (at.time_since_epoch().count() + unix_ns_at_zero) / 1'000'000'000;
}

TimePoint CalendarOffset::time_point(std::int64_t unix_seconds) const {
  return TimePoint(Duration(unix_seconds * 1'000'000'000 - unix_ns_at_zero));
}

AddressBook::AddressBook(const AddressBookOptions& options) : options_(options) {}
AddressBook::~AddressBook() = default;

AddressBook::Peer* AddressBook::known(const PeerId& id) const {
  const auto found = peers_.find(id);
  return found == peers_.end() ? nullptr : found->second.get();
}

AddressBook::Peer& AddressBook::peer_at(const PeerId& id) {
  const auto [place, fresh] = peers_.try_emplace(id);
  if (fresh) {
    place->second = std::make_unique<Peer>(next_serial_++);
    place->second->id = &place->first;
  }
  return *place->second;
}

// As the book keeps it, or nothing.
std::optional<Multiaddr> AddressBook::usable(const PeerId& peer, const Multiaddr& given) {
  const auto refuse = [](std::uint64_t& counter) {
    ++counter;
    return std::nullopt;
  };
  if (given.bytes().size() > options_.max_address_bytes) return refuse(counters_.refused_too_long);
  const auto parts = given.components();
  const bool named = !parts.empty() && parts.back().protocol == Protocol::P2p;
  if (named && !equal(parts.back().value, peer.bytes())) return refuse(counters_.refused_other_peer);
  Multiaddr address = named ? given.without_last(Protocol::P2p) : given;
  if (names_nothing(address)) return refuse(counters_.refused_unusable);
  return address;
}

std::vector<Multiaddr> AddressBook::usable(const PeerId& peer, std::span<const Multiaddr> given) {
  std::vector<Multiaddr> good;
  for (const Multiaddr& each : given)
    if (auto address = usable(peer, each)) good.push_back(*std::move(address));
  return good;
}

void AddressBook::prolong(const Peer& peer, KnownAddress& entry, AddressLife life, TimePoint now) const {
  if (life == AddressLife::Connected && !peer.connected) life = AddressLife::RecentlyConnected;  // it left meanwhile
  const auto ttl = [&] {
    switch (life) {
      case AddressLife::Temporary:
        return options_.temporary_ttl;
      case AddressLife::Normal:
        return options_.normal_ttl;
      default:
        return options_.recently_connected_ttl;
    }
  };
  const TimePoint expires = life >= AddressLife::Connected ? kNever : now + ttl();
  if (expires < entry.expires || (expires == entry.expires && life < entry.life)) return;
  entry.expires = expires;
  entry.life = life;
}

KnownAddress& AddressBook::learn(Peer& peer, const Multiaddr& address, AddressSource source, AddressLife life,
                                 TimePoint now) {
  KnownAddress* entry = peer.find(address);
  if (entry == nullptr) {
    entry = &peer.entries.emplace_back();
    entry->address = address;
    entry->expires = now;
    ++address_count_;
    address_bytes_ += address.bytes().size();
    ++counters_.added;
  }
  entry->sources.add(source);
  prolong(peer, *entry, life, now);
  return *entry;
}

// The peer now names `named`: of what it named before through `sources`, the rest loses them, and goes if nobody else
// told us of it.
void AddressBook::withdraw(Peer& peer, std::span<const Multiaddr> named, std::span<const AddressSource> sources) {
  for (std::size_t i = peer.entries.size(); i-- > 0;) {
    KnownAddress& entry = peer.entries[i];
    if (contains(named, entry.address)) continue;
    const AddressSources before = entry.sources;
    for (const AddressSource source : sources) entry.sources.remove(source);
    if (before == entry.sources) continue;
    if (!entry.sources.has(AddressSource::Record)) entry.certified = false;
    if (!entry.sources.empty()) continue;
    ++counters_.withdrawn;
    erase(peer, i);
  }
}

void AddressBook::add(const PeerId& id, std::span<const Multiaddr> given, AddressSource source, AddressLife life,
                      TimePoint now) {
  STARLING_ASSERT(source != AddressSource::Record, "signed records come through add_record()");
  const std::vector<Multiaddr> addresses = usable(id, given);
  if (addresses.empty() && known(id) == nullptr) return;
  Peer& peer = peer_at(id);
  constexpr AddressSource kOwn[] = {AddressSource::Identify};
  if (source == AddressSource::Identify) withdraw(peer, addresses, kOwn);
  for (const Multiaddr& address : addresses) learn(peer, address, source, life, now);
  mark_changed(peer);
  settle(peer);
}

bool AddressBook::add_record(const CertifiedRecord& certified, AddressLife life, TimePoint now) {
  const PeerRecord& record = certified.record();
  Peer& peer = peer_at(record.peer);
  if (peer.record &&
      (record.sequence < peer.record->sequence ||
       (record.sequence == peer.record->sequence && !equal(peer.record->envelope, certified.envelope())))) {
    ++counters_.records_stale;
    return false;
  }
  ++counters_.records_accepted;
  const std::vector<Multiaddr> addresses = usable(record.peer, record.addresses);
  constexpr AddressSource kOwn[] = {AddressSource::Record, AddressSource::Identify};
  withdraw(peer, addresses, kOwn);
  for (const Multiaddr& address : addresses) learn(peer, address, AddressSource::Record, life, now).certified = true;
  set_record(peer, certified);
  mark_changed(peer);
  settle(peer);
  return true;
}

void AddressBook::set_facts(const PeerId& id, PeerFacts facts) {
  Peer* peer = known(id);
  if (peer == nullptr) return;
  if (facts.protocols.size() > options_.max_protocols_per_peer) {
    ++counters_.protocols_cut;
    facts.protocols.resize(options_.max_protocols_per_peer);
  }
  drop_facts(*peer);
  const std::size_t bytes = facts.bytes();
  if (facts_bytes_ + bytes > options_.max_facts_bytes ||
      (!peer->connected && bytes > options_.max_facts_bytes_offline)) {
    ++counters_.facts_refused;
    return;
  }
  facts_bytes_ += bytes;
  peer->facts = std::make_unique<PeerFacts>(std::move(facts));
  mark_changed(*peer);
}

void AddressBook::connected(const PeerId& id) {
  Peer& peer = peer_at(id);
  peer.connected = true;
  place(peer);
}

void AddressBook::disconnected(const PeerId& id, TimePoint now) {
  Peer* peer = known(id);
  if (peer == nullptr || !peer->connected) return;
  peer->connected = false;
  for (KnownAddress& entry : peer->entries) {
    if (entry.life != AddressLife::Connected) continue;
    entry.life = AddressLife::RecentlyConnected;
    entry.expires = now + options_.recently_connected_ttl;
  }
  if (peer->facts && peer->facts->bytes() > options_.max_facts_bytes_offline) drop_facts(*peer);
  while (peer->entries.size() > options_.max_addresses_after_disconnect) {
    const std::size_t index = least_useful(*peer);
    if (peer->entries[index].life == AddressLife::Permanent) break;
    ++counters_.evicted_of_peer;
    erase(*peer, index);
  }
  mark_changed(*peer);
  settle(*peer);
}

void AddressBook::dial_succeeded(const PeerId& id, const Multiaddr& given, TimePoint now) {
  const auto address = usable(id, given);
  if (!address) return;
  Peer& peer = peer_at(id);
  KnownAddress& entry = learn(peer, *address, AddressSource::Connection, AddressLife::Connected, now);
  entry.last_success = now;
  entry.failures = 0;
  mark_changed(peer);
  settle(peer);
}

void AddressBook::dial_failed(const PeerId& id, const Multiaddr& given, TimePoint now) {
  Peer* peer = known(id);
  KnownAddress* entry = peer == nullptr ? nullptr : peer->find(given.without_last(Protocol::P2p));
  if (entry == nullptr) return;
  entry->last_failure = now;
  if (entry->failures < UINT32_MAX) ++entry->failures;
  mark_changed(*peer);
  place(*peer);
}

void AddressBook::wrong_peer(const PeerId& id, const Multiaddr& given) {
  Peer* peer = known(id);
  KnownAddress* entry = peer == nullptr ? nullptr : peer->find(given.without_last(Protocol::P2p));
  if (entry == nullptr) return;
  ++counters_.removed_wrong_peer;
  mark_changed(*peer);
  erase(*peer, std::size_t(entry - peer->entries.data()));
  settle(*peer);
}

void AddressBook::forget(const PeerId& id) {
  Peer* peer = known(id);
  if (peer == nullptr) return;
  mark_changed(*peer);
  drop_record(*peer);
  drop_facts(*peer);
  while (!peer->entries.empty()) erase(*peer, peer->entries.size() - 1);
  settle(*peer);
}

bool AddressBook::shareable(const KnownAddress& entry) const {
  return entry.proven() || (entry.certified && entry.failures < options_.max_failures_shared);
}

std::vector<KnownAddress> AddressBook::addresses(const PeerId& id, AddressFilter filter, TimePoint now) const {
  std::vector<KnownAddress> found;
  const Peer* peer = known(id);
  if (peer == nullptr) return found;
  for (const KnownAddress& entry : peer->entries)
    if (entry.expires > now && (filter == AddressFilter::All || shareable(entry))) found.push_back(entry);
  const auto order = [](const KnownAddress& entry) {
    return std::tuple(!entry.proven(), entry.failures, ~trust_in(entry.sources.best()));
  };
  std::ranges::sort(found, [&](const KnownAddress& a, const KnownAddress& b) {
    return order(a) != order(b) ? order(a) < order(b) : a.address < b.address;
  });
  return found;
}

Bytes AddressBook::record(const PeerId& id) const {
  const Peer* peer = known(id);
  return peer == nullptr || !peer->record ? Bytes{} : Bytes(peer->record->envelope);
}

std::optional<KnownPeer> AddressBook::find(const PeerId& id, TimePoint now) const {
  const Peer* peer = known(id);
  if (peer == nullptr) return std::nullopt;
  KnownPeer all{id, peer->connected, addresses(id, AddressFilter::All, now), std::nullopt, {}};
  if (peer->record) all.record_sequence = peer->record->sequence;
  if (peer->facts) all.facts = *peer->facts;
  return all;
}

std::vector<PeerId> AddressBook::peers(std::size_t max) const {
  std::vector<PeerId> ids;
  for (const auto& [id, peer] : peers_) {
    if (ids.size() >= max) break;
    ids.push_back(id);
  }
  return ids;
}

}  // namespace starling
