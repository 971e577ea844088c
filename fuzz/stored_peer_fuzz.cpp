// A row of the address book as it may lie on a disk, and the book that takes it back.
#include "starling/base/assert.hpp"
#include "starling/peer/address_store.hpp"

using namespace starling;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const PeerId peer = *PeerId::from_string("12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA");
  const auto row = decode_stored_peer(peer, {data, size});
  if (!row) return 0;
  const auto again = decode_stored_peer(peer, encode_stored_peer(*row));
  STARLING_ASSERT(again && *again == *row, "a row comes back");
  constexpr std::chrono::minutes kTtl(10);
  AddressBook book({.max_addresses = 10,
                    .max_addresses_bytes = 1000,
                    .max_addresses_per_peer = 8,
                    .max_addresses_connected = 8,
                    .max_addresses_after_disconnect = 4,
                    .max_address_bytes = 300,
                    .max_records = 1,
                    .max_record_bytes = 8192,
                    .max_protocols_per_peer = 10,
                    .max_facts_bytes = 1000,
                    .max_facts_bytes_offline = 1000,
                    .max_failures_shared = 3,
                    .temporary_ttl = kTtl,
                    .normal_ttl = kTtl,
                    .recently_connected_ttl = kTtl});
  const CalendarOffset calendar{1'700'000'000'000'000'000};
  book.restore(*row, calendar, TimePoint(Duration(1)));
  STARLING_ASSERT(book.address_count() <= 8 && book.facts_bytes() <= 1000, "bounds hold");
  book.connected(peer);
  book.disconnected(peer, TimePoint(Duration(2)));
  for (const StoredPeer& kept : book.take_changes(10, calendar)) (void)encode_stored_peer(kept);
  book.expire(kNever - Duration(1));
  return 0;
}
