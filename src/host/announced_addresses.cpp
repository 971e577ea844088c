#include "starling/host/announced_addresses.hpp"

#include <algorithm>

#include "starling/multiformats/address_scope.hpp"

namespace starling::host {
namespace {

// The farther an address reaches, the longer it stays when there is not room for all.
int reach(const Multiaddr& address) {
  const AddressScope scope = traits_of(address).scope;
  if (scope == AddressScope::Public || scope == AddressScope::None) return 0;  // None: names, which somebody configured
  return scope == AddressScope::Loopback ? 2 : 1;
}

Multiaddr with_ip(const Multiaddr& address, const io::IpAddress& ip) {
  const auto parts = address.components();
  Multiaddr changed = Multiaddr().with(ip.is_v4() ? Protocol::Ip4 : Protocol::Ip6, ip.bytes());
  for (std::size_t i = 1; i < parts.size(); ++i) changed = changed.with(parts[i].protocol, parts[i].value);
  return changed;
}

// What becomes of one bound address: itself, or one for each interface.
template <typename Take>
void expand(const Multiaddr& bound, std::span<const io::Interface> interfaces, Take take) {
  const AddressTraits traits = traits_of(bound);
  if (traits.scope != AddressScope::Unspecified) return take(bound, nullptr);
  for (const io::Interface& interface : interfaces)
    if (interface.address.is_v4() == traits.ip4) take(with_ip(bound, interface.address), &interface);
}

class Plan {
 public:
  explicit Plan(const AnnounceRules& rules) : rules_(rules) {}

  void add(Multiaddr address, AnnounceReason reason, std::string detail) {
    const auto same = std::ranges::find(all_, address, &AnnouncedAddress::address);
    if (same != all_.end()) {
      if (!same->announced() && is_announced(reason)) *same = judge({std::move(address), reason, std::move(detail)});
      return;
    }
    all_.push_back(judge({std::move(address), reason, std::move(detail)}));
  }

  std::vector<AnnouncedAddress> finish() && {
    std::size_t addresses = 0, bytes = 0;
    for (int wanted = 0; wanted <= 2; ++wanted) {
      for (AnnouncedAddress& each : all_) {
        if (!each.announced() || reach(each.address) != wanted) continue;
        ++addresses;
        bytes += each.address.bytes().size();
        if (addresses <= rules_.max_addresses && bytes <= rules_.max_bytes) continue;
        each.reason = AnnounceReason::OverLimit;
        each.detail = "at most " + std::to_string(rules_.max_addresses) + " addresses and " +
                      std::to_string(rules_.max_bytes) + " bytes are announced";
      }
    }
    return std::move(all_);
  }

 private:
  AnnouncedAddress judge(AnnouncedAddress each) const {
    if (!each.announced() || each.reason == AnnounceReason::Configured) return each;
    if (!rules_.announce.empty()) return {std::move(each.address), AnnounceReason::Replaced, "by the list in announce"};
    if (std::ranges::find(rules_.no_announce, each.address) != rules_.no_announce.end())
      return {std::move(each.address), AnnounceReason::Forbidden, "no_announce names it"};
    const Bytes ip = traits_of(each.address).ip;
    for (const IpPrefix& prefix : rules_.no_announce_prefixes)
      if (prefix.contains(ip))
        return {std::move(each.address), AnnounceReason::Forbidden, "no_announce " + prefix.to_string()};
    return each;
  }

  const AnnounceRules& rules_;
  std::vector<AnnouncedAddress> all_;
};

std::string votes_text(const ExternalAddress& external, const ObservedOptions& options) {
  return std::to_string(external.votes) + " of " + std::to_string(options.activation_votes) + " networks see it";
}

void add_observed(Plan& plan, const Multiaddr& listening, const ObservedAddresses& observed) {
  const std::size_t needed = observed.options().activation_votes;
  for (ExternalAddress& external : observed.external_of(listening)) {
    const AnnounceReason reason = external.active            ? AnnounceReason::Observed
                                  : external.votes >= needed ? AnnounceReason::Outvoted
                                                             : AnnounceReason::TooFewVotes;
    std::string detail = votes_text(external, observed.options());
    plan.add(std::move(external.address), reason, std::move(detail));
  }
}

Error wrong(std::string_view key, const std::string& text, const Error& why) {
  return {ErrorCode::InvalidArgument, Op::Configure, Origin::Local,
          "announce." + std::string(key) + ": '" + text + "': " + why.detail()};
}

Result<IpPrefix> parse_network(const std::string& text) {
  if (!text.starts_with('/')) return IpPrefix::from_string(text);
  STARLING_TRY(const Multiaddr address, Multiaddr::from_string(text));
  const auto parts = address.components();
  if (parts.size() == 2 && parts[1].protocol == Protocol::IpCidr && parts[1].value.size() == 1)
    return IpPrefix(parts[0].value, parts[1].value[0]);
  return fail(ErrorCode::InvalidArgument, Op::Parse, Origin::Local, "not a network");
}

Result<std::vector<Multiaddr>> parse_addresses(std::string_view key, const std::vector<std::string>& texts) {
  std::vector<Multiaddr> addresses;
  for (const std::string& text : texts) {
    auto address = Multiaddr::from_string(text);
    if (!address) return std::unexpected(wrong(key, text, address.error()));
    addresses.push_back(*std::move(address));
  }
  return addresses;
}

}  // namespace

bool is_announced(AnnounceReason reason) { return reason <= AnnounceReason::Configured; }

std::string_view to_string(AnnounceReason reason) {
  constexpr std::string_view kNames[] = {"listening",     "interface", "observed",      "configured",
                                         "too few votes", "outvoted",  "link-local",    "no interface",
                                         "forbidden",     "replaced",  "over the limit"};
  return kNames[std::size_t(reason)];
}

Result<AnnounceRules> parse_announce_rules(const AnnounceTexts& texts, std::size_t max_addresses,
                                           std::size_t max_bytes) {
  AnnounceRules rules{{}, {}, {}, {}, max_addresses, max_bytes};
  STARLING_TRY(rules.announce, parse_addresses("announce", texts.announce));
  STARLING_TRY(rules.append, parse_addresses("append", texts.append));
  for (const std::string& text : texts.no_announce) {
    if (auto network = parse_network(text)) {
      rules.no_announce_prefixes.push_back(*network);
      continue;
    }
    auto address = Multiaddr::from_string(text);
    if (!address) return std::unexpected(wrong("no_announce", text, address.error()));
    rules.no_announce.push_back(*std::move(address));
  }
  return rules;
}

std::vector<Multiaddr> by_interface(std::span<const Multiaddr> bound, std::span<const io::Interface> interfaces) {
  std::vector<Multiaddr> addresses;
  for (const Multiaddr& each : bound)
    expand(each, interfaces, [&](Multiaddr address, const io::Interface*) { addresses.push_back(std::move(address)); });
  return addresses;
}

std::vector<AnnouncedAddress> plan_announcement(std::span<const Multiaddr> bound,
                                                std::span<const io::Interface> interfaces,
                                                const ObservedAddresses& observed, const AnnounceRules& rules) {
  Plan plan(rules);
  for (const Multiaddr& each : bound) {
    bool found = false;
    expand(each, interfaces, [&](Multiaddr address, const io::Interface* interface) {
      found = true;
      if (interface == nullptr) return plan.add(std::move(address), AnnounceReason::Listening, "");
      const bool link_local = interface->address.is_link_local();
      plan.add(std::move(address), link_local ? AnnounceReason::LinkLocal : AnnounceReason::Interface, interface->name);
    });
    if (!found) plan.add(each, AnnounceReason::NoInterface, "no interface has an address of this IP version");
  }
  for (const Multiaddr& each : bound) add_observed(plan, each, observed);
  for (const Multiaddr& each : by_interface(bound, interfaces)) add_observed(plan, each, observed);
  for (const Multiaddr& each : rules.announce) plan.add(each, AnnounceReason::Configured, "announce");
  for (const Multiaddr& each : rules.append) plan.add(each, AnnounceReason::Configured, "append");
  return std::move(plan).finish();
}

}  // namespace starling::host
