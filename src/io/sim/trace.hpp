// The record of what was delivered: a running hash, and text for whoever looks for the first difference of two runs.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "starling/base/clock.hpp"

namespace starling::io::sim {

enum class TraceKind : std::uint8_t {
  Syn,
  SynLost,
  Refused,
  Connected,
  Accepted,
  Data,
  Fin,
  Reset,
  Datagram,
  DatagramLost,
  Resolve,
  Crash,
  Restart,
  Partition,
  Heal,
};

struct TraceEvent {
  TraceKind kind;
  std::uint32_t from = 0, to = 0;  // numbers of hosts
  std::uint16_t from_port = 0, to_port = 0;
  std::uint64_t size = 0;
};

class Trace {
 public:
  void record(TimePoint at, const TraceEvent& event) {
    mix(std::uint64_t(at.time_since_epoch().count()));
    mix(std::uint64_t(event.kind) << 32 | std::uint64_t(event.from_port) << 16 | event.to_port);
    mix(std::uint64_t(event.from) << 32 | event.to);
    mix(event.size);
    if (sink_) [[unlikely]]
      write(at, event);
  }
  std::uint64_t hash() const { return hash_; }
  void set_sink(std::function<void(std::string_view)> sink) { sink_ = std::move(sink); }

 private:
  // FNV-1a by words, with a shift so that high bits come down too.
  void mix(std::uint64_t word) {
    hash_ = (hash_ ^ word) * 0x100000001b3;
    hash_ ^= hash_ >> 32;
  }
  void write(TimePoint at, const TraceEvent& event) const;

  std::uint64_t hash_ = 0xcbf29ce484222325;
  std::function<void(std::string_view)> sink_;
};

}  // namespace starling::io::sim
