#include "swarm/dial_rules.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace starling::swarm {
namespace {

Skip skip(SkipReason reason, ErrorCode code, std::string detail) {
  return {reason, Error(code, Op::Dial, Origin::Local, std::move(detail)), {}};
}

bool same_port(const AddressTraits& a, const AddressTraits& b) { return a.port == b.port && a.udp() == b.udp(); }

// The listener is bound to this very address, or to every address of its family and this is one of them.
bool listens_at(const AddressTraits& listener, const AddressTraits& address, const LocalNetworks& networks) {
  if (!same_port(listener, address) || listener.ip.size() != address.ip.size()) return false;
  if (equal(listener.ip, address.ip)) return true;
  return listener.scope == AddressScope::Unspecified &&
         (address.scope == AddressScope::Loopback || networks.is_own(address.ip));
}

bool is_own(const DialRules& rules, const AddressTraits& address) {
  if (address.ip.empty() || address.relayed) return false;
  return std::any_of(rules.listening.begin(), rules.listening.end(),
                     [&](const Multiaddr& each) { return listens_at(traits_of(each), address, rules.networks); });
}

std::optional<Skip> judge_scope(const DialRules& rules, const AddressTraits& address, bool trusted) {
  if (address.scope == AddressScope::Unspecified)
    return skip(SkipReason::OutOfScope, ErrorCode::OutOfScope, "an unspecified address is for listening only");
  if (address.ip6 && address.scope == AddressScope::LinkLocal && !address.zoned)
    return skip(SkipReason::OutOfScope, ErrorCode::OutOfScope, "a link-local address needs its interface: /ip6zone");
  if (trusted || address.scope == AddressScope::Public || address.scope == AddressScope::None) return std::nullopt;
  if (rules.networks.in_reach(address.ip)) return std::nullopt;
  return skip(SkipReason::OutOfScope, ErrorCode::OutOfScope,
              fmt::format("{} address, and this host has no interface in its network (swarm.reachable_networks)",
                          to_string(address.scope)));
}

std::optional<Skip> judge_backoff(const DialRules& rules, const PeerId& peer, const Multiaddr& address, TimePoint now) {
  const Backoff* known = rules.backoff.find(peer, address, now);
  if (known == nullptr) return std::nullopt;
  const Duration left = known->until - now;
  Error error(ErrorCode::BackedOff, Op::Dial, Origin::Local,
              fmt::format("swarm.backoff_base: failed {}, next try in {:.1f} s",
                          known->tries == 1 ? "once" : fmt::format("{} times in a row", known->tries),
                          std::chrono::duration<double>(left).count()));
  return Skip{SkipReason::BackedOff, std::move(error).caused_by(known->cause), left};
}

}  // namespace

std::optional<Skip> judge(const DialRules& rules, const PeerId& peer, const Multiaddr& address, AddressSource source,
                          DialOrigin origin, TimePoint now) {
  const AddressTraits traits = traits_of(address);
  const bool by_user = origin == DialOrigin::User;
  if (auto out = judge_scope(rules, traits, is_trusted(source))) return out;
  if (!rules.has_transport(address)) {
    return skip(SkipReason::NoTransport, ErrorCode::Unsupported,
                "no transport of this node dials " + address.to_string());
  }
  if (is_own(rules, traits))
    return skip(SkipReason::OwnAddress, ErrorCode::DialedSelf, "this node listens at " + address.to_string());
  if (rules.gater != nullptr)
    if (Status allowed = rules.gater->may_dial(peer, address); !allowed)
      return Skip{SkipReason::Gated, std::move(allowed).error(), {}};
  return by_user ? std::nullopt : judge_backoff(rules, peer, address, now);
}

// As go does: raw QUIC before WebTransport, and raw TCP before WebSocket, on the same host and port.
std::vector<bool> have_better(std::span<const AddressTraits> addresses) {
  const auto better_than = [](TransportKind kind) {
    if (kind == TransportKind::WebTransport) return TransportKind::Quic;
    return kind == TransportKind::Ws || kind == TransportKind::Wss ? TransportKind::Tcp : TransportKind::Other;
  };
  std::vector<bool> found;
  for (const AddressTraits& each : addresses) {
    const TransportKind better = better_than(each.transport);
    found.push_back(better != TransportKind::Other && !each.ip.empty() &&
                    std::any_of(addresses.begin(), addresses.end(), [&](const AddressTraits& other) {
                      return other.transport == better && other.port == each.port && equal(other.ip, each.ip) &&
                             other.relayed == each.relayed;
                    }));
  }
  return found;
}

bool counts_for_backoff(const Error& error) {
  if (error == ErrorCode::Unreachable) return true;  // blamed on this host, and as lasting as the others
  return error.origin() == Origin::Network || error.origin() == Origin::Remote || error.origin() == Origin::Timeout;
}

}  // namespace starling::swarm
