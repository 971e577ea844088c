#include "swarm/black_hole_detector.hpp"

#include <algorithm>

namespace starling::swarm {
namespace {

bool counts(const AddressTraits& address) { return address.scope == AddressScope::Public && !address.relayed; }

}  // namespace

BlackHoleState BlackHoleCounter::state() const {
  if (results_.size() < options_.window) return BlackHoleState::Probing;
  return successes_ >= options_.min_successes ? BlackHoleState::Allowed : BlackHoleState::Blocked;
}

BlackHoleState BlackHoleCounter::request() {
  ++requests_;
  const BlackHoleState now = state();
  return now == BlackHoleState::Blocked && requests_ % options_.window == 0 ? BlackHoleState::Probing : now;
}

// A black hole is there or not: one success while blocked ends it.
void BlackHoleCounter::record(bool success) {
  if (success && state() == BlackHoleState::Blocked) return reset();
  successes_ += success;
  if (results_.size() < options_.window) {
    results_.push_back(success);
    return;
  }
  successes_ -= results_[next_];
  results_[next_] = success;
  next_ = (next_ + 1) % options_.window;
}

void BlackHoleCounter::reset() {
  results_.clear();
  next_ = successes_ = 0;
  requests_ = 0;
}

BlackHoleStatus BlackHoleCounter::status() const {
  const BlackHoleState now = state();
  const std::uint64_t until_probe = options_.window - requests_ % options_.window;
  return {now, successes_, results_.size(), now == BlackHoleState::Blocked ? until_probe : 0};
}

std::vector<std::optional<std::string>> BlackHoleDetector::judge(std::span<const AddressTraits> addresses) {
  const auto any = [&](auto&& test) {
    return std::any_of(addresses.begin(), addresses.end(),
                       [&](const auto& each) { return counts(each) && test(each); });
  };
  const auto is_udp = [](const AddressTraits& each) { return each.udp(); };
  const auto is_ip6 = [](const AddressTraits& each) { return each.ip6; };
  const BlackHoleState udp = any(is_udp) ? udp_.request() : BlackHoleState::Allowed;
  const BlackHoleState ip6 = any(is_ip6) ? ip6_.request() : BlackHoleState::Allowed;
  std::vector<std::optional<std::string>> blocked;
  for (const AddressTraits& each : addresses) {
    blocked.emplace_back();
    if (!counts(each)) continue;
    // A probe of one kind must go out even if the other is blocked.
    const bool probe = (udp == BlackHoleState::Probing && each.udp()) || (ip6 == BlackHoleState::Probing && each.ip6);
    if (probe) continue;
    if (udp == BlackHoleState::Blocked && each.udp()) blocked.back() = "UDP";
    if (ip6 == BlackHoleState::Blocked && each.ip6) blocked.back() = "IPv6";
  }
  return blocked;
}

void BlackHoleDetector::record(const AddressTraits& address, bool success) {
  if (!counts(address)) return;
  if (address.udp()) udp_.record(success);
  if (address.ip6) ip6_.record(success);
}

void BlackHoleDetector::reset() {
  udp_.reset();
  ip6_.reset();
}

}  // namespace starling::swarm
