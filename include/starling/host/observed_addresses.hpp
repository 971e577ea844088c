// Observed addresses, pure: under which addresses others see this node. Every connection has one vote, which leaves
// with it. What enough observers from different networks agree on is taken for an external address of ours; how much
// they agree tells what kind of NAT is between. spec: identify/README.md, observedAddr. Threading: one thread.
// Resource.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "starling/base/clock.hpp"
#include "starling/multiformats/ip_prefix.hpp"
#include "starling/multiformats/multiaddr.hpp"

namespace starling::host {

struct ObservedOptions {
  std::size_t activation_votes;                     // observers from different networks before an address is believed
  std::size_t max_external_per_listen;              // of one listen address; those with most votes
  std::size_t max_votes;                            // in all
  std::size_t max_votes_per_observer;               // connections from one network
  std::uint8_t observer_bits_v4, observer_bits_v6;  // addresses that share this many bits are one observer
  Duration keep;  // how long a believed address stays without any vote, if no other took its place
};

enum class ObservationVerdict : std::uint8_t {
  Counted,
  Repeated,      // the same as this connection said before
  NotListening,  // the connection's local address is not one we listen on: its mapping helps nobody to reach us
  ObserverNotPublic,
  Relayed,       // sees the relay, not us
  NotPublic,     // what it claims to see is no public address
  OtherKind,     // another IP version or transport than the connection has
  ObserverFull,  // max_votes_per_observer
  Full,          // max_votes
};
inline constexpr std::size_t kObservationVerdicts = 9;
std::string_view to_string(ObservationVerdict verdict);  // "not listening"

/// How the NAT in front of us maps; of connections that leave from a listen address.
enum class NatMapping : std::uint8_t {
  Unknown,              // too few votes
  None,                 // we are seen under our own address
  EndpointIndependent,  // everybody sees the same: hole punching works
  EndpointDependent,    // everybody sees another one
};
std::string_view to_string(NatMapping mapping);  // "endpoint-independent"

struct Observation {
  std::uint64_t connection = 0;
  Multiaddr local, remote;  // the connection's addresses
  Multiaddr observed;       // ours, as the remote sees it
};

/// An external address of a listen address. Value.
struct ExternalAddress {
  Multiaddr address;
  std::size_t votes = 0;  // networks that see it
  bool active = false;    // believed
};

class ObservedAddresses {
 public:
  explicit ObservedAddresses(const ObservedOptions& options) : options_(options) {}
  ObservedAddresses(const ObservedAddresses&) = delete;
  ObservedAddresses& operator=(const ObservedAddresses&) = delete;

  /// `listening`: the addresses we listen on, unspecified ones also as the interfaces' addresses.
  ObservationVerdict observe(const Observation& observation, std::span<const Multiaddr> listening, TimePoint now);
  /// Whether the connection had a vote.
  bool disconnected(std::uint64_t connection, TimePoint now);

  /// Of one listen address, with what follows its port; most votes first.
  std::vector<ExternalAddress> external_of(const Multiaddr& listen_address) const;
  /// `transport` is Tcp or Udp.
  NatMapping mapping(Protocol transport) const;

  /// When a believed address without votes ends; kNever if there is none.
  TimePoint next_expiry() const;
  void expire(TimePoint now);

  std::size_t votes() const { return votes_.size(); }
  /// How often each verdict was given.
  std::uint64_t count(ObservationVerdict verdict) const { return counts_[std::size_t(verdict)]; }
  const ObservedOptions& options() const { return options_; }

 private:
  struct External {
    std::map<IpPrefix, std::size_t> observers;  // with their connections
    bool believed = false;
    TimePoint without_votes_since = kNever;
  };
  using Externals = std::map<Multiaddr, External>;  // by /ip/port of the external address
  struct Vote {
    Multiaddr local, external;
    IpPrefix observer;
  };

  ObservationVerdict judge(const Observation& observation, std::span<const Multiaddr> listening, Vote& vote) const;
  bool active(const Externals& all, const External& one) const;
  void withdraw(const Vote& vote, TimePoint now);
  void drop_oldest_without_votes(Externals& externals);

  ObservedOptions options_;
  std::map<Multiaddr, Externals> by_local_;  // by /ip/port of the local address
  std::unordered_map<std::uint64_t, Vote> votes_;
  std::map<IpPrefix, std::size_t> per_observer_;
  std::size_t voteless_ = 0;  // believed, and nobody sees them now
  std::uint64_t counts_[kObservationVerdicts] = {};
};

}  // namespace starling::host
