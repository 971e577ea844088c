#include "starling/host/observed_addresses.hpp"

#include <algorithm>

#include "host/ip_port.hpp"
#include "starling/multiformats/address_scope.hpp"

namespace starling::host {

std::optional<IpPort> ip_port_of(const Multiaddr& address) {
  const auto parts = address.components();
  if (parts.size() < 2) return std::nullopt;
  const Protocol ip = parts[0].protocol, transport = parts[1].protocol;
  if ((ip != Protocol::Ip4 && ip != Protocol::Ip6) || (transport != Protocol::Tcp && transport != Protocol::Udp))
    return std::nullopt;
  IpPort found{Multiaddr().with(ip, parts[0].value).with(transport, parts[1].value), {}, ip, transport};
  for (std::size_t i = 2; i < parts.size(); ++i) found.rest = found.rest.with(parts[i].protocol, parts[i].value);
  return found;
}

std::string_view to_string(ObservationVerdict verdict) {
  constexpr std::string_view kNames[kObservationVerdicts] = {
      "counted",    "repeated",      "not listening", "observer not public", "relayed", "not public",
      "other kind", "observer full", "full"};
  return kNames[std::size_t(verdict)];
}

std::string_view to_string(NatMapping mapping) {
  constexpr std::string_view kNames[] = {"unknown", "none", "endpoint-independent", "endpoint-dependent"};
  return kNames[std::size_t(mapping)];
}

// Fills in `vote` if the observation may count.
ObservationVerdict ObservedAddresses::judge(const Observation& seen, std::span<const Multiaddr> listening,
                                            Vote& vote) const {
  if (seen.observed.has(Protocol::P2pCircuit) || seen.remote.has(Protocol::P2pCircuit) ||
      seen.local.has(Protocol::P2pCircuit))
    return ObservationVerdict::Relayed;
  const auto local = ip_port_of(seen.local), external = ip_port_of(seen.observed);
  const auto same_place = [&](const Multiaddr& address) {
    const auto place = ip_port_of(address);
    return place && place->address == local->address;
  };
  if (!local || std::none_of(listening.begin(), listening.end(), same_place)) return ObservationVerdict::NotListening;
  const AddressTraits observer = traits_of(seen.remote), claim = traits_of(seen.observed);
  if (observer.scope != AddressScope::Public) return ObservationVerdict::ObserverNotPublic;
  if (!external || claim.scope != AddressScope::Public || claim.port == 0) return ObservationVerdict::NotPublic;
  if (external->ip != local->ip || external->transport != local->transport) return ObservationVerdict::OtherKind;
  const std::uint8_t bits = observer.ip.size() == 4 ? options_.observer_bits_v4 : options_.observer_bits_v6;
  vote = {local->address, external->address, IpPrefix(observer.ip, bits)};
  return ObservationVerdict::Counted;
}

ObservationVerdict ObservedAddresses::observe(const Observation& seen, std::span<const Multiaddr> listening,
                                              TimePoint now) {
  const auto verdict = [&] {
    Vote vote;
    const ObservationVerdict judged = judge(seen, listening, vote);
    if (judged != ObservationVerdict::Counted) return judged;
    const auto before = votes_.find(seen.connection);
    if (before != votes_.end()) {
      if (before->second.local == vote.local && before->second.external == vote.external)
        return ObservationVerdict::Repeated;
      withdraw(before->second, now);
      votes_.erase(before);
    }
    if (votes_.size() >= options_.max_votes) return ObservationVerdict::Full;
    std::size_t& of_observer = per_observer_[vote.observer];
    if (of_observer >= options_.max_votes_per_observer) return ObservationVerdict::ObserverFull;
    ++of_observer;
    External& external = by_local_[vote.local][vote.external];
    ++external.observers[vote.observer];
    if (std::exchange(external.without_votes_since, kNever) != kNever) --voteless_;
    external.believed = external.believed || external.observers.size() >= options_.activation_votes;
    votes_.emplace(seen.connection, std::move(vote));
    return ObservationVerdict::Counted;
  }();
  ++counts_[std::size_t(verdict)];
  return verdict;
}

void ObservedAddresses::withdraw(const Vote& vote, TimePoint now) {
  if (--per_observer_[vote.observer] == 0) per_observer_.erase(vote.observer);
  Externals& externals = by_local_[vote.local];
  External& external = externals[vote.external];
  if (--external.observers[vote.observer] == 0) external.observers.erase(vote.observer);
  if (!external.observers.empty()) return;
  if (!external.believed) {
    externals.erase(vote.external);
  } else {
    external.without_votes_since = now;
    ++voteless_;
    drop_oldest_without_votes(externals);
  }
  if (externals.empty()) by_local_.erase(vote.local);
}

// A few networks in concert must not make us remember one address after the other.
void ObservedAddresses::drop_oldest_without_votes(Externals& externals) {
  const auto since = [](const auto& entry) { return entry.second.without_votes_since; };
  const auto voteless = [&](const auto& entry) { return since(entry) != kNever; };
  if (std::size_t(std::ranges::count_if(externals, voteless)) <= options_.max_external_per_listen) return;
  externals.erase(std::ranges::min_element(externals, {}, since));
  --voteless_;
}

bool ObservedAddresses::disconnected(std::uint64_t connection, TimePoint now) {
  const auto found = votes_.find(connection);
  if (found == votes_.end()) return false;
  const Vote vote = std::move(found->second);
  votes_.erase(found);
  withdraw(vote, now);
  return true;
}

// Believed once, an address stays while anybody sees it, so that it does not come and go with single connections. When
// nobody does, another that enough see takes its place: this host has moved.
bool ObservedAddresses::active(const Externals& all, const External& one) const {
  if (!one.believed) return false;
  if (!one.observers.empty()) return true;
  return std::none_of(all.begin(), all.end(),
                      [&](const auto& other) { return other.second.observers.size() >= options_.activation_votes; });
}

std::vector<ExternalAddress> ObservedAddresses::external_of(const Multiaddr& listen_address) const {
  std::vector<ExternalAddress> found;
  const auto place = ip_port_of(listen_address);
  const auto externals = place ? by_local_.find(place->address) : by_local_.end();
  if (externals == by_local_.end()) return found;
  for (const auto& [address, external] : externals->second)
    found.push_back({place->rest.empty() ? address : address.with(place->rest), external.observers.size(),
                     active(externals->second, external)});
  std::ranges::sort(found, [](const ExternalAddress& a, const ExternalAddress& b) {
    return std::tuple(!a.active, b.votes, a.address) < std::tuple(!b.active, a.votes, b.address);
  });
  for (std::size_t i = options_.max_external_per_listen; i < found.size(); ++i) found[i].active = false;
  return found;
}

NatMapping ObservedAddresses::mapping(Protocol transport) const {
  std::size_t all = 0, agreed = 0, own = 0;
  for (const auto& [local, externals] : by_local_) {
    if (!local.has(transport)) continue;
    std::size_t most = 0;
    for (const auto& [address, external] : externals) {
      const std::size_t votes = external.observers.size();
      all += votes;
      most = std::max(most, votes);
      if (address == local) own += votes;
    }
    agreed += most;
  }
  if (all < options_.activation_votes) return NatMapping::Unknown;
  if (2 * own > all) return NatMapping::None;
  return 2 * agreed > all ? NatMapping::EndpointIndependent : NatMapping::EndpointDependent;
}

TimePoint ObservedAddresses::next_expiry() const {
  TimePoint next = kNever;
  if (voteless_ == 0) return next;
  for (const auto& [local, externals] : by_local_)
    for (const auto& [address, external] : externals)
      if (external.without_votes_since != kNever) next = std::min(next, external.without_votes_since + options_.keep);
  return next;
}

void ObservedAddresses::expire(TimePoint now) {
  for (auto& [local, externals] : by_local_) {
    voteless_ -= std::erase_if(externals, [&](const auto& entry) {
      const TimePoint since = entry.second.without_votes_since;
      return since != kNever && since + options_.keep <= now;
    });
  }
  std::erase_if(by_local_, [](const auto& entry) { return entry.second.empty(); });
}

}  // namespace starling::host
