#include "runtime/limits.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "runtime/control_group.hpp"
#include "starling/protocols/ping/ping.hpp"

namespace starling::runtime {
namespace {

using resource::Amounts;
using resource::Budget;
using resource::LimitTable;
using resource::Resource;
using resource::ScopeKind;

constexpr const char* kIdentifyService = "identify";
constexpr const char* kPingService = "ping";

// Streams of one peer in services where one at a time is the rule, with room for what races.
// spec: ping/ping.md, Protocol; identify: as go-libp2p.
const std::vector<std::string> kServiceLimits = {
    "service_peer:identify.inbound_streams=16", "service_peer:identify.outbound_streams=16",
    "service_peer:identify.streams=32",         "service_peer:ping.inbound_streams=8",
    "service_peer:ping.outbound_streams=8",     "service_peer:ping.streams=16"};

Result<std::vector<resource::AllowRule>> allow_rules(const Options& options) {
  std::vector<resource::AllowRule> rules;
  for (const std::string& text : options.resource.allow) {
    const auto address = Multiaddr::from_string(text);
    if (!address)
      return fail(ErrorCode::InvalidArgument, Op::Configure, Origin::Local,
                  "resource.allow: " + address.error().detail());
    auto rule = resource::AllowRule::from_multiaddr(*address);
    if (!rule)
      return fail(ErrorCode::InvalidArgument, Op::Configure, Origin::Local, "resource.allow: " + rule.error().detail());
    rules.push_back(std::move(*rule));
  }
  return rules;
}

resource::PrefixOptions prefix_options(const Options& options) {
  const auto& r = options.resource;
  const auto rule = [](std::uint8_t bits, std::uint32_t connections, std::uint32_t per_minute, std::uint32_t burst) {
    return resource::PrefixRule{bits, connections, double(per_minute) / 60, burst};
  };
  return {.v4 = {rule(32, r.ip4_32_connections, r.ip4_32_per_minute, r.ip4_32_burst)},
          .v6 = {rule(56, r.ip6_56_connections, r.ip6_56_per_minute, r.ip6_56_burst),
                 rule(48, r.ip6_48_connections, r.ip6_48_per_minute, r.ip6_48_burst)},
          .max_prefixes = r.max_networks};
}

std::uint64_t half_unless(std::uint64_t given, std::uint64_t whole) { return given != 0 ? given : whole / 2; }

}  // namespace

Budget this_machine() {
  const std::uint64_t pages = std::uint64_t(std::max(1L, ::sysconf(_SC_PHYS_PAGES)));
  const std::uint64_t page_size = std::uint64_t(std::max(1L, ::sysconf(_SC_PAGESIZE)));
  struct rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) files.rlim_cur = 1024;
  return {std::min(pages * page_size, control_group_memory()), files.rlim_cur};
}

Budget budget(const Options& options, const Budget& machine) {
  return {half_unless(options.resource.memory, machine.memory),
          half_unless(options.resource.descriptors, machine.descriptors)};
}

LimitTable limit_table(const Options& options, const Budget& machine) {
  LimitTable table = resource::derive(budget(options, machine));
  const auto at_most = [&](ScopeKind kind, Resource resource, std::uint64_t value) {
    table[kind][resource] = std::min(table[kind][resource], value);
  };
  at_most(ScopeKind::ProtocolPeer, Resource::InboundStreams, options.host.max_inbound_streams_per_protocol);
  for (const Resource each :
       {Resource::Connections, Resource::InboundConnections, Resource::OutboundConnections, Resource::Descriptors})
    table[ScopeKind::Peer][each] = options.swarm.max_connections_per_peer;
  (void)resource::apply_settings(kServiceLimits, table);
  (void)resource::apply_settings(options.resource.limits, table);
  return table;
}

std::vector<Error> limit_mistakes(const Options& options) {
  LimitTable table;
  std::vector<Error> mistakes = resource::apply_settings(options.resource.limits, table);
  if (const auto rules = allow_rules(options); !rules) mistakes.push_back(rules.error());
  return mistakes;
}

std::unique_ptr<resource::Manager> make_resource_manager(const Options& options, const Budget& machine) {
  auto allowed = allow_rules(options);
  return std::make_unique<resource::Manager>(
      limit_table(options, machine),
      resource::AllowList(allowed ? std::move(*allowed) : std::vector<resource::AllowRule>()), prefix_options(options));
}

std::size_t max_pending_inbound(const Options& options, const LimitTable& limits) {
  const Amounts& transient = limits[ScopeKind::Transient];
  const std::uint64_t room = std::min(transient[Resource::InboundConnections], transient[Resource::Descriptors]);
  return std::size_t(std::clamp<std::uint64_t>(room - room / 4, 1, options.transport.max_pending_inbound));
}

// The caps leave room in the system's budget for handshakes: who is better than somebody there must get that far.
swarm::ConnectionManagerOptions connection_manager_options(const Options& options, const LimitTable& limits) {
  const auto& c = options.connections;
  const auto cap = [&](Resource resource, std::size_t option) {
    const std::uint64_t system = limits[ScopeKind::System][resource];
    return std::size_t(std::min<std::uint64_t>(option, system - system / 4));
  };
  return {.low_water = c.low_water,
          .high_water = c.high_water,
          .max_connections = cap(Resource::Connections, options.swarm.max_connections),
          .max_inbound = cap(Resource::InboundConnections, options.swarm.max_inbound_connections),
          .grace_period = c.grace_period,
          .silence_period = c.silence_period,
          .idle_timeout = c.idle_timeout,
          .max_known_peers = c.max_known_peers,
          .max_tags_per_peer = c.max_tags_per_peer};
}

std::map<std::string, host::ProtocolPolicy, std::less<>> protocol_policies() {
  return {{std::string(host::kIdentifyId), {kIdentifyService, true}},
          {std::string(host::kIdentifyPushId), {kIdentifyService, true}},
          {std::string(ping::kProtocolId), {kPingService, true}}};
}

}  // namespace starling::runtime
