#include "starling/swarm/dial_report.hpp"

#include <gtest/gtest.h>

#include <set>

#include "support/swarm_options.hpp"
#include "support/transport_ends.hpp"

namespace starling::swarm {
namespace {

using namespace starling::testing;
using std::literals::chrono_literals::operator""us;
using Outcome = DialAttempt::Outcome;

DialAttempt attempt(const char* address, Outcome outcome, Duration start, Duration took) {
  DialAttempt made;
  made.address = *Multiaddr::from_string(address);
  made.outcome = outcome;
  made.started_after = start;
  made.total = took;
  return made;
}

// What people read: in the order of the starts, then what was left out, each with its cause.
TEST(DialReport, is_a_table_in_the_order_of_the_starts) {
  DialReport report;
  report.peer = peer_of(test_key(1));
  report.total = 312500us;
  report.attempts.push_back(attempt("/ip4/10.0.0.7/tcp/4001", Outcome::NotTried, 0ms, 0ms));
  report.attempts.back().skipped = SkipReason::OutOfScope;
  report.attempts.back().source = AddressSource::Identify;
  report.attempts.back().error = Error(ErrorCode::Gated, Op::Dial, Origin::Local, "private address");
  report.attempts.push_back(attempt("/ip4/8.8.4.4/tcp/4001", Outcome::Connected, 250ms, 62500us));
  report.attempts.back().from = *Multiaddr::from_string("/dns4/a.example/tcp/4001");
  report.attempts.back().stages = {
      .resolve = 20ms, .connect = 20ms, .security = 40ms, .muxer = {}, .reached = "connected"};
  report.attempts.push_back(attempt("/ip6/2600::1/tcp/4001", Outcome::Failed, 0ms, 5ms));
  report.attempts.back().queued = 1500us;
  report.attempts.back().stages.reached = "connect";
  report.attempts.back().error = Error(ErrorCode::Unreachable, Op::Connect, Origin::Network, "no route");
  report.unlisted = 3;
  const std::string text = report.to_string();
  const std::vector<std::string> in_order = {"dial " + report.peer.to_string() + ": connected after 312.5 ms",
                                             "start ms   took ms  outcome",
                                             "0.0       5.0  failed",
                                             "/ip6/2600::1/tcp/4001",
                                             "waited 1.5 ms for a place among all dials",
                                             "reached: connect",
                                             "no route",
                                             "250.0      62.5  connected",
                                             "/ip4/8.8.4.4/tcp/4001",
                                             "from /dns4/a.example/tcp/4001",
                                             "resolve 20.0, connect 20.0, security 40.0 ms",
                                             "out of scope",
                                             "identify",
                                             "/ip4/10.0.0.7/tcp/4001",
                                             "private address",
                                             "and 3 addresses more than a dial takes"};
  std::size_t at = 0;
  for (const std::string& part : in_order) {
    const std::size_t found = text.find(part, at);
    ASSERT_NE(found, std::string::npos) << part << "\nin\n" << text;
    at = found + part.size();
  }
}

TEST(DialReport, every_reason_to_leave_an_address_out_has_a_name_of_its_own) {
  std::set<std::string_view> names;
  for (std::size_t reason = 0; reason < kSkipReasons; ++reason) names.insert(to_string(SkipReason(reason)));
  EXPECT_EQ(names.size(), kSkipReasons);
  EXPECT_FALSE(names.contains(""));
}

}  // namespace
}  // namespace starling::swarm
