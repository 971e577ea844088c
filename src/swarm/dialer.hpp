// One dial of one peer: plans the addresses that callers give, starts them by the schedule, keeps the first connection
// and cancels the rest. Lives in the frame of Swarm::run_dial(). Threading: the reactor's thread.
#pragma once

#include <map>
#include <optional>

#include "swarm/dial_schedule.hpp"
#include "swarm/pending_dial.hpp"

namespace starling::swarm {

/// `address` ends at another peer than `peer`.
bool names_another(const Multiaddr& address, const PeerId& peer);

class Swarm::Dialer final : private io::Timer {
 public:
  Dialer(Swarm& swarm, PendingDial& dial);
  /// Ends with the dial; fills its report and, if there is one, adopts its connection.
  io::Task<void> run();

 private:
  using Attempt = DialSchedule::Attempt;

  struct Running {
    explicit Running(io::CancelScope* parent) : scope(parent) {}
    io::CancelScope scope;
    bool answered = false;
  };

  // planning
  void take_asks();
  void take_ask(PendingDial::Ask ask);
  io::Task<void> resolve_names(std::vector<DialAddress> names, DialOptions options);
  void admit(std::vector<DialAttempt> found, DialOptions options);
  std::optional<Attempt> enter(DialAttempt found, DialOptions options);
  std::vector<Attempt> judge_each(const std::vector<Attempt>& candidates, DialOptions options);
  void schedule_best(const std::vector<Attempt>& good, DialOptions options);
  void place(Attempt number, Duration delay);
  void leave_out(DialAttempt& attempt, SkipReason reason, std::optional<Error> error);
  void leave_out_waiting(SkipReason reason);

  // running
  io::Task<Status> loop();
  void start_due();
  io::Task<void> run_attempt(Attempt number);
  io::Task<Result<std::unique_ptr<transport::Connection>>> dial_address(Attempt number, Running& running);
  void give_way();
  void settle(DialAttempt& attempt, Result<std::unique_ptr<transport::Connection>> connection);
  void finish(const Status& status);
  void on_timer() override { dial_.wake.notify_all(); }

  TimePoint now() const { return swarm_.world_.reactor.now(); }
  const PeerId& peer() const { return dial_.report.peer; }

  Swarm& swarm_;
  PendingDial& dial_;
  Dialing& shared_;
  TimePoint start_;
  DialSchedule schedule_;
  std::vector<Attempt> placed_;  // addresses that got a place in this dial
  std::optional<TimePoint> first_placed_at_;
  std::map<Attempt, Running> running_;
  std::size_t resolving_ = 0;  // callers whose names are being resolved
  std::unique_ptr<transport::Connection> winner_;
  io::TaskGroup tasks_;
};

}  // namespace starling::swarm
