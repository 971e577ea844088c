#include "swarm/dial_ranker.hpp"

#include <algorithm>
#include <tuple>

namespace starling::swarm {
namespace {

enum class Kind : std::uint8_t { Instant, Quic, Tcp, Rest };

Kind kind_of(const AddressTraits& address) {
  switch (address.transport) {
    case TransportKind::Memory:
    case TransportKind::Unix:
      return Kind::Instant;
    case TransportKind::Quic:
    case TransportKind::WebTransport:
      return Kind::Quic;
    case TransportKind::Tcp:
    case TransportKind::Ws:
    case TransportKind::Wss:
      return Kind::Tcp;
    default:
      return Kind::Rest;
  }
}

// Within a kind, the order of TransportKind is that of preference, but for QUIC and what runs on top of it. The port
// decides last: a low one is more likely the one that the peer listens on.
auto preference(const AddressTraits& address) {
  return std::tuple(kind_of(address), address.transport, address.ip4, address.port);
}

// One group: local, public or relayed addresses.
class Group {
 public:
  Group(std::span<const AddressTraits> all, Duration step, Duration rest_step, Duration offset)
      : all_(all), step_(step), rest_step_(rest_step), offset_(offset) {}
  void add(std::size_t index) { members_.push_back(index); }
  bool empty() const { return members_.empty(); }

  void rank(std::vector<RankedAddress>& ranked) {
    std::sort(members_.begin(), members_.end(), [&](std::size_t a, std::size_t b) {
      return std::pair(preference(all_[a]), a) < std::pair(preference(all_[b]), b);
    });
    for (const std::size_t index : of_kind(Kind::Instant)) ranked.push_back({index, offset_});
    Duration last{};
    const auto quic = of_kind(Kind::Quic), tcp = of_kind(Kind::Tcp), rest = of_kind(Kind::Rest);
    if (!quic.empty()) last = stagger(quic, {}, ranked);
    if (!tcp.empty()) last = stagger(tcp, quic.empty() ? Duration{} : last + step_, ranked);
    for (const std::size_t index : rest) ranked.push_back({index, offset_ + last + rest_step_});
  }

 private:
  std::vector<std::size_t> of_kind(Kind kind) const {
    std::vector<std::size_t> found;
    for (const std::size_t index : members_)
      if (kind_of(all_[index]) == kind) found.push_back(index);
    return found;
  }

  // The first at once, the second a step later, all others a step after that; but only an IPv4 address that races an
  // IPv6 one gets a step of its own. Returns the delay of the last, without the group's offset.
  Duration stagger(std::vector<std::size_t> order, Duration start, std::vector<RankedAddress>& ranked) const {
    const bool race = bring_other_family_forward(order);
    Duration delay = start;
    for (std::size_t place = 0; place < order.size(); ++place) {
      if (place == 1 || (place == 2 && race)) delay += step_;
      ranked.push_back({order[place], offset_ + delay});
    }
    return delay;
  }

  // If the first is an IPv6 address, the best IPv4 one comes second. True if there was one.
  bool bring_other_family_forward(std::vector<std::size_t>& order) const {
    if (!all_[order.front()].ip6) return false;
    const auto other = std::find_if(order.begin(), order.end(), [&](std::size_t index) { return all_[index].ip4; });
    if (other == order.end()) return false;
    std::rotate(order.begin() + 1, other, other + 1);
    return true;
  }

  std::span<const AddressTraits> all_;
  Duration step_, rest_step_, offset_;
  std::vector<std::size_t> members_;
};

// Equal delays keep their order.
std::vector<RankedAddress> in_order_of_delay(std::vector<RankedAddress> ranked) {
  std::vector<RankedAddress> sorted;
  for (const RankedAddress& each : ranked) {
    const auto later = std::find_if(sorted.begin(), sorted.end(),
                                    [&](const RankedAddress& other) { return other.delay > each.delay; });
    sorted.insert(later, each);
  }
  return sorted;
}

bool is_near(const AddressTraits& address) { return is_local(address.scope) || kind_of(address) == Kind::Instant; }

}  // namespace

std::vector<RankedAddress> rank_addresses(std::span<const AddressTraits> addresses, const DialDelays& delays) {
  const auto is_far = [](const AddressTraits& each) { return !each.relayed && !is_near(each) && !each.ip.empty(); };
  const bool has_far = std::any_of(addresses.begin(), addresses.end(), is_far);
  Group near(addresses, delays.local_step, delays.local_rest, {});
  Group far(addresses, delays.step, delays.rest, {});
  Group relayed(addresses, delays.step, delays.rest, has_far ? delays.relay : Duration{});
  std::vector<std::size_t> unknown;  // a transport that resolves the name by itself
  for (std::size_t index = 0; index < addresses.size(); ++index) {
    const AddressTraits& each = addresses[index];
    if (each.relayed)
      relayed.add(index);
    else if (is_near(each))
      near.add(index);
    else if (is_far(each))
      far.add(index);
    else
      unknown.push_back(index);
  }
  std::vector<RankedAddress> ranked;
  for (Group* group : {&near, &far, &relayed})
    if (!group->empty()) group->rank(ranked);
  Duration last{};
  for (const RankedAddress& each : ranked) last = std::max(last, each.delay);
  for (const std::size_t index : unknown) ranked.push_back({index, ranked.empty() ? Duration{} : last + delays.rest});
  return in_order_of_delay(std::move(ranked));
}

}  // namespace starling::swarm
