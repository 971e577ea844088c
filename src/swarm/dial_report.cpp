#include "starling/swarm/dial_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace starling::swarm {
namespace {

using Outcome = DialAttempt::Outcome;

constexpr int kAddressColumn = 48;  // where the lines about an address begin

double milliseconds(Duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

bool was_tried(const DialAttempt& attempt) { return attempt.outcome != Outcome::NotTried; }

// "resolve 20.0, connect 41.2": the stages that took time or were reached.
std::string stages_of(const transport::StageTimes& stages) {
  std::string text;
  const auto add = [&](const char* name, Duration time) {
    if (time > Duration::zero()) text += fmt::format("{}{} {:.1f}", text.empty() ? "" : ", ", name, milliseconds(time));
  };
  add("resolve", stages.resolve);
  add("connect", stages.connect);
  add("security", stages.security);
  add("muxer", stages.muxer);
  return text.empty() ? "" : text + " ms";
}

std::string times_of(const DialAttempt& attempt) {
  if (!was_tried(attempt)) return fmt::format("{:>9} {:>9}", "-", "-");
  return fmt::format("{:>9.1f} {:>9.1f}", milliseconds(attempt.started_after), milliseconds(attempt.total));
}

std::string details_of(const DialAttempt& attempt) {
  std::string text;
  const auto add = [&](const std::string& line) {
    if (!line.empty()) text += fmt::format("{:{}}{}\n", "", kAddressColumn, line);
  };
  if (attempt.from) add("from " + attempt.from->to_string());
  if (was_tried(attempt)) {
    add(stages_of(attempt.stages));
    if (attempt.queued > Duration::zero())
      add(fmt::format("waited {:.1f} ms for a place among all dials", milliseconds(attempt.queued)));
    if (attempt.outcome != Outcome::Connected) add("reached: " + attempt.stages.reached);
  }
  if (attempt.error) add(attempt.error->message());
  return text;
}

std::string line_of(const DialAttempt& attempt) {
  const std::string_view what =
      attempt.skipped == SkipReason::None ? to_string(attempt.outcome) : to_string(attempt.skipped);
  return fmt::format("  {}  {:<16} {:<10} {}\n", times_of(attempt), what, to_string(attempt.source),
                     attempt.address.to_string()) +
         details_of(attempt);
}

}  // namespace

std::string_view to_string(Outcome outcome) {
  constexpr std::string_view kNames[] = {"not tried", "connected", "failed", "cancelled"};
  return kNames[std::size_t(outcome)];
}

std::string_view to_string(SkipReason reason) {
  constexpr std::string_view kNames[] = {"none",         "not needed",  "out of time",  "other peer",
                                         "no transport", "own address", "out of scope", "gated",
                                         "backed off",   "black hole",  "better way",   "too many"};
  static_assert(std::size(kNames) == kSkipReasons);
  return kNames[std::size_t(reason)];
}

std::string DialReport::to_string() const {
  std::string text = fmt::format("dial {}: {} after {:.1f} ms\n", peer.to_string(), error ? "failed" : "connected",
                                 milliseconds(total));
  if (reused_connection) text += "  there was a connection already\n";
  if (joined_dial) text += "  joined a dial that was under way\n";
  std::vector<const DialAttempt*> order;
  for (const DialAttempt& attempt : attempts) order.push_back(&attempt);
  std::sort(order.begin(), order.end(), [](const DialAttempt* a, const DialAttempt* b) {
    return std::tuple(!was_tried(*a), a->started_after, a) < std::tuple(!was_tried(*b), b->started_after, b);
  });
  if (!order.empty())
    text += fmt::format("  {:>9} {:>9}  {:<16} {:<10} {}\n", "start ms", "took ms", "outcome", "source", "address");
  for (const DialAttempt* attempt : order) text += line_of(*attempt);
  if (unlisted > 0) text += fmt::format("  and {} addresses more than a dial takes\n", unlisted);
  if (error) text += "  " + error->message() + "\n";
  return text;
}

}  // namespace starling::swarm
