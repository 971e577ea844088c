// The addresses a node announces, pure: what it listens on, by interface, what others see, what the configuration adds
// or forbids; and for each, why it is in or out.
// spec: addressing/README.md; identify/README.md, listenAddrs. Values. Threading: any.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "starling/host/observed_addresses.hpp"
#include "starling/io/network.hpp"
#include "starling/multiformats/ip_prefix.hpp"

namespace starling::host {

/// What the configuration says about announced addresses.
struct AnnounceRules {
  std::vector<Multiaddr> announce;  // if any: these and `append` only, whatever is found
  std::vector<Multiaddr> append;    // besides what is found
  std::vector<Multiaddr> no_announce;
  std::vector<IpPrefix> no_announce_prefixes;
  std::size_t max_addresses;  // the nearest ones are left out first
  std::size_t max_bytes;      // of all addresses: they must fit in an identify message and a signed record
};

enum class AnnounceReason : std::uint8_t {
  // announced
  Listening,   // bound to just this address
  Interface,   // of an interface, bound to all of them
  Observed,    // enough others see it
  Configured,  // announce, append
  // not announced
  TooFewVotes,  // of those who see it
  Outvoted,     // others have more votes
  LinkLocal,
  NoInterface,  // bound to all interfaces, and there is none
  Forbidden,    // no_announce
  Replaced,     // by the list `announce`
  OverLimit,    // max_addresses, max_bytes
};
bool is_announced(AnnounceReason reason);
std::string_view to_string(AnnounceReason reason);  // "too few votes"

struct AnnouncedAddress {
  Multiaddr address;
  AnnounceReason reason = AnnounceReason::Listening;
  std::string detail;  // the interface, the votes, the rule; for people
  bool announced() const { return is_announced(reason); }
  friend bool operator==(const AnnouncedAddress&, const AnnouncedAddress&) = default;
};

/// Texts of the configuration: multiaddrs; in no_announce also networks, as 10.0.0.0/8 or /ip4/10.0.0.0/ipcidr/8.
/// Errors: InvalidArgument, with the text that is wrong.
struct AnnounceTexts {
  std::vector<std::string> announce, append, no_announce;
};
Result<AnnounceRules> parse_announce_rules(const AnnounceTexts& texts, std::size_t max_addresses,
                                           std::size_t max_bytes);

/// `bound` with every unspecified IP address replaced by those of the interfaces; others as they are.
std::vector<Multiaddr> by_interface(std::span<const Multiaddr> bound, std::span<const io::Interface> interfaces);

/// Each address once, in the order: listening, observed, configured.
std::vector<AnnouncedAddress> plan_announcement(std::span<const Multiaddr> bound,
                                                std::span<const io::Interface> interfaces,
                                                const ObservedAddresses& observed, const AnnounceRules& rules);

}  // namespace starling::host
