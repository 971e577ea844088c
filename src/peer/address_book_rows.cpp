// The book and its rows on a disk.
#include <algorithm>

#include "peer/address_book_peer.hpp"
#include "starling/peer/address_store.hpp"

namespace starling {
namespace {

// Hearsay is cheap to hear again, and a flood of it must not become a flood of writes.
bool worth_keeping(const KnownAddress& entry) {
  return entry.life == AddressLife::Permanent || entry.certified || entry.last_success.has_value() ||
         entry.sources.has(AddressSource::Identify);
}

}  // namespace

void AddressBook::mark_changed(Peer& peer) {
  if (!peer.linked()) changed_.push_back(peer);
}

StoredPeer AddressBook::row_of(const Peer& peer, CalendarOffset calendar) const {
  StoredPeer row;
  row.peer = *peer.id;
  for (const KnownAddress& entry : peer.entries) {
    if (!worth_keeping(entry)) continue;
    const auto seconds = [&](const std::optional<TimePoint>& at) { return at ? calendar.unix_seconds(*at) : 0; };
    row.addresses.push_back({entry.address, entry.sources, entry.life,
                             entry.expires == kNever ? 0 : calendar.unix_seconds(entry.expires),
                             seconds(entry.last_success), seconds(entry.last_failure), entry.failures});
  }
  if (row.addresses.empty()) return row;
  if (peer.record) row.record = peer.record->envelope;
  if (peer.facts && peer.facts->bytes() <= options_.max_facts_bytes_offline) row.facts = *peer.facts;
  return row;
}

std::vector<StoredPeer> AddressBook::take_changes(std::size_t max, CalendarOffset calendar) {
  std::vector<StoredPeer> rows;
  // Removals first: a peer may have been removed and learned again.
  while (!removed_.empty() && rows.size() < max) {
    rows.emplace_back().peer = removed_.front();
    removed_.pop_front();
  }
  while (!changed_.empty() && rows.size() < max) {
    Peer& peer = changed_.pop_front();
    StoredPeer row = row_of(peer, calendar);
    const bool was_stored = std::exchange(peer.stored, !row.addresses.empty());
    if (peer.stored || was_stored) rows.push_back(std::move(row));
  }
  return rows;
}

void AddressBook::restore(const StoredPeer& row, CalendarOffset calendar, TimePoint now) {
  if (row.addresses.empty()) return;
  std::optional<CertifiedRecord> record;
  if (!row.record.empty()) {
    auto read = CertifiedRecord::from_verified(row.record);
    if (!read || read->record().peer != row.peer) {
      ++counters_.rows_refused;
      return;
    }
    record = *std::move(read);
  }
  Peer& peer = peer_at(row.peer);
  peer.stored = true;
  for (const StoredAddress& stored : row.addresses) {
    const auto address = usable(row.peer, stored.address);
    const bool forever = stored.life >= AddressLife::Connected;
    const TimePoint expires = forever ? kNever : calendar.time_point(stored.expires);
    if (!address || stored.sources.empty() || expires <= now || peer.find(*address) != nullptr) continue;
    KnownAddress& entry = learn(peer, *address, stored.sources.best(), stored.life, now);
    if (!forever) entry.expires = std::min(entry.expires, expires);
    entry.sources = stored.sources;
    entry.certified = record && stored.sources.has(AddressSource::Record);
    if (stored.last_success != 0) entry.last_success = calendar.time_point(stored.last_success);
    if (stored.last_failure != 0) entry.last_failure = calendar.time_point(stored.last_failure);
    entry.failures = stored.failures;
  }
  if (record) set_record(peer, *record);
  settle(peer);
  set_facts(row.peer, row.facts);
  if (Peer* kept = known(row.peer)) kept->unlink();  // the disk has it already
}

}  // namespace starling
