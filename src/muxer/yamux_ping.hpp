// Our own pings: one at the start, one per interval and one when a window grew, of which the answers measure the round
// trip. The smallest of the last few counts: beside bulk data an answer waits behind it, and a connection's first one
// behind its handshake; a window that grew by such a measure would make the queue that it measures. With a timeout
// they are the keep-alive: a peer that neither answered nor sent anything else for that long is gone. Other bytes
// count as a sign of life because an answer may be queued behind a peer's data.
// Value, without a clock. spec: yamux/README.md, Type Field
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "starling/base/clock.hpp"

namespace starling::muxer::yamux {

class Pinger {
 public:
  struct Options {
    Duration interval;  // zero = only one ping, at the start, and no timeout
    Duration timeout;   // zero = no timeout
  };
  explicit Pinger(const Options& options) : options_(options), patience_(usual_patience()) {}

  void start(TimePoint now) { next_ = now; }
  /// The value of the ping to send now, if one is due.
  std::optional<std::uint32_t> due(TimePoint now);
  /// False if it answers nothing that is under way.
  bool on_answer(std::uint32_t value, TimePoint now);
  /// Measures anew as soon as the ping under way is answered.
  void measure(TimePoint now) { next_ = now; }
  /// Asks now, unless a ping is under way, and from now on waits for its answer no longer than `patience`.
  void probe(TimePoint now, Duration patience);
  /// Waits for it as usual again.
  void trust() { patience_ = usual_patience(); }
  void on_bytes(TimePoint now) { last_bytes_ = now; }
  bool timed_out(TimePoint now) const { return now >= give_up_at() && waiting_; }

  TimePoint next_deadline() const { return waiting_ ? give_up_at() : next_; }
  /// The smallest of the last kSamples; zero before the first answer, never zero after it.
  Duration round_trip() const;

 private:
  static constexpr std::size_t kSamples = 8;
  TimePoint give_up_at() const;
  Duration usual_patience() const {
    return options_.interval == Duration::zero() ? Duration::zero() : options_.timeout;
  }

  Options options_;
  Duration patience_;  // with the ping under way; zero: endless
  TimePoint next_ = kNever, asked_at_{}, last_bytes_{}, sent_at_{};
  std::array<Duration, kSamples> round_trips_{};  // a ring; zero: none yet
  std::size_t answers_ = 0;
  std::uint32_t value_ = 0;
  bool waiting_ = false;
};

}  // namespace starling::muxer::yamux
