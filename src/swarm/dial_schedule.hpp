// When the addresses of one dial start. A machine: the time goes in, the next address to start and the next deadline
// come out. Rules: an address starts when its delay is over, or at once when nothing is under way; at most so many at a
// time; none while a socket that a far host answered is at its handshakes, for a while.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "starling/base/clock.hpp"

namespace starling::swarm {

class DialSchedule {
 public:
  using Attempt = std::size_t;
  DialSchedule(std::size_t max_running, Duration answer_pause)
      : max_running_(max_running), answer_pause_(answer_pause) {}

  void add(Attempt attempt, TimePoint due);
  /// The next one to start, which counts as running from here on.
  std::optional<Attempt> next(TimePoint now);
  /// The host behind a running attempt answered: the handshakes get some time before others start.
  void answered(Attempt attempt, TimePoint now);
  void ended(Attempt attempt);
  /// Nothing more will start; those that waited.
  std::vector<Attempt> stop();

  /// When to ask next() again if nothing else happens. kNever: only the end of an attempt helps.
  TimePoint deadline() const;
  bool idle() const { return waiting_.empty() && running_.empty(); }
  std::size_t running() const { return running_.size(); }

 private:
  struct Waiting {
    Attempt attempt;
    TimePoint due;
  };
  struct Running {
    Attempt attempt;
    TimePoint pause_until;
  };
  TimePoint paused_until() const;
  std::vector<Running>::iterator find(Attempt attempt) {
    return std::find_if(running_.begin(), running_.end(), [&](const Running& each) { return each.attempt == attempt; });
  }

  std::size_t max_running_;
  Duration answer_pause_;
  std::vector<Waiting> waiting_;  // the earliest first; bounded by the addresses of a dial
  std::vector<Running> running_;
  TimePoint batch_ = TimePoint::min();  // what was due until then may start although something runs
};

}  // namespace starling::swarm
