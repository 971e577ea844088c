// The planning half of a dial: from what callers gave to addresses in the schedule, and to those left out with a
// reason.
#include <algorithm>

#include "swarm/dial_ranker.hpp"
#include "swarm/dial_rules.hpp"
#include "swarm/dialer.hpp"

namespace starling::swarm {

void Swarm::Dialer::take_asks() {
  std::vector<PendingDial::Ask> asks = std::exchange(dial_.asks, {});
  if (!asks.empty() && shared_.networks.refresh(now())) swarm_.network_changed();
  for (PendingDial::Ask& ask : asks) take_ask(std::move(ask));
}

// Addresses go to the schedule at once; what names lead to as it becomes known.
void Swarm::Dialer::take_ask(PendingDial::Ask ask) {
  std::vector<DialAttempt> literal;
  std::vector<DialAddress> names;
  for (DialAddress& given : ask.addresses) {
    DialAttempt attempt;
    attempt.source = given.source;
    attempt.address = given.address.without_last(Protocol::P2p);
    if (names_another(given.address, peer())) {
      leave_out(attempt, SkipReason::WrongPeer,
                Error(ErrorCode::PeerIdMismatch, Op::Dial, Origin::Local, given.address.to_string()));
    } else if (traits_of(attempt.address).named) {
      names.push_back({std::move(attempt.address), given.source});
      continue;
    }
    literal.push_back(std::move(attempt));
  }
  admit(std::move(literal), ask.options);
  if (names.empty()) return;
  ++resolving_;
  tasks_.spawn(resolve_names(std::move(names), ask.options));
}

io::Task<void> Swarm::Dialer::resolve_names(std::vector<DialAddress> names, DialOptions options) {
  co_await swarm_.resolve(peer(), std::move(names), [&](std::vector<DialAttempt> found) {
    admit(std::move(found), options);
    dial_.wake.notify_all();
  });
  --resolving_;
  dial_.wake.notify_all();
}

void Swarm::Dialer::leave_out(DialAttempt& attempt, SkipReason reason, std::optional<Error> error) {
  attempt.outcome = DialAttempt::Outcome::NotTried;
  attempt.skipped = reason;
  attempt.error = std::move(error);
  ++swarm_.counters_.addresses_skipped[std::size_t(reason)];
}

void Swarm::Dialer::leave_out_waiting(SkipReason reason) {
  for (const Attempt number : schedule_.stop()) leave_out(dial_.attempts[number], reason, std::nullopt);
}

// A place in the report, unless the address has one; what a dial does not take is listed too, up to as many addresses
// again. Returns it if there is still something to decide.
std::optional<DialSchedule::Attempt> Swarm::Dialer::enter(DialAttempt found, DialOptions options) {
  auto& attempts = dial_.attempts;
  const auto known = std::find_if(attempts.begin(), attempts.end(),
                                  [&](const DialAttempt& each) { return each.address == found.address; });
  const bool decided = found.skipped != SkipReason::None || found.error;
  if (known != attempts.end()) {
    const bool again = !decided && bypassed_by_user(known->skipped) &&
                       (options.origin == DialOrigin::User || is_trusted(found.source));
    if (!again) return std::nullopt;
    known->source = found.source;
    known->skipped = SkipReason::None;
    known->error.reset();
    return std::size_t(known - attempts.begin());
  }
  if (attempts.size() >= 2 * swarm_.options_.max_addresses_per_dial) {
    ++dial_.report.unlisted;
    return std::nullopt;
  }
  if (found.error && found.skipped == SkipReason::None)  // a name that leads nowhere
    found.outcome =
        *found.error == ErrorCode::Cancelled ? DialAttempt::Outcome::Cancelled : DialAttempt::Outcome::Failed;
  attempts.push_back(std::move(found));
  return decided ? std::nullopt : std::optional(attempts.size() - 1);
}

void Swarm::Dialer::admit(std::vector<DialAttempt> found, DialOptions options) {
  std::vector<Attempt> candidates;
  for (DialAttempt& each : found)
    if (const auto number = enter(std::move(each), options)) candidates.push_back(*number);
  schedule_best(judge_each(candidates, options), options);
}

std::vector<DialSchedule::Attempt> Swarm::Dialer::judge_each(const std::vector<Attempt>& candidates,
                                                             DialOptions options) {
  const std::vector<Multiaddr> listening = swarm_.listen_addresses();
  const DialRules rules{shared_.networks, shared_.backoff, swarm_.gater_, listening,
                        [this](const Multiaddr& address) { return swarm_.transport_for(address) != nullptr; }};
  std::vector<Attempt> good;
  for (const Attempt number : candidates) {
    DialAttempt& attempt = dial_.attempts[number];
    auto skip = judge(rules, peer(), attempt.address, attempt.source, options.origin, now());
    if (!skip) {
      good.push_back(number);
      continue;
    }
    attempt.retry_after = skip->retry_after;
    leave_out(attempt, skip->reason, std::move(skip->error));
  }
  return good;
}

// What comes later takes its place among what came before: an address waits for better ones however they were found.
void Swarm::Dialer::schedule_best(const std::vector<Attempt>& good, DialOptions options) {
  if (!first_placed_at_) first_placed_at_ = now();
  std::vector<Attempt> all = placed_;
  all.insert(all.end(), good.begin(), good.end());
  std::vector<AddressTraits> traits;
  for (const Attempt number : all) traits.push_back(traits_of(dial_.attempts[number].address));
  const auto better = have_better(traits);
  const std::size_t before = placed_.size();
  const auto blocked = shared_.black_holes.judge(std::span(traits).subspan(before));
  for (const RankedAddress& ranked : rank_addresses(traits, swarm_.options_.dial_delays)) {
    if (ranked.index < before) continue;
    const Attempt number = all[ranked.index];
    const auto& kind = blocked[ranked.index - before];
    if (better[ranked.index]) {
      leave_out(dial_.attempts[number], SkipReason::BetterTransport, std::nullopt);
    } else if (kind && options.origin != DialOrigin::User) {
      leave_out(dial_.attempts[number], SkipReason::BlackHoled,
                Error(ErrorCode::BlackHoled, Op::Dial, Origin::Network,
                      *kind + " to public addresses: nothing came back lately (swarm.black_hole_window)"));
    } else {
      place(number, ranked.delay);
    }
  }
}

void Swarm::Dialer::place(Attempt number, Duration delay) {
  DialAttempt& attempt = dial_.attempts[number];
  const std::size_t most = swarm_.options_.max_addresses_per_dial;
  if (placed_.size() >= most) {
    return leave_out(attempt, SkipReason::TooMany,
                     Error(ErrorCode::LimitExceeded, Op::Dial, Origin::Limit,
                           "swarm.max_addresses_per_dial = " + std::to_string(most)));
  }
  placed_.push_back(number);
  attempt.delay = delay;
  schedule_.add(number, std::max(now(), *first_placed_at_ + delay));
}

}  // namespace starling::swarm
