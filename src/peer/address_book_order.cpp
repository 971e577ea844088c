// What goes when time is up or there is no room. Peers stand in one order, by rank and then by what expires first: its
// beginning is who loses an address when the book is full, and the beginning of each rank is what expires next. A flood
// of one rank thus never costs an address of a better one.
#include <algorithm>

#include "peer/address_book_peer.hpp"
#include "starling/peer/address_store.hpp"

namespace starling {
namespace {

// Of the addresses of one peer. Between equals the one that was here first stays: a newcomer proves nothing.
unsigned usefulness(const KnownAddress& entry) {
  constexpr unsigned kPermanent = 1u << 7, kProven = 1u << 6, kNeverFailed = 1u << 5,
                     kCertified = 1u << 4;  // trust is below
  return (entry.life == AddressLife::Permanent ? kPermanent : 0) | (entry.proven() ? kProven : 0) |
         (entry.failures == 0 ? kNeverFailed : 0) | (entry.certified ? kCertified : 0) | trust_in(entry.sources.best());
}

}  // namespace

AddressBook::Rank AddressBook::rank_of(const Peer& peer) const {
  std::size_t permanent = 0;
  bool proven = false, told = false;
  for (const KnownAddress& entry : peer.entries) {
    permanent += entry.life == AddressLife::Permanent;
    proven = proven || entry.proven();
    told = told || entry.certified || entry.sources.has(AddressSource::Identify);
  }
  if (peer.connected && peer.entries.size() - permanent > options_.max_addresses_after_disconnect) return Rank::Surplus;
  if (peer.connected || permanent > 0) return Rank::Held;
  if (proven) return Rank::Proven;
  return told ? Rank::Told : Rank::Hearsay;
}

void AddressBook::unplace(Peer& peer) {
  if (peer.order) order_.erase(*std::exchange(peer.order, std::nullopt));
}

// Puts the peer where it belongs now.
void AddressBook::place(Peer& peer) {
  TimePoint due = kNever;
  for (const KnownAddress& entry : peer.entries) due = std::min(due, entry.expires);
  const Rank rank = rank_of(peer);
  const Order wanted{rank, due, peer.serial};
  if (peer.order != wanted) {
    unplace(peer);
    order_.emplace(wanted, &peer);
    peer.order = wanted;
  }
  if (!peer.record || std::get<Rank>(peer.record->order) == rank) return;
  record_order_.erase(peer.record->order);
  std::get<Rank>(peer.record->order) = rank;
  record_order_.emplace(peer.record->order, &peer);
}

void AddressBook::set_record(Peer& peer, const CertifiedRecord& certified) {
  drop_record(peer);
  peer.record = std::make_unique<Record>(
      Record{to_vector(certified.envelope()), certified.record().sequence, {rank_of(peer), next_serial_++}});
  record_order_.emplace(peer.record->order, &peer);
  record_bytes_ += peer.record->envelope.size();
  for (KnownAddress& entry : peer.entries)
    entry.certified = entry.certified || entry.sources.has(AddressSource::Record);
}

void AddressBook::drop_record(Peer& peer) {
  if (!peer.record) return;
  record_order_.erase(peer.record->order);
  record_bytes_ -= peer.record->envelope.size();
  peer.record.reset();
  for (KnownAddress& entry : peer.entries) entry.certified = false;
}

void AddressBook::drop_facts(Peer& peer) {
  if (!peer.facts) return;
  facts_bytes_ -= peer.facts->bytes();
  peer.facts.reset();
}

void AddressBook::erase(Peer& peer, std::size_t index) {
  address_bytes_ -= peer.entries[index].address.bytes().size();
  peer.entries.erase(peer.entries.begin() + std::ptrdiff_t(index));
  --address_count_;
}

std::size_t AddressBook::least_useful(const Peer& peer) const {
  std::size_t worst = 0;
  for (std::size_t i = 1; i < peer.entries.size(); ++i)
    if (usefulness(peer.entries[i]) <= usefulness(peer.entries[worst])) worst = i;
  return worst;
}

void AddressBook::fit_peer(Peer& peer) {
  const std::size_t room = peer.connected ? options_.max_addresses_connected : options_.max_addresses_per_peer;
  while (peer.entries.size() > room) {
    ++counters_.evicted_of_peer;
    erase(peer, least_useful(peer));
  }
}

// The newcomer is the one to lose when everybody else is worth more.
void AddressBook::fit_addresses(Peer& newcomer) {
  while (address_count_ > options_.max_addresses || address_bytes_ > options_.max_addresses_bytes) {
    const auto& [order, worst] = *order_.begin();
    const bool held = std::get<Rank>(order) == Rank::Held;
    Peer& loser = held ? newcomer : *worst;
    ++(held ? counters_.refused_full : counters_.evicted_in_all);
    STARLING_ASSERT(!loser.entries.empty(), "a peer that is not held has addresses");
    erase(loser, least_useful(loser));
    mark_changed(loser);
    if (&loser == &newcomer || !drop_if_unused(loser)) place(loser);
  }
}

void AddressBook::fit_records(Peer& newcomer) {
  while (record_order_.size() > options_.max_records || record_bytes_ > options_.max_record_bytes) {
    const auto& [order, worst] = *record_order_.begin();
    Peer& loser = std::get<Rank>(order) == Rank::Held && newcomer.record ? newcomer : *worst;
    ++counters_.records_evicted;
    drop_record(loser);
    mark_changed(loser);
    place(loser);
  }
}

// After anything that made a peer's part grow or shrink: every bound holds, and everything stands in its place.
void AddressBook::settle(Peer& peer) {
  fit_peer(peer);
  place(peer);
  fit_addresses(peer);
  fit_records(peer);
  drop_if_unused(peer);
}

bool AddressBook::drop_if_unused(Peer& peer) {
  if (!peer.entries.empty() || peer.connected) return false;
  if (peer.stored) {
    removed_.push_back(*peer.id);
    if (removed_.size() > kMaxRemovalsWaiting) {
      removed_.pop_front();
      ++counters_.removals_lost;
    }
  }
  drop_record(peer);
  drop_facts(peer);
  unplace(peer);
  peers_.erase(PeerId(*peer.id));
  return true;
}

void AddressBook::expire_addresses(Peer& peer, TimePoint now) {
  for (std::size_t i = peer.entries.size(); i-- > 0;) {
    if (peer.entries[i].expires > now) continue;
    ++counters_.expired;
    erase(peer, i);
  }
  mark_changed(peer);
  if (!drop_if_unused(peer)) place(peer);
}

TimePoint AddressBook::next_expiry() const {
  TimePoint next = kNever;
  for (auto rank = std::uint8_t(Rank::Hearsay); rank <= std::uint8_t(Rank::Held); ++rank) {
    const auto first = order_.lower_bound({Rank(rank), TimePoint::min(), 0});
    if (first != order_.end()) next = std::min(next, std::get<TimePoint>(first->first));
  }
  return next;
}

void AddressBook::expire(TimePoint now) {
  for (auto rank = std::uint8_t(Rank::Hearsay); rank <= std::uint8_t(Rank::Held); ++rank) {
    for (;;) {
      const auto first = order_.lower_bound({Rank(rank), TimePoint::min(), 0});
      if (first == order_.end() || std::get<Rank>(first->first) != Rank(rank)) break;
      if (std::get<TimePoint>(first->first) > now) break;
      expire_addresses(*first->second, now);
    }
  }
}

}  // namespace starling
