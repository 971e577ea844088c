#include "starling/swarm/dial_report.hpp"

#include <fmt/format.h>

namespace starling::swarm {
namespace {

double milliseconds(Duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

std::string line_of(const DialAttempt& attempt) {
  std::string line = fmt::format("  {:9.1f} ms  {:<10} {}", milliseconds(attempt.started_after),
                                 to_string(attempt.outcome), attempt.address.to_string());
  if (attempt.from) line += " (from " + attempt.from->to_string() + ")";
  if (attempt.outcome != DialAttempt::Outcome::NotTried) {
    line +=
        fmt::format("\n                resolve {:.1f}, connect {:.1f}, security {:.1f}, muxer {:.1f} ms; reached: {}",
                    milliseconds(attempt.stages.resolve), milliseconds(attempt.stages.connect),
                    milliseconds(attempt.stages.security), milliseconds(attempt.stages.muxer), attempt.stages.reached);
  }
  if (attempt.error) line += "\n                " + attempt.error->message();
  return line + "\n";
}

}  // namespace

std::string_view to_string(DialAttempt::Outcome outcome) {
  constexpr std::string_view kNames[] = {"not tried", "connected", "failed", "cancelled"};
  return kNames[std::size_t(outcome)];
}

std::string DialReport::to_string() const {
  std::string text = fmt::format("dial {}: {} after {:.1f} ms\n", peer.to_string(), error ? "failed" : "connected",
                                 milliseconds(total));
  if (reused_connection) text += "  there was a connection already\n";
  if (joined_dial) text += "  joined a dial that was under way\n";
  for (const DialAttempt& attempt : attempts) text += line_of(attempt);
  if (error) text += "  " + error->message() + "\n";
  return text;
}

}  // namespace starling::swarm
