// The running half of a dial: starts addresses by the schedule, each within the budget of all dials, and settles them.
#include "swarm/dialer.hpp"

#include <algorithm>
#include <utility>

#include "swarm/dial_rules.hpp"

namespace starling::swarm {
namespace {

Error all_failed(const DialReport& report, const std::deque<DialAttempt>& attempts) {
  std::string detail = report.peer.to_string();
  const Error* last = nullptr;
  bool tried = false;
  for (const DialAttempt& attempt : attempts) {
    tried |= attempt.outcome != DialAttempt::Outcome::NotTried;
    if (!attempt.error) continue;
    detail += (last == nullptr ? ": " : "; ") + attempt.address.to_string() + " " +
              std::string(to_string(attempt.error->code()));
    last = &*attempt.error;
  }
  if (attempts.size() == 1 && last != nullptr) return Error(*last).while_doing(Op::Dial, report.peer.to_string());
  Error error(tried ? ErrorCode::AllAddressesFailed : ErrorCode::NoAddresses, Op::Dial,
              last != nullptr ? last->origin() : Origin::Local, std::move(detail));
  return last != nullptr ? std::move(error).caused_by(*last) : error;
}

}  // namespace

Swarm::Dialer::Dialer(Swarm& swarm, PendingDial& dial)
    : Timer(swarm.world_.reactor),
      swarm_(swarm),
      dial_(dial),
      shared_(*swarm.dialing_),
      start_(swarm.world_.reactor.now()),
      schedule_(swarm.options_.max_dials_per_peer, swarm.options_.dial_delays.answer_pause),
      tasks_(swarm.world_.reactor) {}

io::Task<void> Swarm::Dialer::run() {
  const Status status =
      co_await io::with_deadline(swarm_.options_.dial_timeout, io::timeout_error(Op::Dial, peer().to_string()), loop());
  co_await tasks_.close();
  leave_out_waiting(winner_ ? SkipReason::Connected : SkipReason::OutOfTime);
  finish(status);
  dial_.report.total = now() - start_;
}

void Swarm::Dialer::finish(const Status& status) {
  if (winner_) {
    if (auto adopted = swarm_.adopt(std::move(winner_)))
      dial_.connection = (*adopted)->id();
    else
      dial_.report.error = std::move(adopted).error();
  } else if (Link* link = swarm_.find(peer())) {
    dial_.report.reused_connection = true;
    dial_.connection = link->id();
  } else {
    dial_.report.error = status ? all_failed(dial_.report, dial_.attempts) : status.error();
  }
}

io::Task<Status> Swarm::Dialer::loop() {
  while (!winner_) {
    take_asks();
    start_due();
    if (schedule_.idle() && resolving_ == 0) break;
    set(schedule_.deadline());
    STARLING_CO_CHECK(co_await dial_.wake.wait());
  }
  co_return Status{};
}

void Swarm::Dialer::start_due() {
  if (swarm_.find(peer()) != nullptr) return give_way();
  while (const auto number = schedule_.next(now())) tasks_.spawn(run_attempt(*number));
}

// The peer's own dial to us was quicker. What was answered goes on: if both sides gave up such a connection for the
// other's, none would be left.
void Swarm::Dialer::give_way() {
  leave_out_waiting(SkipReason::Connected);
  for (auto& [number, running] : running_)
    if (!running.answered)
      running.scope.cancel(Error(ErrorCode::Cancelled, Op::Dial, Origin::Cancelled, "the peer connected to us"));
}

io::Task<void> Swarm::Dialer::run_attempt(Attempt number) {
  Running& running = running_.try_emplace(number, &tasks_.scope()).first->second;
  auto connection = co_await dial_address(number, running).in(running.scope);
  running_.erase(number);
  settle(dial_.attempts[number], std::move(connection));
  schedule_.ended(number);
  dial_.wake.notify_all();
}

io::Task<Result<std::unique_ptr<transport::Connection>>> Swarm::Dialer::dial_address(Attempt number, Running& running) {
  DialAttempt& attempt = dial_.attempts[number];
  const AddressTraits traits = traits_of(attempt.address);
  const TimePoint asked = now();
  STARLING_CO_TRY(DialQueue::Place place,
                  co_await shared_.queue.take(traits.needs_descriptor() && !traits.relayed, dial_.report.origin));
  attempt.queued = now() - asked;
  attempt.started_after = now() - start_;
  STARLING_CO_TRY(auto scope, swarm_.reserve(transport::Direction::Outbound, attempt.address));
  const auto on_answer = [&] {
    place.answered();
    running.answered = true;
    if (traits.scope == AddressScope::Public && !traits.udp()) schedule_.answered(number, now());
    dial_.wake.notify_all();
  };
  const Duration limit =
      is_local(traits.scope) ? swarm_.options_.dial_local_timeout : swarm_.options_.dial_address_timeout;
  auto connection = co_await io::with_deadline(limit, io::timeout_error(Op::Dial, attempt.address.to_string()),
                                               swarm_.transport_for(attempt.address)
                                                   ->dial(attempt.address, {.expected_peer = peer(),
                                                                            .times = &attempt.stages,
                                                                            .server_name = attempt.host_name,
                                                                            .on_answer = on_answer}));
  attempt.total = now() - start_ - attempt.started_after;
  if (connection) (*connection)->hold(std::move(scope));
  shared_.black_holes.record(traits, connection.has_value());
  co_return connection;
}

void Swarm::Dialer::settle(DialAttempt& attempt, Result<std::unique_ptr<transport::Connection>> connection) {
  using Outcome = DialAttempt::Outcome;
  if (connection) {
    attempt.outcome = winner_ ? Outcome::Cancelled : Outcome::Connected;
    swarm_.dial_times_[traits_of(attempt.address).transport].add(attempt.total);
    if (winner_)
      swarm_.tasks_.spawn(swarm_.discard(std::move(*connection), transport::CloseCode::Supplanted));
    else
      winner_ = std::move(*connection);
    return;
  }
  const bool cancelled = connection.error() == ErrorCode::Cancelled;
  attempt.outcome = cancelled ? Outcome::Cancelled : Outcome::Failed;
  attempt.error = std::move(connection.error());
  if (*attempt.error == ErrorCode::Unreachable) shared_.networks.invalidate();
  if (!cancelled && !winner_ && counts_for_backoff(*attempt.error))
    shared_.backoff.failed(peer(), attempt.address, *attempt.error, now());
}

}  // namespace starling::swarm
