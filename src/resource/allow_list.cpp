#include "starling/resource/allow_list.hpp"

#include <algorithm>
#include <cstring>

namespace starling::resource {
namespace {

constexpr std::uint8_t kMappedPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};  // RFC 4291, 2.5.5.2

io::IpAddress address_of(Bytes bytes) {
  if (bytes.size() == 4) {
    std::array<std::uint8_t, 4> v4{};
    std::copy(bytes.begin(), bytes.end(), v4.begin());
    return io::IpAddress::v4(v4);
  }
  std::array<std::uint8_t, 16> v6{};
  std::copy_n(bytes.begin(), std::min<std::size_t>(16, bytes.size()), v6.begin());
  return io::IpAddress::v6(v6);
}

}  // namespace

io::IpAddress unmapped(const io::IpAddress& address) {
  if (address.is_v4()) return address;
  const Bytes bytes = address.bytes();
  if (std::memcmp(bytes.data(), kMappedPrefix, sizeof kMappedPrefix) == 0) return address_of(bytes.subspan(12));
  return address_of(bytes);
}

std::optional<io::IpAddress> ip_of(const Multiaddr& address) {
  const auto parts = address.components();
  if (parts.empty() || (parts[0].protocol != Protocol::Ip4 && parts[0].protocol != Protocol::Ip6)) return std::nullopt;
  return address_of(parts[0].value);
}

IpPrefix network_of(const io::IpAddress& address, std::uint8_t bits) {
  return IpPrefix(unmapped(address).bytes(), bits);
}

bool contains(const IpPrefix& network, const io::IpAddress& address) {
  return network.contains(unmapped(address).bytes());
}

Result<AllowRule> AllowRule::from_multiaddr(const Multiaddr& address) {
  const auto wrong = [&] {
    return fail(ErrorCode::InvalidArgument, Op::Configure, Origin::Local,
                address.to_string() + ": not /ip4/ADDRESS or /ip6/ADDRESS, with /ipcidr/BITS and /p2p/PEER or without");
  };
  const auto parts = address.components();
  const auto ip = ip_of(address);
  if (!ip) return wrong();
  AllowRule rule{network_of(*ip, 128), std::nullopt};
  std::size_t next = 1;
  if (next < parts.size() && parts[next].protocol == Protocol::IpCidr)
    rule.prefix = network_of(*ip, parts[next++].value[0]);
  if (next < parts.size() && parts[next].protocol == Protocol::P2p) {
    STARLING_TRY(rule.peer, PeerId::from_bytes(parts[next++].value));
  }
  if (next != parts.size()) return wrong();
  return rule;
}

std::string AllowRule::to_string() const {
  return prefix.to_string() + (peer ? " for " + peer->to_string() : std::string());
}

bool AllowList::may_be_allowed(const io::IpAddress& address) const {
  return std::any_of(rules_.begin(), rules_.end(),
                     [&](const AllowRule& rule) { return contains(rule.prefix, address); });
}

bool AllowList::allows(const io::IpAddress& address, const PeerId& peer) const {
  return std::any_of(rules_.begin(), rules_.end(), [&](const AllowRule& rule) {
    return contains(rule.prefix, address) && (!rule.peer || *rule.peer == peer);
  });
}

}  // namespace starling::resource
