#include "runtime/address_wiring.hpp"

namespace starling::runtime {

AddressBookOptions address_book_options(const Options& options) {
  const auto& b = options.address_book;
  return {.max_addresses = b.max_addresses,
          .max_addresses_bytes = b.max_addresses_bytes,
          .max_addresses_per_peer = b.max_addresses_per_peer,
          .max_addresses_connected = b.max_addresses_connected,
          .max_addresses_after_disconnect = b.max_addresses_after_disconnect,
          .max_address_bytes = b.max_address_bytes,
          .max_records = b.max_records,
          .max_record_bytes = b.max_record_bytes,
          .max_protocols_per_peer = b.max_protocols_per_peer,
          .max_facts_bytes = b.max_facts_bytes,
          .max_facts_bytes_offline = b.max_facts_bytes_offline,
          .max_failures_shared = b.max_failures_shared,
          .temporary_ttl = b.temporary_ttl,
          .normal_ttl = b.normal_ttl,
          .recently_connected_ttl = b.recently_connected_ttl};
}

host::ObservedOptions observed_options(const Options& options) {
  const auto& o = options.observed_addresses;
  return {.activation_votes = o.activation_votes,
          .max_external_per_listen = o.max_external_per_listen,
          .max_votes = o.max_votes,
          .max_votes_per_observer = o.max_votes_per_observer,
          .observer_bits_v4 = std::uint8_t(o.observer_bits_v4),
          .observer_bits_v6 = std::uint8_t(o.observer_bits_v6),
          .keep = o.keep};
}

host::AnnounceRules announce_rules(const Options& options) {
  const auto& a = options.announce;
  return *host::parse_announce_rules({a.announce, a.append, a.no_announce}, a.max_addresses, a.max_bytes);  // validated
}

}  // namespace starling::runtime
