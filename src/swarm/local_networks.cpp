#include "swarm/local_networks.hpp"

#include <algorithm>

namespace starling::swarm {

bool LocalNetworks::refresh(TimePoint now) {
  if (!stale_ && now - read_at_ < keep_) return false;
  const auto found = network_.interfaces();
  if (!found) return false;  // what was known still is the best guess
  std::vector<Interface> read;
  for (const io::Interface& each : *found) {
    const Bytes ip = each.address.bytes();
    read.push_back({IpPrefix(ip, each.prefix_length), IpPrefix(ip, std::uint8_t(8 * ip.size()))});
  }
  std::sort(read.begin(), read.end());
  const bool changed = interfaces_ && *interfaces_ != read;
  interfaces_ = std::move(read);
  read_at_ = now;
  stale_ = false;
  return changed;
}

bool LocalNetworks::in_reach(Bytes ip) const {
  const auto contains = [&](const IpPrefix& network) { return network.contains(ip); };
  if (std::any_of(extra_.begin(), extra_.end(), contains)) return true;
  return interfaces_ && std::any_of(interfaces_->begin(), interfaces_->end(),
                                    [&](const Interface& each) { return contains(each.network); });
}

bool LocalNetworks::is_own(Bytes ip) const {
  return interfaces_ && std::any_of(interfaces_->begin(), interfaces_->end(),
                                    [&](const Interface& each) { return each.address.contains(ip); });
}

}  // namespace starling::swarm
