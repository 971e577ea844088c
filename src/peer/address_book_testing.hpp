// Options, keys and addresses for the tests of the address book and its stores.
#pragma once

#include <string>

#include "starling/peer/address_store.hpp"

namespace starling::testing {

using std::literals::chrono_literals::operator""s;
using std::literals::chrono_literals::operator""min;

inline AddressBookOptions book_options() {
  return {.max_addresses = 100,
          .max_addresses_bytes = 100'000,
          .max_addresses_per_peer = 8,
          .max_addresses_connected = 16,
          .max_addresses_after_disconnect = 4,
          .max_address_bytes = 100,
          .max_records = 10,
          .max_record_bytes = 4096,
          .max_protocols_per_peer = 5,
          .max_facts_bytes = 4096,
          .max_facts_bytes_offline = 200,
          .max_failures_shared = 3,
          .temporary_ttl = 2min,
          .normal_ttl = 60min,
          .recently_connected_ttl = 15min};
}

inline crypto::PrivateKey book_key(std::uint64_t seed) {
  return crypto::PrivateKey::generate(crypto::KeyType::Ed25519, *seeded_random(seed)).value();
}

/// A peer id without the cost of a key: the SHA-256 form with `number` in its digest.
inline PeerId book_peer(std::uint64_t number) {
  ByteVector multihash(34);
  multihash[0] = 0x12;
  multihash[1] = 32;
  put_u64_be(multihash.data() + 2, number);
  return PeerId::from_bytes(multihash).value();
}

inline Multiaddr book_address(std::uint32_t number) {
  return Multiaddr::from_string("/ip4/" + std::to_string(1 + (number >> 24)) + "." +
                                std::to_string((number >> 16) & 255) + "." + std::to_string((number >> 8) & 255) + "." +
                                std::to_string(number & 255) + "/tcp/4001")
      .value();
}

inline CertifiedRecord book_record(const crypto::PrivateKey& key, std::uint64_t sequence,
                                   std::vector<Multiaddr> addresses) {
  const PeerRecord record{PeerId::from_public_key(key.public_key()), sequence, std::move(addresses)};
  return CertifiedRecord::open(record.seal(key).value().to_protobuf()).value();
}

}  // namespace starling::testing
