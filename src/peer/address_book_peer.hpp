// What the address book holds of one peer. Private to the files of the book.
#pragma once

#include "starling/peer/address_book.hpp"

namespace starling {

struct AddressBook::Record {
  ByteVector envelope;
  std::uint64_t sequence = 0;
  RecordOrder order;
};

struct AddressBook::Peer final : ListNode<> {
  explicit Peer(std::uint64_t serial_in) : serial(serial_in) {}
  const PeerId* id = nullptr;  // the key of the table
  std::uint64_t serial;        // ties are broken by age, not by where things lie in memory
  std::vector<KnownAddress> entries;
  std::unique_ptr<Record> record;
  std::unique_ptr<PeerFacts> facts;
  std::optional<Order> order;
  bool connected = false;
  bool stored = false;  // there is a row of it on the disk, or on its way there

  KnownAddress* find(const Multiaddr& address) {
    for (KnownAddress& entry : entries)
      if (entry.address == address) return &entry;
    return nullptr;
  }
};

}  // namespace starling
