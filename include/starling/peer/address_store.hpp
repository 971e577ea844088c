// Where the address book is kept between runs: rows of peers behind a small interface, in memory (simulator, tests) or
// in SQLite. The stores block; whoever runs one beside a reactor gives it a thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "starling/peer/address_book.hpp"

namespace starling {

/// Times are calendar seconds since 1970; 0 = never happened.
struct StoredAddress {
  Multiaddr address;
  AddressSources sources;
  AddressLife life = AddressLife::Normal;
  std::int64_t expires = 0;  // of Normal and RecentlyConnected
  std::int64_t last_success = 0, last_failure = 0;
  std::uint32_t failures = 0;
  friend bool operator==(const StoredAddress&, const StoredAddress&) = default;
};

/// One row. Value.
struct StoredPeer {
  PeerId peer;
  std::vector<StoredAddress> addresses;  // none: the row is to be removed
  ByteVector record;                     // signed envelope; empty = none
  PeerFacts facts;
  friend bool operator==(const StoredPeer&, const StoredPeer&) = default;
};

inline constexpr std::size_t kMaxStoredPeerBytes = 1u << 20;  // a larger row is not one of ours

/// The row's value; the peer id is its key.
ByteVector encode_stored_peer(const StoredPeer& row);
/// Whatever is on the disk, without trust. Errors: TooLarge, Malformed and those of the address; the row is then of no
/// use.
Result<StoredPeer> decode_stored_peer(const PeerId& peer, Bytes value);

class AddressStore {
 public:
  virtual ~AddressStore() = default;
  /// Rows that can be read, at most `max`; broken ones are left out and counted. Before the node starts.
  virtual Result<std::vector<StoredPeer>> load(std::size_t max) = 0;
  /// All rows or none. After a crash at any moment the store holds what some number of batches, from the first on,
  /// made of it.
  virtual Status write(std::span<const StoredPeer> batch) = 0;
  /// Whether calls may wait for a disk.
  virtual bool blocks() const = 0;
  std::uint64_t broken_rows() const { return broken_rows_; }

 protected:
  std::uint64_t broken_rows_ = 0;
};

/// Keeps rows in their encoded form, as a disk would.
class MemoryAddressStore final : public AddressStore {
 public:
  Result<std::vector<StoredPeer>> load(std::size_t max) override;
  Status write(std::span<const StoredPeer> batch) override;
  bool blocks() const override { return false; }
  std::size_t size() const { return rows_.size(); }

 private:
  std::map<PeerId, ByteVector> rows_;
};

}  // namespace starling
