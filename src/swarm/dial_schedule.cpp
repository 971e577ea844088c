#include "swarm/dial_schedule.hpp"

namespace starling::swarm {

void DialSchedule::add(Attempt attempt, TimePoint due) {
  const auto later =
      std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& each) { return each.due > due; });
  waiting_.insert(later, {attempt, due});
}

TimePoint DialSchedule::paused_until() const {
  TimePoint until = TimePoint::min();
  for (const Running& each : running_) until = std::max(until, each.pause_until);
  return until;
}

std::optional<DialSchedule::Attempt> DialSchedule::next(TimePoint now) {
  if (waiting_.empty() || running_.size() >= max_running_) return std::nullopt;
  const TimePoint due = waiting_.front().due;
  if (running_.empty()) batch_ = std::max(batch_, due);
  if (due > batch_ && (due > now || paused_until() > now)) return std::nullopt;
  const Attempt attempt = waiting_.front().attempt;
  waiting_.erase(waiting_.begin());
  running_.push_back({attempt, TimePoint::min()});
  return attempt;
}

void DialSchedule::answered(Attempt attempt, TimePoint now) {
  if (const auto found = find(attempt); found != running_.end()) found->pause_until = now + answer_pause_;
}

void DialSchedule::ended(Attempt attempt) {
  if (const auto found = find(attempt); found != running_.end()) running_.erase(found);
}

std::vector<DialSchedule::Attempt> DialSchedule::stop() {
  std::vector<Attempt> left;
  for (const Waiting& each : waiting_) left.push_back(each.attempt);
  waiting_.clear();
  return left;
}

TimePoint DialSchedule::deadline() const {
  if (waiting_.empty() || running_.size() >= max_running_) return kNever;
  return std::max(waiting_.front().due, paused_until());
}

}  // namespace starling::swarm
