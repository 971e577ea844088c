#include "starling/swarm/swarm.hpp"

#include "starling/swarm/rule_gater.hpp"

#include <gtest/gtest.h>

#include "support/sim_swarms.hpp"

namespace starling::swarm {
namespace {

using namespace starling::testing;
using Outcome = DialAttempt::Outcome;
using transport::CloseReason;

class SwarmTest : public SimSwarms {};

TEST_F(SwarmTest, addresses_start_a_stagger_apart_and_the_first_success_wins) {
  Member &a = add(), &b = add();
  DialReport report;
  ASSERT_TRUE(dial(a, b, {b.address(), black_hole(2), black_hole(1), black_hole(3)}, &report));
  ASSERT_EQ(report.attempts.size(), 4u);
  for (const std::size_t later : {0u, 1u, 3u}) EXPECT_EQ(report.attempts[later].started_after, 250ms) << later;
  EXPECT_EQ(report.attempts[2].started_after, 0ms) << "the lowest port";
  EXPECT_EQ(report.attempts[2].outcome, Outcome::Cancelled);
  EXPECT_EQ(report.attempts[2].stages.reached, "connect");
  EXPECT_EQ(report.attempts[0].outcome, Outcome::Connected);
  EXPECT_EQ(report.attempts[0].stages.connect, 20ms);
  EXPECT_FALSE(report.error);
  EXPECT_LT(report.total, 1s);
  EXPECT_NE(report.to_string().find("connected"), std::string::npos);
}

TEST_F(SwarmTest, a_failure_starts_the_next_address_at_once) {
  Member &a = add(), &b = add();
  DialReport report;
  ASSERT_TRUE(dial(a, b, {refusing(), b.address()}, &report));
  EXPECT_EQ(report.attempts[0].outcome, Outcome::Failed);
  EXPECT_EQ(report.attempts[1].started_after, 20ms);
}

TEST_F(SwarmTest, when_all_fail_each_cause_is_told) {
  Member &a = add(), &b = add();
  DialReport report;
  const auto link = dial(a, b, {refusing(), black_hole(), *Multiaddr::from_string("/ip4/1.2.3.4/udp/1")}, &report);
  ASSERT_FALSE(link);
  EXPECT_EQ(link.error(), ErrorCode::AllAddressesFailed);
  for (const DialAttempt& attempt : report.attempts) EXPECT_TRUE(attempt.error);
  EXPECT_EQ(report.attempts[0].outcome, Outcome::Failed);
  EXPECT_EQ(report.attempts[1].outcome, Outcome::Failed);
  EXPECT_EQ(report.attempts[2].outcome, Outcome::NotTried);
  EXPECT_EQ(report.attempts[2].skipped, SkipReason::NoTransport);
  EXPECT_EQ(dial(a, b, std::vector<Multiaddr>{}).error(), ErrorCode::NoAddresses);
}

TEST_F(SwarmTest, dials_to_one_peer_join_and_share_the_connection) {
  Member &a = add(), &b = add();
  DialReport first, second;
  std::optional<Result<Link*>> one, two;
  io::TaskGroup group(world_.reactor());
  group.spawn(keep(a.swarm.dial(b.end.id, {b.address()}, &first), one));
  group.spawn(keep(a.swarm.dial(b.end.id, {refusing()}, &second), two));
  run(group.join());
  ASSERT_TRUE(*one && *two);
  EXPECT_EQ(**one, **two);
  EXPECT_TRUE(second.joined_dial && !first.joined_dial);
  DialReport third;
  EXPECT_EQ(*dial(a, b, &third), **one);
  EXPECT_TRUE(third.reused_connection);
  EXPECT_EQ(a.connected, 1);
}

TEST_F(SwarmTest, a_dial_that_was_abandoned_can_be_made_again) {
  Member &a = add(), &b = add();
  DialReport report;
  std::optional<Result<Link*>> abandoned;
  io::TaskGroup group(world_.reactor());
  group.spawn(keep(a.swarm.dial(b.end.id, {b.address()}, &report), abandoned));
  world_.run_for(30ms);
  run(group.close());
  EXPECT_EQ(abandoned->error(), ErrorCode::Cancelled);
  EXPECT_TRUE(report.error) << "the report says how it ended for this caller";
  EXPECT_TRUE(dial(a, b));
  EXPECT_EQ(a.swarm.connection_count(), 1u);
}

TEST_F(SwarmTest, a_dial_to_itself_is_refused_and_reported) {
  Member& a = add();
  DialReport report;
  EXPECT_EQ(dial(a, a, &report).error(), ErrorCode::DialedSelf);
  ASSERT_TRUE(report.error);
  EXPECT_EQ(*report.error, ErrorCode::DialedSelf);
}

/// Forbids one peer and one address.
struct TwoRules final : Gater {
  static Status forbidden(bool yes, const char* rule) {
    return yes ? fail(ErrorCode::Gated, Op::Dial, Origin::Local, rule) : Status{};
  }
  Status may_dial(const PeerId& peer) override { return forbidden(peer == no_peer, "peer rule"); }
  Status may_dial(const PeerId&, const Multiaddr& address) override {
    return forbidden(address == no_address, "address rule");
  }
  PeerId no_peer;
  Multiaddr no_address;
};

TEST_F(SwarmTest, the_gater_is_asked_for_the_peer_and_for_each_address) {
  Member &a = add(), &b = add(), &c = add();
  TwoRules rules;
  rules.no_peer = c.end.id;
  rules.no_address = b.address();
  a.swarm.set_gater(&rules);
  DialReport report;
  EXPECT_EQ(dial(a, c, &report).error(), ErrorCode::Gated);
  ASSERT_TRUE(report.error);
  EXPECT_EQ(report.error->detail(), "peer rule");
  const auto segments = world_.counters().segments;
  EXPECT_EQ(dial(a, b, &report).error(), ErrorCode::Gated);
  EXPECT_EQ(world_.counters().segments, segments) << "nothing was sent";
  ASSERT_EQ(report.attempts.size(), 1u);
  EXPECT_EQ(report.attempts[0].error->detail(), "address rule");
  EXPECT_EQ(report.attempts[0].source, AddressSource::User);
  rules.no_address = refusing();
  EXPECT_TRUE(dial(a, b, {rules.no_address, b.address()})) << "the other address is still dialed";
}

TEST_F(SwarmTest, limits_turn_connections_away) {
  SwarmOptions few = swarm_options();
  few.connections.max_connections = 2;
  Member &server = add(few), &a = add(), &b = add(), &c = add();
  ASSERT_TRUE(dial(a, server) && dial(b, server));
  (void)dial(c, server);
  world_.run_for(5s);
  EXPECT_EQ(server.swarm.connection_count(), 2u);
  EXPECT_EQ(server.swarm.counters().refused_limit, 1u);
  ASSERT_EQ(c.ended.size(), 1u);
  EXPECT_EQ(c.ended[0].code, std::uint32_t(transport::CloseCode::ResourceLimit));
  few.connections.max_connections = 1;
  Member& small = add(few);
  ASSERT_TRUE(dial(small, a));
  EXPECT_EQ(dial(small, b).error(), ErrorCode::LimitExceeded);
}

TEST_F(SwarmTest, a_more_useful_peer_takes_the_place_of_another_at_the_cap) {
  SwarmOptions few = swarm_options();
  few.connections.max_connections = 2;
  Member &server = add(few), &a = add(), &b = add(), &c = add();
  ASSERT_TRUE(dial(a, server) && dial(b, server));
  server.swarm.manager().protect(a.end.id, "mine");
  ASSERT_TRUE(server.swarm.manager().tag(c.end.id, "known", 5));
  ASSERT_TRUE(dial(c, server));
  world_.run_for(5s);
  EXPECT_EQ(server.swarm.connection_count(), 2u);
  EXPECT_NE(server.swarm.find(c.end.id), nullptr);
  EXPECT_NE(server.swarm.find(a.end.id), nullptr);
  ASSERT_EQ(b.ended.size(), 1u);
  EXPECT_EQ(b.ended[0].to_string(), "closed by the remote peer (garbage collected)");
  EXPECT_EQ(server.swarm.manager().counters().closed_hard_cap, 1u);
}

TEST_F(SwarmTest, above_high_water_the_oldest_idle_connection_goes_after_its_grace) {
  SwarmOptions narrow = swarm_options();
  narrow.connections.high_water = 2;
  narrow.connections.low_water = 1;
  Member &server = add(narrow), &a = add(), &b = add(), &c = add();
  ASSERT_TRUE(dial(a, server) && dial(b, server) && dial(c, server));
  world_.run_for(50s);
  EXPECT_EQ(server.swarm.connection_count(), 3u);
  world_.run_for(30s);
  EXPECT_EQ(server.swarm.connection_count(), 2u);
  EXPECT_EQ(a.ended.size() + b.ended.size() + c.ended.size(), 1u);
  EXPECT_EQ(server.swarm.manager().counters().closed_high_water, 1u);
}

TEST_F(SwarmTest, budgets_are_charged_from_the_dial_on_and_given_back) {
  resource::LimitTable limits = resource::derive({1u << 30, 1024});
  ASSERT_TRUE(resource::apply_settings({"peer.outbound_connections=0"}, limits).empty());
  resource::Manager open(resource::derive({1u << 30, 1024})), closed(limits);
  {
    SwarmOptions counted = swarm_options(), none = swarm_options();
    counted.resources = &open;
    none.resources = &closed;
    Member &a = add(counted), &b = add(), &c = add(none);
    ASSERT_TRUE(dial(a, b));
    EXPECT_EQ(open.used(), resource::Amounts::connection(resource::Direction::Outbound, true));
    EXPECT_EQ(open.live_scopes(), 1u);
    EXPECT_EQ(dial(c, b).error(), ErrorCode::LimitExceeded);
    EXPECT_NE(dial(c, b).error().message().find("peer.outbound_connections"), std::string::npos);
    run(a.swarm.close());
    world_.run_for(1s);
    EXPECT_TRUE(open.used().none());
    EXPECT_EQ(open.live_scopes(), 0u);
    world_.run_for(5s);
    EXPECT_TRUE(closed.used().none());
  }
}

TEST_F(SwarmTest, rules_turn_away_whom_they_forbid_once_it_is_known_and_when_they_change) {
  RuleGater rules;
  Member &server = add(), &a = add(), &b = add();
  server.swarm.set_gater(&rules);
  rules.set(*parse_rules("deny peer " + a.end.id.to_string()));
  (void)dial(a, server);
  ASSERT_TRUE(dial(b, server));
  world_.run_for(5s);
  ASSERT_EQ(a.ended.size(), 1u);
  EXPECT_EQ(a.ended[0].meaning(), ErrorCode::RemoteGated);
  EXPECT_EQ(server.swarm.connection_count(), 1u);
  rules.set(*parse_rules("deny ip 0.0.0.0/0"));
  server.swarm.apply_gater();
  world_.run_for(5s);
  EXPECT_EQ(server.swarm.connection_count(), 0u);
  EXPECT_EQ(server.swarm.counters().refused_gated, 2u);
}

TEST_F(SwarmTest, names_are_resolved_and_the_report_says_from_where) {
  Member &a = add(), &b = add();
  world_.set_name("b.example", b.machine.addresses());
  const Multiaddr named = *Multiaddr::from_string("/dns4/b.example/tcp/4001"),
                  unknown = *Multiaddr::from_string("/dns/no.example/tcp/1");
  DialReport report;
  ASSERT_TRUE(dial(a, b, {unknown, named}, &report));
  const DialAttempt& good = report.attempts[0].address == b.address() ? report.attempts[0] : report.attempts[1];
  EXPECT_EQ(good.address, b.address());
  EXPECT_EQ(good.from, named);
  EXPECT_EQ(good.stages.resolve, 20ms);
  EXPECT_EQ(good.host_name, "b.example");
}

TEST_F(SwarmTest, a_name_that_leads_nowhere_is_an_attempt_with_its_error) {
  Member &a = add(), &b = add();
  world_.set_txt("_dnsaddr.boot.example", {"dnsaddr=/dns4/gone.example/tcp/1/p2p/" + b.end.id.to_string()});
  DialReport report;
  const Multiaddr given = *Multiaddr::from_string("/dnsaddr/boot.example");
  EXPECT_FALSE(dial(a, b, {given}, &report));
  ASSERT_EQ(report.attempts.size(), 1u);
  const DialAttempt& attempt = report.attempts[0];
  EXPECT_EQ(attempt.address, *Multiaddr::from_string("/dns4/gone.example/tcp/1"));
  EXPECT_EQ(attempt.from, given);
  ASSERT_TRUE(attempt.error);
  EXPECT_EQ(*attempt.error, ErrorCode::NameNotFound);
  EXPECT_NE(report.to_string().find("A gone.example"), std::string::npos) << report.to_string();
}

TEST_F(SwarmTest, of_the_records_behind_a_dnsaddr_only_those_of_the_peer_are_dialed) {
  Member &a = add(), &b = add(), &c = add();
  const auto record = [](const Member& member) {
    return "dnsaddr=" + member.address().to_string() + "/p2p/" + member.end.id.to_string();
  };
  world_.set_txt("_dnsaddr.boot.example", {record(c), record(b)});
  DialReport report;
  ASSERT_TRUE(dial(a, b, {*Multiaddr::from_string("/dnsaddr/boot.example")}, &report));
  ASSERT_EQ(report.attempts.size(), 1u);
  EXPECT_EQ(report.attempts[0].address, b.address());
}

TEST_F(SwarmTest, a_name_server_that_is_down_costs_its_deadline_and_not_the_dial) {
  Member &a = add(), &b = add();
  world_.set_names_silent(true);
  DialReport report;
  ASSERT_TRUE(dial(a, b, {*Multiaddr::from_string("/dns4/b.example/tcp/4001"), b.address()}, &report));
  world_.set_names_silent(false);
}

TEST_F(SwarmTest, closing_while_dialing_ends_the_dial_at_once) {
  Member &a = add(), &b = add();
  std::optional<Result<Link*>> dialed;
  io::TaskGroup group(world_.reactor());
  group.spawn(keep(a.swarm.dial(b.end.id, {black_hole()}, nullptr), dialed));
  world_.run_for(1s);
  const TimePoint start = world_.now();
  run(a.swarm.close());
  run(group.join());
  EXPECT_EQ(world_.now(), start);
  EXPECT_FALSE(*dialed);
  EXPECT_EQ(dial(a, b).error(), ErrorCode::Closed);
  EXPECT_EQ(a.swarm.listen(a.address()).error(), ErrorCode::Closed);
}

TEST_F(SwarmTest, a_crashed_peer_leaves_the_table) {
  Member &a = add(), &b = add();
  ASSERT_TRUE(dial(a, b));
  b.machine.crash(io::SimCrash::Silent);
  world_.run_for(120s);
  EXPECT_EQ(a.swarm.connection_count(), 0u);
  EXPECT_EQ(a.swarm.find(b.end.id), nullptr);
  EXPECT_EQ(a.ended.size(), 1u);
}

TEST_F(SwarmTest, closing_waits_for_connections_that_end_at_different_times) {
  Member& a = add();
  for (int i = 0; i < 5; ++i) {
    Member& each = add();
    world_.set_link(a.machine, each.machine, {.latency = (5 - i) * 20ms});
    ASSERT_TRUE(dial(a, each));
  }
  run(a.swarm.close());
  EXPECT_EQ(a.swarm.connection_count(), 0u);
  EXPECT_EQ(a.ended.size(), 5u);
}

// A machine with two addresses that is connected to one peer from each of them.
class LostAddress : public SwarmTest {
 protected:
  void SetUp() override {
    ASSERT_TRUE(a_.swarm.listen(transport::tcp_multiaddr({second_, 4001})));
    ASSERT_TRUE(dial(a_, b_) && dial(c_, a_, {transport::tcp_multiaddr({second_, 4001})}));
    world_.run_for(1s);
    ASSERT_EQ(a_.swarm.connection_count(), 2u);
  }
  void TearDown() override {
    a_.machine.set_addresses({first_, second_});
    SwarmTest::TearDown();
  }
  void have(std::vector<io::IpAddress> addresses) {
    a_.machine.set_addresses(std::move(addresses));
    a_.swarm.network_changed();
  }
  static SwarmOptions options() {
    SwarmOptions options = swarm_options();
    options.lost_address_timeout = 3s;
    return options;
  }
  io::IpAddress first_ = io::IpAddress::v4({11, 1, 1, 1}), second_ = io::IpAddress::v4({11, 1, 1, 2});
  Member &a_ = add(options(), {.addresses = {first_, second_}}), &b_ = add(), &c_ = add();
};

TEST_F(LostAddress, ends_its_connections_that_get_no_answer_and_no_others) {
  have({second_});
  world_.run_for(3s - 1ms);
  EXPECT_TRUE(a_.swarm.find(b_.end.id));
  world_.run_for(1ms);
  EXPECT_FALSE(a_.swarm.find(b_.end.id));
  world_.run_for(a_.end.upgrader->options.close_timeout);
  ASSERT_EQ(a_.ended.size(), 1u);
  EXPECT_EQ(a_.ended[0].by, CloseReason::By::Failure);
  EXPECT_EQ(*a_.ended[0].error, ErrorCode::Timeout);
  EXPECT_NE(a_.ended[0].to_string().find("11.1.1.1"), std::string::npos) << a_.ended[0].to_string();
  EXPECT_EQ(a_.swarm.counters().closed_timeout, 1u);
  world_.run_for(2min);
  EXPECT_EQ(a_.swarm.connection_count(), 1u);
  EXPECT_TRUE(a_.swarm.find(c_.end.id));
}

TEST_F(LostAddress, that_comes_back_in_time_keeps_its_connections) {
  have({second_});
  world_.run_for(1s);
  have({first_, second_});
  world_.run_for(5min);
  EXPECT_EQ(a_.swarm.connection_count(), 2u);
}

// The system sends again after pauses that double: the answer may come long after the address.
TEST_F(LostAddress, that_is_back_gives_the_answer_the_time_of_a_keep_alive) {
  world_.partition(a_.machine, b_.machine);
  have({second_});
  world_.run_for(2s);
  have({first_, second_});
  world_.run_for(20s);
  EXPECT_TRUE(a_.swarm.find(b_.end.id));
  world_.heal_all();
  world_.run_for(5min);
  EXPECT_EQ(a_.swarm.connection_count(), 2u);
}

TEST_F(LostAddress, is_probed_once_however_often_the_network_changes) {
  have({second_});
  for (int i = 0; i < 3; ++i) {
    world_.run_for(1s);
    a_.swarm.network_changed();
  }
  EXPECT_FALSE(a_.swarm.find(b_.end.id));
}

TEST_F(LostAddress, none_when_other_interfaces_change) {
  const auto sent = a_.swarm.find(b_.end.id)->stats().bytes_out;
  have({second_, first_, io::IpAddress::v4({11, 1, 1, 3})});
  world_.run_for(3s);
  EXPECT_EQ(a_.swarm.find(b_.end.id)->stats().bytes_out, sent) << "nobody is asked";
  EXPECT_EQ(a_.swarm.connection_count(), 2u);
}

}  // namespace
}  // namespace starling::swarm
