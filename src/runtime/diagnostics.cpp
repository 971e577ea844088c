#include "runtime/diagnostics.hpp"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <map>

#include "runtime/address_pages.hpp"
#include "runtime/limits_page.hpp"
#include "starling/base/buffers.hpp"
#include "starling/base/version.hpp"

namespace starling::runtime {
namespace {

using diagnostics::Metrics;

boost::json::array strings(const std::vector<std::string>& all) {
  boost::json::array list;
  for (const std::string& each : all) list.emplace_back(each);
  return list;
}

boost::json::value node_page(Node& node) {
  boost::json::array addresses, listening;
  for (const Multiaddr& each : node.host().addresses()) addresses.emplace_back(each.to_string());
  for (const Multiaddr& each : node.host().swarm().listen_addresses()) listening.emplace_back(each.to_string());
  return boost::json::object{{"peer_id", node.id().to_string()},
                             {"version", kVersion},
                             {"agent_version", node.options().identity.agent_version},
                             {"listening", std::move(listening)},
                             {"addresses", std::move(addresses)},
                             {"protocols", strings(node.host().protocols())}};
}

boost::json::object flow(std::string name, const host::Flow& total, const host::FlowRate& rate) {
  return {{"name", std::move(name)},
          {"in", total.in},
          {"out", total.out},
          {"in_rate", rate.in()},
          {"out_rate", rate.out()}};
}

// The peers with most traffic; the rest is one line.
boost::json::array busiest_peers(const host::Traffic& traffic) {
  constexpr std::size_t kShown = 100;
  std::vector<std::pair<const PeerId*, const host::PeerTraffic*>> peers;
  for (const auto& [id, peer] : traffic.peers()) peers.emplace_back(&id, &peer);
  const std::size_t shown = std::min(kShown, peers.size());
  std::partial_sort(peers.begin(), peers.begin() + std::ptrdiff_t(shown), peers.end(),
                    [](const auto& a, const auto& b) { return a.second->total.all() > b.second->total.all(); });
  boost::json::array list;
  host::Flow rest = traffic.other_peers();
  for (std::size_t i = 0; i < peers.size(); ++i) {
    if (i < shown) {
      list.push_back(flow(peers[i].first->to_string(), peers[i].second->total, peers[i].second->rate));
    } else {
      rest += peers[i].second->total;
    }
  }
  if (rest.all() > 0) list.push_back(flow("all others", rest, {}));
  return list;
}

boost::json::value bandwidth_page(Node& node) {
  const host::Traffic& traffic = node.host().traffic();
  boost::json::array transports, protocols;
  for (const auto& [name, each] : traffic.transports()) transports.push_back(flow(name, each.total, each.rate));
  for (const auto& [name, each] : traffic.protocols()) protocols.push_back(flow(name, each.bytes, each.rate));
  return boost::json::object{{"total", flow("total", traffic.total(), traffic.rate())},
                             {"transports", std::move(transports)},
                             {"protocols", std::move(protocols)},
                             {"peers", busiest_peers(traffic)}};
}

void traffic_metrics(const host::Traffic& traffic, Metrics& out) {
  auto& carried =
      out.counter("libp2p_transport_bytes_total", "Bytes on the sockets of connections.", {"transport", "dir"});
  for (const auto& [name, each] : traffic.transports())
    carried.add(double(each.total.in), {name, "inbound"}).add(double(each.total.out), {name, "outbound"});
  auto& bytes = out.counter("libp2p_protocol_bytes_total", "Bytes in streams of a protocol.", {"protocol", "dir"});
  auto& streams = out.gauge("libp2p_host_streams", "Streams open, by who opened them.", {"protocol", "dir"});
  for (const auto& [name, each] : traffic.protocols()) {
    bytes.add(double(each.bytes.in), {name, "inbound"}).add(double(each.bytes.out), {name, "outbound"});
    streams.add(double(each.live_inbound), {name, "inbound"}).add(double(each.live_outbound), {name, "outbound"});
  }
  out.gauge("starling_traffic_peers", "Peers whose traffic is kept apart.").add(double(traffic.peers().size()));
}

void connection_metrics(Node& node, Metrics& out) {
  std::map<std::array<std::string_view, 4>, std::size_t> groups;
  host::Flow streams;
  std::uint64_t refused = 0, overrun = 0;
  for (const swarm::Link* link : node.host().swarm().connections()) {
    const transport::ConnectionInfo& info = link->info();
    const bool inbound = info.direction == transport::Direction::Inbound;
    ++groups[{host::transport_name(info.remote_address), inbound ? "inbound" : "outbound", info.security, info.muxer}];
    const transport::ConnectionStats stats = link->stats();
    streams += {stats.inbound_streams, stats.outbound_streams};
    refused += stats.refused_streams;
    overrun += stats.overrun_streams;
  }
  auto& connections =
      out.gauge("libp2p_swarm_connections", "Connections open.", {"transport", "dir", "security", "muxer"});
  for (const auto& [labels, count] : groups)
    connections.add(double(count), {labels[0], labels[1], labels[2], labels[3]});
  out.gauge("libp2p_muxer_streams", "Streams open on all connections, those without a protocol yet included.", {"dir"})
      .add(double(streams.in), {"inbound"})
      .add(double(streams.out), {"outbound"});
  out.gauge("libp2p_muxer_refused_streams", "Streams that open connections refused the peer.", {"reason"})
      .add(double(refused), {"limit"})
      .add(double(overrun), {"slow_reader"});
}

void loop_metrics(io::Reactor& reactor, Metrics& out) {
  const io::Reactor::Counters& c = reactor.counters();
  out.counter("starling_loop_turns_total", "Turns of the event loop.").add(double(c.turns));
  out.counter("starling_loop_runs_total", "Pieces of work run by the event loop.").add(double(c.runs));
  out.counter("starling_loop_timers_fired_total", "Timers that came due.").add(double(c.timers_fired));
  out.gauge("starling_loop_timers", "Timers that are set.").add(double(reactor.armed_timers()));
  out.gauge("starling_loop_tasks", "Coroutines that have not ended.").add(double(io::live_tasks()));
  out.gauge("starling_buffer_bytes", "Bytes of blocks that queues hold.").add(double(buffer_bytes()));
  auto& turns = out.histogram("starling_loop_turn_seconds", "How long everything else had to wait for one turn.");
  if (reactor.turn_times() != nullptr) turns.add(*reactor.turn_times());
}

void reactor_metrics(const transport::Spread* spread, Metrics& out) {
  auto& connections =
      out.gauge("starling_reactor_connections",
                "Connections by the reactor that carries them; 0 is home. Only with lanes.", {"reactor"});
  auto& cpu = out.counter("starling_lane_cpu_seconds_total", "Processor time of each lane's thread.", {"reactor"});
  if (spread == nullptr) return;
  const auto counts = spread->connections();
  for (std::size_t i = 0; i < counts.size(); ++i) connections.add(double(counts[i]), {std::to_string(i)});
  const auto times = spread->cpu_times();
  for (std::size_t i = 0; i < times.size(); ++i)
    cpu.add(std::chrono::duration<double>(times[i]).count(), {std::to_string(i + 1)});
}

void swarm_metrics(const swarm::SwarmCounters& c, Metrics& out) {
  out.counter("libp2p_swarm_connections_opened_total", "Connections that came into being.")
      .add(double(c.connections_opened));
  out.counter("libp2p_swarm_connections_closed_total", "Connections that ended, by what ended them.", {"reason"})
      .add(double(c.closed_local), {"local"})
      .add(double(c.closed_remote), {"remote"})
      .add(double(c.closed_violation), {"violation"})
      .add(double(c.closed_timeout), {"timeout"})
      .add(double(c.closed_network), {"network"});
  out.counter("libp2p_swarm_connections_refused_total", "Connections closed as soon as they were made.", {"reason"})
      .add(double(c.refused_limit), {"limit"})
      .add(double(c.refused_gated), {"gated"})
      .add(double(c.refused_self), {"self"});
  out.counter("libp2p_swarm_dials_total", "Dials of a peer that were started.").add(double(c.dials));
  out.counter("libp2p_swarm_dials_failed_total", "Dials of a peer that ended without a connection.")
      .add(double(c.dials_failed));
  out.counter("libp2p_swarm_dials_joined_total", "Callers that waited for another caller's dial of the same peer.")
      .add(double(c.dials_joined));
}

std::string label_of(std::string_view text) {
  std::string label(text);
  std::replace(label.begin(), label.end(), ' ', '_');
  return label;
}

void dial_metrics(const swarm::Swarm& swarm, Metrics& out) {
  const swarm::DialState state = swarm.dial_state();
  out.gauge("libp2p_swarm_dials_pending", "Peers being dialed.").add(double(state.pending));
  out.gauge("libp2p_swarm_dial_addresses", "Addresses of dials, by what they are at.", {"state"})
      .add(double(state.running), {"in_flight"})
      .add(double(state.half_open), {"half_open"})
      .add(double(state.queued), {"queued"})
      .add(double(state.backed_off), {"backed_off"});
  out.gauge("libp2p_swarm_black_hole", "1 while addresses of this kind are not dialed: nothing comes back.", {"kind"})
      .add(state.udp.state == swarm::BlackHoleState::Blocked ? 1 : 0, {"udp"})
      .add(state.ip6.state == swarm::BlackHoleState::Blocked ? 1 : 0, {"ip6"});
  auto& skipped =
      out.counter("libp2p_swarm_dial_addresses_skipped_total", "Addresses that dials left out, and why.", {"reason"});
  for (std::size_t i = 1; i < swarm::kSkipReasons; ++i)
    skipped.add(double(swarm.counters().addresses_skipped[i]), {label_of(to_string(swarm::SkipReason(i)))});
  auto& times =
      out.histogram("libp2p_swarm_dial_seconds",
                    "Dials of an address that succeeded, handshakes included, without queueing.", {"transport"});
  for (const auto& [kind, histogram] : swarm.dial_times()) times.add(histogram, {to_string(kind)});
}

void host_metrics(const host::HostCounters& c, Metrics& out) {
  out.counter("libp2p_host_streams_total", "Streams with a protocol agreed on.", {"dir"})
      .add(double(c.streams_opened), {"outbound"})
      .add(double(c.streams_accepted), {"inbound"});
  out.counter("libp2p_host_streams_refused_total", "Inbound streams reset before their handler ran.", {"reason"})
      .add(double(c.refused_protocol), {"protocol"})
      .add(double(c.refused_negotiating), {"negotiating_limit"})
      .add(double(c.refused_limit), {"limit"})
      .add(double(c.refused_per_protocol), {"protocol_limit"})
      .add(double(c.negotiation_failed), {"negotiation_failed"})
      .add(double(c.negotiation_timeout), {"negotiation_timeout"});
  out.counter("libp2p_identify_total", "Identify exchanges we asked for.", {"outcome"})
      .add(double(c.identify_ok), {"ok"})
      .add(double(c.identify_failed), {"failed"});
  out.counter("libp2p_identify_push_total", "Identify pushes.", {"dir", "outcome"})
      .add(double(c.pushes_sent), {"outbound", "ok"})
      .add(double(c.pushes_received), {"inbound", "ok"})
      .add(double(c.pushes_failed), {"inbound", "failed"})
      .add(double(c.pushes_refused), {"inbound", "refused"});
}

void inbound_metrics(const transport::InboundCounters& c, Metrics& out) {
  out.counter("libp2p_transport_accepted_total", "Inbound connections accepted from the system.")
      .add(double(c.accepted));
  out.counter("libp2p_transport_upgraded_total", "Inbound connections that got through security and muxer.")
      .add(double(c.upgraded));
  out.counter("libp2p_transport_inbound_failed_total", "Inbound connections dropped before they were usable.",
              {"reason"})
      .add(double(c.refused_by_gate), {"gate"})
      .add(double(c.failed_negotiation), {"negotiation"})
      .add(double(c.failed_security), {"security"})
      .add(double(c.failed_muxer), {"muxer"})
      .add(double(c.timed_out), {"timeout"})
      .add(double(c.evicted_pending), {"pending_limit"})
      .add(double(c.accept_errors), {"accept_error"});
}

void congestion_metrics(const io::CongestionCounters& c, Metrics& out) {
  out.counter("starling_tcp_long_paths_total",
              "Connections over long paths that transport.congestion = auto gave another congestion control, or could "
              "not: the first refusal ends the attempts.",
              {"outcome"})
      .add(double(c.changed), {"changed"})
      .add(double(c.refused), {"refused"});
}

void quic_metrics(const transport::QuicCounters& c, Metrics& out) {
  out.counter("libp2p_quic_accepted_total", "Inbound QUIC handshakes that were begun.").add(double(c.accepted));
  out.counter("libp2p_quic_established_total", "Inbound QUIC handshakes that ended well.").add(double(c.established));
  out.counter("libp2p_quic_inbound_failed_total", "Inbound QUIC connections dropped before they were usable.",
              {"reason"})
      .add(double(c.handshakes_failed), {"handshake"})
      .add(double(c.handshakes_timed_out), {"timeout"})
      .add(double(c.evicted_pending), {"pending_limit"})
      .add(double(c.refused_accepts), {"accept_limit"})
      .add(double(c.refused_by_gate), {"gate"});
  out.counter("libp2p_quic_replies_total", "Packets sent to peers without a connection.", {"kind"})
      .add(double(c.retries_sent), {"retry"})
      .add(double(c.versions_sent), {"version_negotiation"})
      .add(double(c.resets_sent), {"stateless_reset"});
  out.counter("libp2p_quic_packets_dropped_total", "Packets that led to nothing.", {"reason"})
      .add(double(c.foreign_packets), {"foreign"})
      .add(double(c.replies_suppressed), {"reply_limit"})
      .add(double(c.invalid_tokens), {"invalid_token"})
      .add(double(c.datagrams_dropped), {"datagram_queue"})
      .add(double(c.send_errors), {"send_error"});
  out.counter("libp2p_quic_path_changes_total", "Peers that went on from another address.").add(double(c.path_changes));
  out.counter("libp2p_quic_migrations_total", "Connections moved because an address of this host went away.")
      .add(double(c.migrations));
}

void handshake_metrics(const transport::HandshakeTimes& times, Metrics& out) {
  out.histogram("libp2p_transport_handshake_seconds", "From the connected socket to the usable connection; not QUIC.",
                {"dir"})
      .add(times.inbound, {"inbound"})
      .add(times.outbound, {"outbound"});
}

void name_metrics(const names::Resolver* resolver, Metrics& out) {
  auto& lookups = out.counter("libp2p_dns_lookups_total",
                              "Questions about names, by record type: put to a server, answered from the cache or with "
                              "another caller's; failed of those asked; refused because too many were open.",
                              {"type", "outcome"});
  auto& dropped = out.counter("libp2p_dns_dropped_records_total", "Records beyond the bounds.");
  if (resolver == nullptr) return;
  const names::ResolverCounters& c = resolver->counters();
  for (const auto& [type, name] : {std::pair(io::RecordType::A, "a"), std::pair(io::RecordType::Aaaa, "aaaa"),
                                   std::pair(io::RecordType::Txt, "txt")}) {
    const names::QuestionCounters& q = c.of(type);
    lookups.add(double(q.asked), {name, "asked"})
        .add(double(q.cached), {name, "cached"})
        .add(double(q.joined), {name, "joined"})
        .add(double(q.failed), {name, "failed"});
  }
  lookups.add(double(c.refused_pending), {"any", "pending_limit"});
  dropped.add(double(c.dropped_records));
}

}  // namespace

void add_diagnostics(Node& node) {
  diagnostics::Registry& registry = node.diagnostics();
  registry.add("node", "Peer id, addresses and protocols of this node", [&node] { return node_page(node); });
  registry.add("peers", "Connections, and who is at their other end", [&node] { return peers_page(node); });
  registry.add("book", "What is known of other peers: addresses, their sources and how dials went",
               [&node] { return book_page(node); });
  registry.add("addresses", "Our own addresses: which are announced, and why not the others",
               [&node] { return addresses_page(node); });
  registry.add("limits", "What each scope may use and uses, and what was refused",
               [&node] { return limits_page(node); });
  registry.add("standing", "Connected peers, and what keeps them connected", [&node] { return standing_page(node); });
  registry.add("bandwidth", "Bytes and rates by transport, protocol and peer",
               [&node] { return bandwidth_page(node); });
  registry.add_metrics([&node](Metrics& out) {
    out.gauge("starling_build_info", "The version that runs; always 1.", {"version"}).add(1, {kVersion});
    connection_metrics(node, out);
    traffic_metrics(node.host().traffic(), out);
    loop_metrics(node.host().world().reactor, out);
    reactor_metrics(node.spread(), out);
    limits_metrics(node, out);
    swarm_metrics(node.host().swarm().counters(), out);
    dial_metrics(node.host().swarm(), out);
    host_metrics(node.host().counters(), out);
    inbound_metrics(node.inbound(), out);
    congestion_metrics(node.host().world().network.congestion_counters(), out);
    address_metrics(node, out);
    if (const transport::QuicCounters* quic = node.quic()) quic_metrics(*quic, out);
    handshake_metrics(node.handshakes(), out);
    name_metrics(node.host().swarm().resolver(), out);
  });
}

}  // namespace starling::runtime
