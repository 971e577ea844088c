// Address prefixes, and the list of those whose owners are trusted with more than strangers. Values, pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "starling/io/network.hpp"
#include "starling/multiformats/multiaddr.hpp"
#include "starling/peer/peer_id.hpp"

namespace starling::resource {

/// An address with a number of leading bits that count. IPv4 and IPv6 never match each other; an IPv4 address mapped
/// into IPv6 is the IPv4 address.
struct Prefix {
  io::IpAddress address;  // bits behind the length are zero
  std::uint8_t bits = 32;

  /// `bits` is cut to what the family has.
  static Prefix of(const io::IpAddress& address, std::uint8_t bits);
  bool contains(const io::IpAddress& address) const;
  std::string to_string() const;  // "192.0.2.0/24"
  friend bool operator==(const Prefix&, const Prefix&) = default;
};
/// ::ffff:1.2.3.4 as 1.2.3.4; other addresses as they are, without a zone.
io::IpAddress unmapped(const io::IpAddress& address);

struct PrefixHash {
  std::size_t operator()(const Prefix& prefix) const noexcept;
};

/// "/ip4/192.0.2.0/ipcidr/24", "/ip6/2001:db8::/ipcidr/32", "/ip4/192.0.2.7", each also with "/p2p/<peer>" behind it:
/// then only that peer, and only from there.
struct AllowRule {
  Prefix prefix;
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
