// What the names in multiaddrs stand for, and how that was found out. Values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "starling/base/clock.hpp"
#include "starling/io/name_client.hpp"
#include "starling/multiformats/multiaddr.hpp"

namespace starling::names {

/// An address without a name to resolve in front.
struct ResolvedAddress {
  Multiaddr address;
  std::vector<Multiaddr> path;  // the given address, then each that a dnsaddr record led to; without `address` itself
  std::string host_name;        // of the /dns, /dns4 or /dns6 that `address` replaces: for SNI and the Host header

  bool was_name() const { return !path.empty(); }
};

/// A given address, or one that a record led to, that came to nothing.
struct Unresolved {
  std::vector<Multiaddr> path;  // as above; the last is the one that failed
  Error error;
};

/// One lookup on the way.
struct LookupStep {
  io::NameQuestion question;
  std::string server;  // who answered or should have
  bool cached = false;
  Duration took{};
  std::size_t records = 0;     // in the answer
  std::size_t used = 0;        // that became addresses; the others are of other peers, malformed or over a limit
  std::optional<Error> error;  // no records
};

struct Resolution {
  std::vector<ResolvedAddress> addresses;  // in the order of the given ones
  std::vector<Unresolved> failures;
  std::vector<LookupStep> steps;  // in the order of the answers
};

}  // namespace starling::names
