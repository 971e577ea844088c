#include "runtime/diagnostics.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "runtime/address_pages.hpp"
#include "runtime/limits_page.hpp"
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
  registry.add_metrics([&node](Metrics& out) {
    limits_metrics(node, out);
    swarm_metrics(node.host().swarm().counters(), out);
    host_metrics(node.host().counters(), out);
    inbound_metrics(node.inbound(), out);
    address_metrics(node, out);
    if (const transport::QuicCounters* quic = node.quic()) quic_metrics(*quic, out);
  });
}

}  // namespace starling::runtime
