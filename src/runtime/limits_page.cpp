#include "runtime/limits_page.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <map>

namespace starling::runtime {
namespace {

using boost::json::array;
using boost::json::object;
using resource::Amounts;
using resource::Resource;
using resource::ScopeKind;

constexpr std::size_t kMostScopes = 100, kMostPeers = 500;  // of a page

object amounts(const Amounts& all, bool limits) {
  object shown;
  for (std::size_t i = 0; i < resource::kResources; ++i) {
    const std::uint64_t value = all[Resource(i)];
    if (limits && value == resource::kUnlimited)
      shown[to_string(Resource(i))] = nullptr;
    else if (limits || value != 0)
      shown[to_string(Resource(i))] = value;
  }
  return shown;
}

array scopes(const std::vector<resource::ScopeReport>& all) {
  array shown;
  for (const resource::ScopeReport& scope : all) {
    if (shown.size() == kMostScopes) break;
    shown.push_back(object{{"path", scope.path},
                           {"kind", to_string(scope.kind)},
                           {"used", amounts(scope.used, false)},
                           {"limits", amounts(scope.limits, true)}});
  }
  return shown;
}

object refused(const resource::ManagerCounters& counters) {
  object by_scope, by_resource;
  for (std::size_t i = 0; i < resource::kScopeKinds; ++i)
    if (counters.refused_by_scope[i] > 0) by_scope[to_string(ScopeKind(i))] = counters.refused_by_scope[i];
  for (std::size_t i = 0; i < resource::kResources; ++i)
    if (counters.refused_by_resource[i] > 0) by_resource[to_string(Resource(i))] = counters.refused_by_resource[i];
  return {{"by_scope", std::move(by_scope)}, {"by_resource", std::move(by_resource)}};
}

object networks(const resource::Manager& manager) {
  const resource::PrefixLimiter& prefixes = manager.prefixes();
  return {{"with_connections", prefixes.counted()},
          {"remembered", prefixes.remembered()},
          {"refused_by_number", prefixes.counters().refused_count},
          {"refused_by_rate", prefixes.counters().refused_rate}};
}

object connections(const swarm::ConnectionManager& manager) {
  const auto& c = manager.counters();
  return {{"open", manager.open()},
          {"low_water", manager.options().low_water},
          {"high_water", manager.options().high_water},
          {"max_connections", manager.options().max_connections},
          {"refused", c.refused},
          {"closed_hard_cap", c.closed_hard_cap},
          {"closed_high_water", c.closed_high_water},
          {"closed_idle", c.closed_idle}};
}

object gater(const swarm::RuleGater& rules) {
  array shown;
  for (const swarm::GateRule& rule : rules.rules()) {
    if (shown.size() == kMostScopes) break;
    shown.emplace_back(rule.to_string());
  }
  return {{"rules", std::move(shown)},
          {"refused_dials", rules.counters().refused_dials},
          {"refused_arrivals", rules.counters().refused_arrivals},
          {"refused_connections", rules.counters().refused_connections}};
}

object connection(const swarm::Link& link, TimePoint now) {
  const transport::ConnectionStats stats = link.stats();
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - link.info().opened_at).count();
  return {{"id", link.id()},
          {"address", link.info().remote_address.to_string()},
          {"direction", link.info().direction == transport::Direction::Inbound ? "inbound" : "outbound"},
          {"age_seconds", age},
          {"inbound_streams", stats.inbound_streams},
          {"outbound_streams", stats.outbound_streams},
          {"memory", link.scope().memory()}};
}

object peer(Node& node, const PeerId& id, array connections) {
  const swarm::PeerStanding standing = node.host().swarm().manager().standing(id, node.host().world().reactor.now());
  object tags, leases;
  for (const auto& [name, value] : standing.tags) tags[name] = value;
  for (const auto& [reason, count] : standing.leases) leases[reason] = count;
  array protections;
  for (const std::string& name : standing.protections) protections.emplace_back(name);
  return {{"peer_id", id.to_string()},   {"value", standing.value},
          {"tags", std::move(tags)},     {"protections", std::move(protections)},
          {"leases", std::move(leases)}, {"connections", std::move(connections)}};
}

}  // namespace

boost::json::value limits_page(Node& node) {
  const resource::Manager& manager = node.resources();
  return object{{"scopes", scopes(manager.report())},
                {"refused", refused(manager.counters())},
                {"allowed_beyond_limit", manager.counters().allowed_beyond_limit},
                {"networks", networks(manager)},
                {"connections", connections(node.host().swarm().manager())},
                {"gater", gater(node.gater())}};
}

boost::json::value standing_page(Node& node) {
  const TimePoint now = node.host().world().reactor.now();
  std::map<PeerId, array> by_peer;
  for (const swarm::Link* link : node.host().swarm().connections()) {
    if (by_peer.size() == kMostPeers && !by_peer.contains(link->peer())) continue;
    by_peer[link->peer()].push_back(connection(*link, now));
  }
  std::vector<object> peers;
  for (auto& [id, links] : by_peer) peers.push_back(peer(node, id, std::move(links)));
  std::sort(peers.begin(), peers.end(), [](const object& a, const object& b) {
    const std::int64_t left = a.at("value").as_int64(), right = b.at("value").as_int64();
    return left != right ? left > right : a.at("peer_id").as_string() < b.at("peer_id").as_string();
  });
  array shown;
  for (object& each : peers) shown.push_back(std::move(each));
  return object{{"peers", std::move(shown)}};
}

void limits_metrics(Node& node, diagnostics::Metrics& out) {
  const resource::Manager& manager = node.resources();
  const auto reports = manager.report();
  auto& used = out.gauge("libp2p_resource_used", "What the scopes of the whole node use.", {"scope", "resource"});
  auto& limits = out.gauge("libp2p_resource_limit", "What they may use.", {"scope", "resource"});
  for (const resource::ScopeReport& scope : reports) {
    if (scope.kind > ScopeKind::AllowedTransient) break;
    for (std::size_t i = 0; i < resource::kResources; ++i) {
      used.add(double(scope.used[Resource(i)]), {to_string(scope.kind), to_string(Resource(i))});
      limits.add(double(scope.limits[Resource(i)]), {to_string(scope.kind), to_string(Resource(i))});
    }
  }
  auto& refused =
      out.counter("libp2p_resource_refused_total", "Requests that a limit of this node refused.", {"scope"});
  for (std::size_t i = 0; i < resource::kScopeKinds; ++i)
    refused.add(double(manager.counters().refused_by_scope[i]), {to_string(ScopeKind(i))});
  out.gauge("libp2p_resource_scopes", "Scopes of peers, protocols and services.").add(double(manager.live_scopes()));
  const auto& prefixes = manager.prefixes().counters();
  out.counter("libp2p_resource_network_refused_total", "Inbound connections refused for their network.", {"reason"})
      .add(double(prefixes.refused_count), {"number"})
      .add(double(prefixes.refused_rate), {"rate"});
  const swarm::ConnectionManager& connections = node.host().swarm().manager();
  out.gauge("libp2p_connections", "Open connections.").add(double(connections.open()));
  out.counter("libp2p_connections_evicted_total", "Connections closed by the connection manager.", {"reason"})
      .add(double(connections.counters().closed_hard_cap), {"hard_cap"})
      .add(double(connections.counters().closed_high_water), {"high_water"})
      .add(double(connections.counters().closed_idle), {"idle"});
  const swarm::GaterCounters& gated = node.gater().counters();
  out.counter("libp2p_gater_refused_total", "Refused by a rule of the operator.", {"stage"})
      .add(double(gated.refused_dials), {"dial"})
      .add(double(gated.refused_arrivals), {"accept"})
      .add(double(gated.refused_connections), {"secured"});
}

}  // namespace starling::runtime
