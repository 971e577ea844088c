// Address book, pure: what this node knows of other peers. Each address has its sources, how long it is kept, how dials
// to it went, and whether the peer signed it. `now` goes in; nothing is read from a clock, disk or network.
// Bounded in every direction: addresses per peer and in all, signed records by number and bytes, what peers say of
// themselves by bytes. What is worth least goes first, and every loss is counted.
// spec: RFC/0003-routing-records.md, Certified Peer Records. Threading: one thread. Resource.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "starling/base/clock.hpp"
#include "starling/base/intrusive_list.hpp"
#include "starling/multiformats/multiaddr.hpp"
#include "starling/peer/address_source.hpp"
#include "starling/peer/certified_record.hpp"
#include "starling/peer/peer_id.hpp"

namespace starling {

/// A set of sources. Value.
class AddressSources {
 public:
  AddressSources() = default;
  explicit AddressSources(std::uint16_t bits) : bits_(bits) {}
  void add(AddressSource source) { bits_ |= mask(source); }
  void remove(AddressSource source) { bits_ &= std::uint16_t(~mask(source)); }
  bool has(AddressSource source) const { return (bits_ & mask(source)) != 0; }
  bool empty() const { return bits_ == 0; }
  std::uint16_t bits() const { return bits_; }
  /// The most trusted one; of a set that is not empty.
  AddressSource best() const;
  std::string to_string() const;  // "user,dht"
  friend bool operator==(const AddressSources&, const AddressSources&) = default;

 private:
  static constexpr std::uint16_t mask(AddressSource source) { return std::uint16_t(1u << unsigned(source)); }
  std::uint16_t bits_ = 0;
};

/// How long an address is kept. The times are in AddressBookOptions.
enum class AddressLife : std::uint8_t {
  Temporary,          // just found, to be used at once
  Normal,             // found, to be kept for a while
  RecentlyConnected,  // told by a peer that was connected
  Connected,          // told by a connected peer; as long as it stays connected
  Permanent,          // given by the user; as long as the book
};

/// The more, the more an address is worth that comes from there.
unsigned trust_in(AddressSource source);
std::string_view to_string(AddressLife life);  // "recently connected"

struct AddressBookOptions {
  std::size_t max_addresses;                   // in all
  std::size_t max_addresses_bytes;             // of all addresses together
  std::size_t max_addresses_per_peer;          // of a peer that is not connected
  std::size_t max_addresses_connected;         // of a connected peer
  std::size_t max_addresses_after_disconnect;  // kept of those
  std::size_t max_address_bytes;               // of one address; longer ones are refused
  std::size_t max_records;                     // signed records
  std::size_t max_record_bytes;                // of all signed records
  std::size_t max_protocols_per_peer;
  std::size_t max_facts_bytes;          // agents and protocols of all peers
  std::size_t max_facts_bytes_offline;  // of one peer, after it disconnected
  std::uint32_t max_failures_shared;    // a signed address that failed this often in a row is not handed on
  Duration temporary_ttl, normal_ttl, recently_connected_ttl;
};

/// An address as the book knows it. Value.
struct KnownAddress {
  Multiaddr address;  // without the peer's own /p2p at its end
  TimePoint expires = kNever;
  std::optional<TimePoint> last_success, last_failure;  // of our dials
  std::uint32_t failures = 0;                           // in a row
  AddressSources sources;
  AddressLife life = AddressLife::Temporary;
  bool certified = false;  // in the peer's newest signed record

  /// A dial got through, and none failed since.
  bool proven() const { return last_success.has_value() && failures == 0; }
};

/// What a peer says of itself. Value.
struct PeerFacts {
  std::string agent_version, protocol_version;
  std::vector<std::string> protocols;
  std::size_t bytes() const;
  friend bool operator==(const PeerFacts&, const PeerFacts&) = default;
};

struct AddressBookCounters {
  std::uint64_t added = 0, expired = 0, withdrawn = 0;  // withdrawn: the peer no longer names it
  std::uint64_t refused_unusable = 0, refused_too_long = 0, refused_other_peer = 0, refused_full = 0;
  std::uint64_t evicted_of_peer = 0, evicted_in_all = 0, removed_wrong_peer = 0;
  std::uint64_t records_accepted = 0, records_stale = 0, records_evicted = 0;
  std::uint64_t facts_refused = 0, protocols_cut = 0, rows_refused = 0, removals_lost = 0;
};

enum class AddressFilter : std::uint8_t {
  All,        // for our own dials
  Shareable,  // for others: signed by the peer or proven by a dial of ours, and not known to be dead
};

/// Everything about one peer, for showing.
struct KnownPeer {
  PeerId peer;
  bool connected = false;
  std::vector<KnownAddress> addresses;           // the most useful first
  std::optional<std::uint64_t> record_sequence;  // of the signed record
  PeerFacts facts;
};

/// What calendar time a TimePoint of this node is; for what outlives the process.
struct CalendarOffset {
  std::int64_t unix_ns_at_zero = 0;  // nanoseconds since 1970 at TimePoint zero
  std::int64_t unix_seconds(TimePoint at) const;
  TimePoint time_point(std::int64_t unix_seconds) const;
};

struct StoredPeer;  // starling/peer/address_store.hpp

class AddressBook {
 public:
  explicit AddressBook(const AddressBookOptions& options);
  ~AddressBook();
  AddressBook(const AddressBook&) = delete;
  AddressBook& operator=(const AddressBook&) = delete;

  /// Learns addresses, with or without /p2p/<peer> at their end. Never shortens the life of one that is known. What a
  /// peer says in identify replaces what it said there before. `source` is not Record: see add_record().
  void add(const PeerId& peer, std::span<const Multiaddr> addresses, AddressSource source, AddressLife life,
           TimePoint now);
  /// Takes a signed record, unless there is a newer one (false), and its addresses instead of those that the peer named
  /// before.
  bool add_record(const CertifiedRecord& record, AddressLife life, TimePoint now);
  /// What the peer says of itself. Only for connected or known peers; else it is dropped.
  void set_facts(const PeerId& peer, PeerFacts facts);
  /// The peer has a connection, and has lost its last one.
  void connected(const PeerId& peer);
  void disconnected(const PeerId& peer, TimePoint now);
  /// How a dial of ours went. A success makes the address known.
  void dial_succeeded(const PeerId& peer, const Multiaddr& address, TimePoint now);
  void dial_failed(const PeerId& peer, const Multiaddr& address, TimePoint now);
  /// Somebody else answered there.
  void wrong_peer(const PeerId& peer, const Multiaddr& address);
  /// Everything of the peer, except that it is connected.
  void forget(const PeerId& peer);

  /// The most useful first; those that have expired are left out.
  std::vector<KnownAddress> addresses(const PeerId& peer, AddressFilter filter, TimePoint now) const;
  /// The peer's newest signed record; empty if there is none.
  Bytes record(const PeerId& peer) const;
  std::optional<KnownPeer> find(const PeerId& peer, TimePoint now) const;
  /// At most `max`, in no order that means something.
  std::vector<PeerId> peers(std::size_t max) const;

  /// When expire() has something to do; kNever if nothing expires.
  TimePoint next_expiry() const;
  void expire(TimePoint now);

  std::size_t peer_count() const { return peers_.size(); }
  std::size_t address_count() const { return address_count_; }
  std::size_t address_bytes() const { return address_bytes_; }
  std::size_t record_count() const { return record_order_.size(); }
  std::size_t record_bytes() const { return record_bytes_; }
  std::size_t facts_bytes() const { return facts_bytes_; }
  const AddressBookCounters& counters() const { return counters_; }
  const AddressBookOptions& options() const { return options_; }

  /// Rows that differ from what was taken before, at most `max`; a row without addresses means: remove it. Only what
  /// is worth keeping: addresses of the user, proven, signed or told by the peer itself.
  std::vector<StoredPeer> take_changes(std::size_t max, CalendarOffset calendar);
  bool has_changes() const { return !changed_.empty() || !removed_.empty(); }
  /// Takes back a row that was kept. What has expired meanwhile or does not fit is left out. An address of a peer that
  /// was connected when the row was written counts as recently connected now.
  void restore(const StoredPeer& row, CalendarOffset calendar, TimePoint now);

 private:
  /// Whose addresses go first when the book is full.
  enum class Rank : std::uint8_t { Hearsay, Surplus, Told, Proven, Held };
  using Order = std::tuple<Rank, TimePoint, std::uint64_t>;     // within a rank: what expires first
  using RecordOrder = std::tuple<Rank, std::uint64_t>;          // within a rank: what came first
  static constexpr std::size_t kMaxRemovalsWaiting = 1u << 16;  // more are lost: their rows expire by themselves
  struct Peer;
  struct Record;

  Peer& peer_at(const PeerId& id);
  Peer* known(const PeerId& id) const;
  std::optional<Multiaddr> usable(const PeerId& peer, const Multiaddr& given);
  std::vector<Multiaddr> usable(const PeerId& peer, std::span<const Multiaddr> given);
  KnownAddress& learn(Peer& peer, const Multiaddr& address, AddressSource source, AddressLife life, TimePoint now);
  void prolong(const Peer& peer, KnownAddress& entry, AddressLife life, TimePoint now) const;
  void withdraw(Peer& peer, std::span<const Multiaddr> named, std::span<const AddressSource> sources);
  void set_record(Peer& peer, const CertifiedRecord& record);
  void drop_record(Peer& peer);
  void drop_facts(Peer& peer);
  void fit_peer(Peer& peer);
  void settle(Peer& peer);
  void fit_addresses(Peer& newcomer);
  void fit_records(Peer& newcomer);
  void erase(Peer& peer, std::size_t index);
  std::size_t least_useful(const Peer& peer) const;
  Rank rank_of(const Peer& peer) const;
  void place(Peer& peer);
  void unplace(Peer& peer);
  bool drop_if_unused(Peer& peer);
  void mark_changed(Peer& peer);
  void expire_addresses(Peer& peer, TimePoint now);
  bool shareable(const KnownAddress& entry) const;
  StoredPeer row_of(const Peer& peer, CalendarOffset calendar) const;

  AddressBookOptions options_;
  AddressBookCounters counters_;
  std::unordered_map<PeerId, std::unique_ptr<Peer>> peers_;
  std::map<Order, Peer*> order_;               // every peer
  std::map<RecordOrder, Peer*> record_order_;  // those with a signed record
  IntrusiveList<Peer> changed_;
  std::deque<PeerId> removed_;
  std::size_t address_count_ = 0, address_bytes_ = 0, record_bytes_ = 0, facts_bytes_ = 0;
  std::uint64_t next_serial_ = 0;
};

}  // namespace starling
