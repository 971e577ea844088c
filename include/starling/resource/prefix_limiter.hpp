// How many inbound connections one IP address or network may have, and how fast new ones may come. Loopback and
// networks of the allow list are exempt. Pure: time is passed in. Resource, on the reactor's thread.
//
// Counts exist only for prefixes with an open connection, so the number of connections bounds them. Rates are kept for
// the `max_prefixes` networks seen last: who wants to be forgotten must come from as many others.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "starling/base/clock.hpp"
#include "starling/base/lru_map.hpp"
#include "starling/resource/allow_list.hpp"

namespace starling::resource {

/// For every network of `bits`: connections open at once, and a token bucket for new ones.
struct PrefixRule {
  std::uint8_t bits = 32;
  std::uint32_t connections = 0;
  double per_second = 0;
  std::uint32_t burst = 0;
};

struct PrefixOptions {
  std::vector<PrefixRule> v4, v6;  // all rules of the family must agree
  std::size_t max_prefixes = 0;    // rates remembered, per rule
};

struct IpPrefixHash {
  std::size_t operator()(const IpPrefix& prefix) const noexcept {
    return std::hash<std::string_view>{}(as_text(prefix.bytes())) * 131 + prefix.length();
  }
};

struct PrefixCounters {
  std::uint64_t refused_count = 0, refused_rate = 0;
};

class PrefixLimiter {
 public:
  explicit PrefixLimiter(PrefixOptions options);
  PrefixLimiter(const PrefixLimiter&) = delete;
  PrefixLimiter& operator=(const PrefixLimiter&) = delete;

  /// Counts a connection from `remote` until remove(). Errors: LimitExceeded, RateLimited, each naming the network and
  /// the option. An attempt that is refused by count costs no token.
  Status add(const io::IpAddress& remote, TimePoint now);
  void remove(const io::IpAddress& remote);

  const PrefixCounters& counters() const { return counters_; }
  std::size_t counted() const { return counts_.size(); }
  std::size_t remembered() const { return buckets_.size(); }

 private:
  struct Bucket {
    double tokens;
    TimePoint filled;
  };
  const std::vector<PrefixRule>& rules(const io::IpAddress& plain) const;
  Bucket refilled(const PrefixRule& rule, const IpPrefix& prefix, TimePoint now);

  PrefixOptions options_;
  std::unordered_map<IpPrefix, std::uint32_t, IpPrefixHash> counts_;
  LruMap<IpPrefix, Bucket, IpPrefixHash> buckets_;
  PrefixCounters counters_;
};

}  // namespace starling::resource
