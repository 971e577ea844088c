// Networks, and the list of those whose owners are trusted with more than strangers. Values, pure. An IPv4 address
// mapped into IPv6 is the IPv4 address.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "starling/io/network.hpp"
#include "starling/multiformats/ip_prefix.hpp"
#include "starling/multiformats/multiaddr.hpp"
#include "starling/peer/peer_id.hpp"

namespace starling::resource {

/// ::ffff:1.2.3.4 as 1.2.3.4; other addresses as they are, without a zone.
io::IpAddress unmapped(const io::IpAddress& address);
/// The IP address that an address begins with, if it does.
std::optional<io::IpAddress> ip_of(const Multiaddr& address);
/// The network of `bits` that the address is in.
IpPrefix network_of(const io::IpAddress& address, std::uint8_t bits);
bool contains(const IpPrefix& network, const io::IpAddress& address);

/// "/ip4/192.0.2.0/ipcidr/24", "/ip6/2001:db8::/ipcidr/32", "/ip4/192.0.2.7", each also with "/p2p/<peer>" behind it:
/// then only that peer, and only from there.
struct AllowRule {
  IpPrefix prefix;
  std::optional<PeerId> peer;
  /// Errors: InvalidArgument.
  static Result<AllowRule> from_multiaddr(const Multiaddr& address);
  std::string to_string() const;
};

class AllowList {
 public:
  AllowList() = default;
  explicit AllowList(std::vector<AllowRule> rules) : rules_(std::move(rules)) {}
  /// Before the peer is known: some rule has the address.
  bool may_be_allowed(const io::IpAddress& address) const;
  bool allows(const io::IpAddress& address, const PeerId& peer) const;
  bool empty() const { return rules_.empty(); }

 private:
  std::vector<AllowRule> rules_;
};

}  // namespace starling::resource
