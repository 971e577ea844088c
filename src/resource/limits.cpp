#include "starling/resource/limits.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace starling::resource {
namespace {

constexpr std::string_view kResourceNames[] = {
    "memory",  "descriptors",     "connections",     "inbound_connections", "outbound_connections",
    "streams", "inbound_streams", "outbound_streams"};
static_assert(std::size(kResourceNames) == kResources);

constexpr std::string_view kScopeNames[] = {"system",  "transient",    "allowed_system", "allowed_transient",
                                            "service", "service_peer", "protocol",       "protocol_peer",
                                            "peer",    "connection",   "stream"};
static_assert(std::size(kScopeNames) == kScopeKinds);

template <typename Enum, std::size_t N>
std::optional<Enum> named(const std::string_view (&names)[N], std::string_view name) {
  const auto found = std::find(std::begin(names), std::end(names), name);
  if (found == std::end(names)) return std::nullopt;
  return Enum(found - std::begin(names));
}

constexpr std::uint64_t kKiB = 1u << 10;

// What one of each is worth of the memory budget, and the fewest there are however small the machine.
constexpr std::uint64_t kMemoryPerConnection = 64 * kKiB, kLeastConnections = 128;
constexpr std::uint64_t kMemoryPerStream = 16 * kKiB, kLeastStreams = 2048;
constexpr std::uint64_t kPeerConnections = 8;  // as go-libp2p
constexpr std::uint64_t kReservedStreams = 8;  // identify, ping, and what a peer is there for

// Both directions together, and three quarters of that for one of them: so neither shuts out the other.
Amounts with_directions(Amounts amounts) {
  const auto most = [](std::uint64_t both) { return both - both / 4; };
  amounts[Resource::InboundConnections] = amounts[Resource::OutboundConnections] = most(amounts[Resource::Connections]);
  amounts[Resource::InboundStreams] = amounts[Resource::OutboundStreams] = most(amounts[Resource::Streams]);
  return amounts;
}

// A part of `whole`, at least one of everything that `whole` has at all.
Amounts part(const Amounts& whole, std::uint64_t divisor) {
  Amounts amounts;
  for (std::size_t i = 0; i < kResources; ++i) {
    const std::uint64_t value = whole[Resource(i)];
    amounts[Resource(i)] = value == 0 ? 0 : std::max<std::uint64_t>(1, value / divisor);
  }
  return amounts;
}

Amounts whole(const Budget& budget) {
  Amounts all;
  all[Resource::Memory] = budget.memory;
  all[Resource::Descriptors] = budget.descriptors;
  all[Resource::Connections] = std::max(kLeastConnections, budget.memory / kMemoryPerConnection);
  all[Resource::Streams] = std::max(kLeastStreams, budget.memory / kMemoryPerStream);
  return all;
}

Amounts without(Amounts amounts, const Amounts& taken) {
  amounts -= taken;
  return amounts;
}

// Services and protocols have streams and memory only.
Amounts streams_only(Amounts amounts) {
  for (const Resource resource :
       {Resource::Descriptors, Resource::Connections, Resource::InboundConnections, Resource::OutboundConnections})
    amounts[resource] = 0;
  return amounts;
}

Amounts one_peer(const Amounts& system) {
  Amounts amounts = part(system, 8);
  amounts[Resource::Connections] = kPeerConnections;
  amounts[Resource::Descriptors] = std::min(kPeerConnections, system[Resource::Descriptors]);
  amounts = with_directions(amounts);
  amounts[Resource::InboundConnections] = amounts[Resource::OutboundConnections] = kPeerConnections;
  return amounts;
}

std::unexpected<Error> wrong(const std::string& setting, const std::string& why) {
  return fail(ErrorCode::InvalidArgument, Op::Configure, Origin::Local, "resource.limits: \"" + setting + "\": " + why);
}

template <std::size_t N>
std::string list(const std::string_view (&names)[N]) {
  std::string all;
  for (const std::string_view name : names) all += (all.empty() ? "" : ", ") + std::string(name);
  return all;
}

Result<std::uint64_t> number(const std::string& setting, std::string_view text, Resource resource) {
  if (text == "unlimited") return kUnlimited;
  std::uint64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view unit(end, std::size_t(text.data() + text.size() - end));
  const int shift = unit.empty() ? 0 : unit == "KiB" ? 10 : unit == "MiB" ? 20 : unit == "GiB" ? 30 : -1;
  const bool fits = shift >= 0 && value <= UINT64_MAX >> shift;
  if (problem != std::errc() || !fits || (shift > 0 && resource != Resource::Memory))
    return wrong(setting, "'" + std::string(text) + "' is not a number or 'unlimited'; KiB, MiB, GiB only for memory");
  return value << shift;
}

struct Setting {
  ScopeKind kind;
  std::string name;
  Resource resource;
  std::uint64_t value;
};

bool may_be_named(ScopeKind kind) { return kind >= ScopeKind::Service && kind <= ScopeKind::Peer; }

Result<Setting> parse(const std::string& text) {
  const std::size_t equals = text.rfind('=');
  const std::size_t dot = equals == std::string::npos ? equals : text.rfind('.', equals);
  if (dot == std::string::npos) return wrong(text, "write SCOPE.RESOURCE=NUMBER");
  const std::string_view all(text);
  const std::string_view scope = all.substr(0, dot), what = all.substr(dot + 1, equals - dot - 1);
  const std::size_t colon = scope.find(':');
  const auto kind = named<ScopeKind>(kScopeNames, scope.substr(0, colon));
  if (!kind) return wrong(text, "the scope is not one of " + list(kScopeNames));
  if (colon != std::string_view::npos && !may_be_named(*kind))
    return wrong(text, "there is only one scope " + std::string(to_string(*kind)));
  const auto resource = named<Resource>(kResourceNames, what);
  if (!resource) return wrong(text, "the resource is not one of " + list(kResourceNames));
  STARLING_TRY(const std::uint64_t value, number(text, all.substr(equals + 1), *resource));
  const std::string_view name = colon == std::string_view::npos ? std::string_view() : scope.substr(colon + 1);
  if (colon != std::string_view::npos && name.empty()) return wrong(text, "a name is missing behind the colon");
  return Setting{*kind, std::string(name), *resource, value};
}

}  // namespace

std::string_view to_string(Resource resource) { return kResourceNames[std::size_t(resource)]; }
std::string_view to_string(ScopeKind kind) { return kScopeNames[std::size_t(kind)]; }

Amounts Amounts::all(std::uint64_t value) {
  Amounts amounts;
  amounts.values_.fill(value);
  return amounts;
}

Amounts Amounts::connection(Direction direction, bool uses_descriptor) {
  Amounts amounts;
  amounts[Resource::Connections] = 1;
  amounts[direction == Direction::Inbound ? Resource::InboundConnections : Resource::OutboundConnections] = 1;
  amounts[Resource::Descriptors] = uses_descriptor ? 1 : 0;
  return amounts;
}

Amounts Amounts::stream(Direction direction) {
  Amounts amounts;
  amounts[Resource::Streams] = 1;
  amounts[direction == Direction::Inbound ? Resource::InboundStreams : Resource::OutboundStreams] = 1;
  return amounts;
}

Amounts& Amounts::operator+=(const Amounts& other) {
  for (std::size_t i = 0; i < kResources; ++i) values_[i] += other.values_[i];
  return *this;
}

Amounts& Amounts::operator-=(const Amounts& other) {
  for (std::size_t i = 0; i < kResources; ++i) values_[i] -= other.values_[i];
  return *this;
}

const Amounts& LimitTable::of(ScopeKind kind, const std::string& name) const {
  if (by_name.empty()) return (*this)[kind];
  const auto found = by_name.find(std::pair(kind, name));
  return found == by_name.end() ? (*this)[kind] : found->second;
}

LimitTable derive(const Budget& budget) {
  LimitTable table;
  table.reserved_streams_per_peer = kReservedStreams;
  const Amounts all = whole(budget);
  const Amounts allowed = part(all, 8);
  const Amounts system = without(all, allowed);
  table[ScopeKind::AllowedSystem] = with_directions(allowed);
  table[ScopeKind::System] = with_directions(system);
  table[ScopeKind::Transient] = with_directions(part(system, 4));
  table[ScopeKind::AllowedTransient] = with_directions(part(allowed, 4));
  table[ScopeKind::Peer] = one_peer(system);
  table[ScopeKind::Protocol] = table[ScopeKind::Service] = streams_only(with_directions(part(system, 2)));
  table[ScopeKind::ProtocolPeer] = table[ScopeKind::ServicePeer] =
      streams_only(with_directions(part(table[ScopeKind::Peer], 2)));
  table[ScopeKind::Connection] = Amounts::all(1);
  table[ScopeKind::Connection][Resource::Memory] = table[ScopeKind::Peer][Resource::Memory] / 2;
  table[ScopeKind::Stream] = Amounts::all(1);
  table[ScopeKind::Stream][Resource::Memory] = table[ScopeKind::Connection][Resource::Memory];
  return table;
}

std::vector<Error> apply_settings(const std::vector<std::string>& settings, LimitTable& table) {
  std::vector<Error> mistakes;
  for (const std::string& text : settings) {
    const Result<Setting> setting = parse(text);
    if (!setting) {
      mistakes.push_back(setting.error());
    } else if (setting->name.empty()) {
      table[setting->kind][setting->resource] = setting->value;
    } else {
      const auto [place, added] = table.by_name.try_emplace({setting->kind, setting->name}, table[setting->kind]);
      place->second[setting->resource] = setting->value;
    }
  }
  return mistakes;
}

}  // namespace starling::resource
