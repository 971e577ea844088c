#include "starling/resource/prefix_limiter.hpp"

#include <algorithm>

namespace starling::resource {
namespace {

std::string option_of(const PrefixRule& rule, const IpPrefix& prefix, const char* what) {
  return std::string("resource.") + (prefix.is_v4() ? "ip4_" : "ip6_") + std::to_string(rule.bits) + "_" + what;
}

}  // namespace

PrefixLimiter::PrefixLimiter(PrefixOptions options)
    : options_(std::move(options)),
      buckets_(std::max<std::size_t>(1, options_.max_prefixes * std::max(options_.v4.size(), options_.v6.size()))) {}

const std::vector<PrefixRule>& PrefixLimiter::rules(const io::IpAddress& plain) const {
  return plain.is_v4() ? options_.v4 : options_.v6;
}

PrefixLimiter::Bucket PrefixLimiter::refilled(const PrefixRule& rule, const IpPrefix& prefix, TimePoint now) {
  const Bucket* known = buckets_.find(prefix);
  if (known == nullptr) return {double(rule.burst), now};
  const double seconds = std::chrono::duration<double>(now - known->filled).count();
  return {std::min(double(rule.burst), known->tokens + std::max(0.0, seconds) * rule.per_second), now};
}

Status PrefixLimiter::add(const io::IpAddress& remote, TimePoint now) {
  const io::IpAddress plain = unmapped(remote);
  if (plain.is_loopback()) return {};
  for (const PrefixRule& rule : rules(plain)) {
    const IpPrefix prefix = network_of(plain, rule.bits);
    const auto counted = counts_.find(prefix);
    if (counted == counts_.end() || counted->second < rule.connections) continue;
    ++counters_.refused_count;
    return fail(ErrorCode::LimitExceeded, Op::Accept, Origin::Limit,
                prefix.to_string() + ": " + std::to_string(counted->second) + " of " +
                    std::to_string(rule.connections) + " connections in use; this node's limit " +
                    option_of(rule, prefix, "connections"));
  }
  for (const PrefixRule& rule : rules(plain)) {
    const IpPrefix prefix = network_of(plain, rule.bits);
    if (refilled(rule, prefix, now).tokens >= 1) continue;
    ++counters_.refused_rate;
    return fail(ErrorCode::RateLimited, Op::Accept, Origin::Limit,
                prefix.to_string() + ": more than " + std::to_string(rule.burst) +
                    " new connections at once; this node's limits " + option_of(rule, prefix, "rate") + ", " +
                    option_of(rule, prefix, "burst"));
  }
  for (const PrefixRule& rule : rules(plain)) {
    const IpPrefix prefix = network_of(plain, rule.bits);
    Bucket bucket = refilled(rule, prefix, now);
    bucket.tokens -= 1;
    (void)buckets_.put(prefix, bucket);
    ++counts_[prefix];
  }
  return {};
}

void PrefixLimiter::remove(const io::IpAddress& remote) {
  const io::IpAddress plain = unmapped(remote);
  if (plain.is_loopback()) return;
  for (const PrefixRule& rule : rules(plain)) {
    const auto counted = counts_.find(network_of(plain, rule.bits));
    if (counted == counts_.end()) continue;
    if (--counted->second == 0) counts_.erase(counted);
  }
}

}  // namespace starling::resource
