// The way of packets from one host to another: delays, bandwidth, and whether anything passes at all.
#pragma once

#include <algorithm>
#include <optional>

#include "starling/io/sim_network.hpp"

namespace starling::io::sim {

class Host;
struct WorldState;

/// Something with a bandwidth, shared by all that pass in the order in which they come.
class Pacer {
 public:
  explicit Pacer(std::uint64_t bytes_per_second = 0) : rate_(bytes_per_second) {}
  void set_rate(std::uint64_t bytes_per_second) { rate_ = bytes_per_second; }
  bool limited() const { return rate_ != 0; }
  /// When the last of `bytes`, which come at `from`, has passed.
  TimePoint pass(TimePoint from, std::size_t bytes) {
    if (rate_ == 0) return from;
    free_at_ = std::max(free_at_, from) + time_for(bytes);
    return free_at_;
  }
  /// How long something that comes at `from` waits for its turn.
  Duration queue(TimePoint from) const { return rate_ == 0 || free_at_ <= from ? Duration(0) : free_at_ - from; }
  Duration time_for(std::size_t bytes) const {
    return rate_ == 0 ? Duration(0) : Duration(std::int64_t(bytes * std::uint64_t{1'000'000'000} / rate_));
  }

 private:
  std::uint64_t rate_;
  TimePoint free_at_{Duration(0)};
};

/// One direction between two hosts (or of a host to itself). Lives as long as the world.
class Path {
 public:
  Path(WorldState& world, Host& from, Host& to) : world_(world), from_(from), to_(to) {}
  Path(const Path&) = delete;
  Path& operator=(const Path&) = delete;

  void set_link(const SimLink& link);
  const SimLink& link() const;
  bool loopback() const { return &from_ == &to_; }
  /// A machine at one end is off, or a partition lies between.
  bool blocked() const;
  /// When `bytes` that leave now arrive at the receiver's access line: upload, link, latency, jitter.
  TimePoint arrival(std::size_t bytes);
  /// Latency and jitter alone, for packets without content.
  Duration flight();
  /// Latency without jitter.
  Duration latency() const;
  /// How long a datagram would wait for the link's bandwidth.
  Duration link_queue(TimePoint from) const { return pacer_.queue(from); }

  Host& from() { return from_; }
  Host& to() { return to_; }

 private:
  WorldState& world_;
  Host& from_;
  Host& to_;
  std::optional<SimLink> own_;
  Pacer pacer_;
};

}  // namespace starling::io::sim
