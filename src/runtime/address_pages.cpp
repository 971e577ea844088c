#include "runtime/address_pages.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace starling::runtime {
namespace {

namespace json = boost::json;

double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

json::value seconds_since(const std::optional<TimePoint>& at, TimePoint now) {
  return at ? json::value(seconds(now - *at)) : json::value();
}

json::object address_json(const KnownAddress& known, TimePoint now) {
  return {{"address", known.address.to_string()},
          {"sources", known.sources.to_string()},
          {"life", std::string(to_string(known.life))},
          {"expires_in_seconds", known.expires == kNever ? json::value() : json::value(seconds(known.expires - now))},
          {"certified", known.certified},
          {"proven", known.proven()},
          {"failures", known.failures},
          {"succeeded_seconds_ago", seconds_since(known.last_success, now)},
          {"failed_seconds_ago", seconds_since(known.last_failure, now)}};
}

json::object peer_json(const KnownPeer& peer, TimePoint now) {
  json::array addresses;
  for (const KnownAddress& each : peer.addresses) addresses.push_back(address_json(each, now));
  return {{"peer_id", peer.peer.to_string()},
          {"connected", peer.connected},
          {"agent_version", peer.facts.agent_version},
          {"protocols", peer.facts.protocols.size()},
          {"record_sequence", peer.record_sequence ? json::value(*peer.record_sequence) : json::value()},
          {"addresses", std::move(addresses)}};
}

json::object counters_json(const AddressBookCounters& c) {
  return {{"added", c.added},
          {"expired", c.expired},
          {"withdrawn", c.withdrawn},
          {"refused_unusable", c.refused_unusable},
          {"refused_too_long", c.refused_too_long},
          {"refused_other_peer", c.refused_other_peer},
          {"refused_full", c.refused_full},
          {"evicted_of_peer", c.evicted_of_peer},
          {"evicted_in_all", c.evicted_in_all},
          {"removed_wrong_peer", c.removed_wrong_peer},
          {"records_accepted", c.records_accepted},
          {"records_stale", c.records_stale},
          {"records_evicted", c.records_evicted},
          {"facts_refused", c.facts_refused},
          {"protocols_cut", c.protocols_cut},
          {"rows_refused", c.rows_refused},
          {"removals_lost", c.removals_lost}};
}

json::object link_json(swarm::Link& link, AddressBook& book, TimePoint now) {
  const transport::ConnectionInfo& info = link.info();
  const transport::ConnectionStats stats = link.stats();
  const auto known = book.find(link.peer(), now);
  return {{"peer_id", link.peer().to_string()},
          {"connection", link.id()},
          {"direction", info.direction == transport::Direction::Inbound ? "inbound" : "outbound"},
          {"address", info.remote_address.to_string()},
          {"security", info.security},
          {"muxer", info.muxer},
          {"agent_version", known ? known->facts.agent_version : std::string()},
          {"known_addresses", known ? known->addresses.size() : 0},
          {"open_seconds", seconds(now - info.opened_at)},
          {"streams", stats.inbound_streams + stats.outbound_streams},
          {"bytes_in", stats.bytes_in},
          {"bytes_out", stats.bytes_out},
          {"round_trip_ms", 1000 * seconds(stats.round_trip)}};
}

json::value keeper_json(const host::AddressKeeper* keeper) {
  if (keeper == nullptr) return {};
  const host::AddressKeeperCounters& c = keeper->counters();
  return json::object{
      {"rows_loaded", c.rows_loaded},
      {"rows_written", c.rows_written},
      {"rows_broken", keeper->store().broken_rows()},
      {"batches", c.batches},
      {"failed_batches", c.failed_batches},
      {"longest_batch_ms", 1000 * seconds(c.longest_batch)},
      {"last_error", keeper->last_error() ? json::value(keeper->last_error()->message()) : json::value()}};
}

json::object verdicts_json(const host::ObservedAddresses& observed) {
  json::object counts;
  for (std::size_t i = 0; i < host::kObservationVerdicts; ++i) {
    const auto verdict = host::ObservationVerdict(i);
    counts.emplace(to_string(verdict), observed.count(verdict));
  }
  return counts;
}

}  // namespace

json::value peers_page(Node& node) {
  const TimePoint now = node.host().world().reactor.now();
  json::array connections;
  for (swarm::Link* link : node.host().swarm().connections()) {
    if (connections.size() >= kMaxPeersShown) break;
    connections.push_back(link_json(*link, node.host().book(), now));
  }
  return json::object{{"count", node.host().swarm().connection_count()}, {"connections", std::move(connections)}};
}

json::value book_page(Node& node) {
  const TimePoint now = node.host().world().reactor.now();
  const AddressBook& book = node.host().book();
  json::array peers;
  for (const PeerId& peer : book.peers(kMaxPeersShown))
    if (const auto known = book.find(peer, now)) peers.push_back(peer_json(*known, now));
  return json::object{{"peers", book.peer_count()},
                      {"addresses", book.address_count()},
                      {"address_bytes", book.address_bytes()},
                      {"records", book.record_count()},
                      {"record_bytes", book.record_bytes()},
                      {"facts_bytes", book.facts_bytes()},
                      {"counters", counters_json(book.counters())},
                      {"store", keeper_json(node.address_keeper())},
                      {"known", std::move(peers)}};
}

json::value addresses_page(Node& node) {
  const host::Host& host = node.host();
  json::array addresses;
  for (const host::AnnouncedAddress& each : host.announced())
    addresses.push_back({{"address", each.address.to_string()},
                         {"announced", each.announced()},
                         {"reason", std::string(to_string(each.reason))},
                         {"detail", each.detail}});
  const host::ObservedAddresses& observed = host.observed_addresses();
  return json::object{{"peer_id", node.id().to_string()},
                      {"addresses", std::move(addresses)},
                      {"nat_mapping_tcp", std::string(to_string(observed.mapping(Protocol::Tcp)))},
                      {"nat_mapping_udp", std::string(to_string(observed.mapping(Protocol::Udp)))},
                      {"votes", observed.votes()},
                      {"observations", verdicts_json(observed)}};
}

namespace {

void book_metrics(const AddressBook& book, diagnostics::Metrics& out) {
  const AddressBookCounters& c = book.counters();
  out.gauge("libp2p_address_book_peers", "Peers of which addresses are known.").add(double(book.peer_count()));
  out.gauge("libp2p_address_book_addresses", "Addresses known of other peers.").add(double(book.address_count()));
  out.gauge("libp2p_address_book_records", "Signed peer records held.").add(double(book.record_count()));
  out.gauge("libp2p_address_book_bytes", "Bytes held, by what they are.", {"kind"})
      .add(double(book.address_bytes()), {"addresses"})
      .add(double(book.record_bytes()), {"records"})
      .add(double(book.facts_bytes()), {"facts"});
  out.counter("libp2p_address_book_added_total", "Addresses that became known.").add(double(c.added));
  out.counter("libp2p_address_book_removed_total", "Addresses that went, by why.", {"reason"})
      .add(double(c.expired), {"expired"})
      .add(double(c.withdrawn), {"withdrawn"})
      .add(double(c.evicted_of_peer), {"peer_limit"})
      .add(double(c.evicted_in_all), {"total_limit"})
      .add(double(c.removed_wrong_peer), {"wrong_peer"});
  out.counter("libp2p_address_book_refused_total", "Addresses that were not taken, by why.", {"reason"})
      .add(double(c.refused_unusable), {"unusable"})
      .add(double(c.refused_too_long), {"too_long"})
      .add(double(c.refused_other_peer), {"other_peer"})
      .add(double(c.refused_full), {"full"});
  out.counter("libp2p_address_book_records_total", "Signed peer records that came in, by outcome.", {"outcome"})
      .add(double(c.records_accepted), {"accepted"})
      .add(double(c.records_stale), {"stale"});
  out.counter("libp2p_address_book_records_evicted_total", "Signed peer records dropped for lack of room.")
      .add(double(c.records_evicted));
  out.counter("libp2p_address_book_facts_refused_total", "Agents and protocols not kept for lack of room.")
      .add(double(c.facts_refused));
}

}  // namespace

void address_metrics(Node& node, diagnostics::Metrics& out) {
  book_metrics(node.host().book(), out);
  const host::AddressKeeper* keeper = node.address_keeper();
  const host::AddressKeeperCounters c = keeper != nullptr ? keeper->counters() : host::AddressKeeperCounters{};
  out.counter("libp2p_address_book_rows_written_total", "Peers written to disk.").add(double(c.rows_written));
  out.counter("libp2p_address_book_failed_writes_total", "Batches that could not be written to disk.")
      .add(double(c.failed_batches));
  const host::ObservedAddresses& observed = node.host().observed_addresses();
  out.gauge("libp2p_observed_address_votes", "Connections whose view of our address counts.")
      .add(double(observed.votes()));
  auto& seen =
      out.counter("libp2p_observed_address_observations_total", "What peers said they see, by verdict.", {"verdict"});
  for (std::size_t i = 0; i < host::kObservationVerdicts; ++i) {
    std::string verdict(to_string(host::ObservationVerdict(i)));
    std::ranges::replace(verdict, ' ', '_');
    seen.add(double(observed.count(host::ObservationVerdict(i))), {verdict});
  }
}

}  // namespace starling::runtime
