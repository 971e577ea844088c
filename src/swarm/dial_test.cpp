// Dialing through a whole swarm on the simulated network: when addresses start, which are left out, and the budgets.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "support/sim_swarms.hpp"

namespace starling::swarm {
namespace {

using namespace starling::testing;
using Outcome = DialAttempt::Outcome;

io::IpAddress ip(const char* text) { return *io::IpAddress::from_string(text); }
Multiaddr tcp(const char* address, std::uint16_t port = 4001) { return transport::tcp_multiaddr({ip(address), port}); }

const DialAttempt& attempt_at(const DialReport& report, const Multiaddr& address) {
  return *std::find_if(report.attempts.begin(), report.attempts.end(),
                       [&](const DialAttempt& each) { return each.address == address; });
}

class DialTest : public SimSwarms {
 protected:
  /// Starts a dial and lets it run aside.
  void start(Member& from, const PeerId& to, std::vector<Multiaddr> addresses) {
    results_.push_back(std::make_unique<std::optional<Result<Link*>>>());
    group_.spawn(keep(from.swarm.dial(to, std::move(addresses)), *results_.back()));
  }
  void TearDown() override {
    run(group_.close());
    SimSwarms::TearDown();
  }
  std::vector<std::unique_ptr<std::optional<Result<Link*>>>> results_;
  io::TaskGroup group_{world_.reactor()};
};

// ---- when addresses start -------------------------------------------------------------------------------------------

TEST_F(DialTest, an_answer_holds_other_addresses_back_until_the_handshakes_are_over) {
  Member &a = add(), &b = add();
  world_.set_link(a.machine, b.machine, {.latency = 100ms});
  const Multiaddr other = black_hole(5000);
  DialReport report;
  ASSERT_TRUE(dial(a, b, {b.address(), other}, &report)) << report.to_string();
  EXPECT_EQ(attempt_at(report, b.address()).stages.connect, 200ms);
  EXPECT_GT(report.total, 350ms) << "the other's delay was over before the handshakes were";
  EXPECT_EQ(attempt_at(report, other).skipped, SkipReason::Connected);
}

TEST_F(DialTest, ip6_starts_first_and_ip4_a_step_later) {
  Member& a = add(swarm_options(), {.addresses = {ip("11.1.0.1"), ip("2600::1")}});
  Member& b = add(swarm_options(), {.addresses = {ip("11.1.0.2"), ip("2600::2")}});
  DialReport report;
  ASSERT_TRUE(dial(a, b, {tcp("11.1.0.2"), tcp("2600::dead")}, &report)) << report.to_string();
  // Nothing is there: the simulated network says so at once, and the next starts.
  EXPECT_EQ(attempt_at(report, tcp("2600::dead")).delay, 0ms);
  EXPECT_EQ(attempt_at(report, tcp("11.1.0.2")).delay, 250ms);
  EXPECT_EQ(attempt_at(report, tcp("11.1.0.2")).started_after, attempt_at(report, tcp("2600::dead")).total);
}

TEST_F(DialTest, local_addresses_do_not_wait_for_public_ones) {
  Member& a = add(swarm_options(), {.addresses = {ip("11.1.0.1"), ip("192.168.1.1")}});
  Member& b = add(swarm_options(), {.addresses = {ip("11.1.0.2"), ip("192.168.1.2")}});
  DialReport report;
  ASSERT_FALSE(dial(a, b, {tcp("11.1.0.2", 1), tcp("11.1.0.2", 2), tcp("192.168.1.2", 9)}, &report));
  EXPECT_EQ(attempt_at(report, tcp("192.168.1.2", 9)).started_after, 0ms);
  EXPECT_EQ(attempt_at(report, tcp("11.1.0.2", 1)).started_after, 0ms);
}

TEST_F(DialTest, one_address_has_a_time_of_its_own) {
  SwarmOptions options = swarm_options();
  options.dial_address_timeout = 3s;
  Member &a = add(options), &b = add();
  DialReport report;
  ASSERT_FALSE(dial(a, b, {black_hole()}, &report));
  EXPECT_EQ(report.total, 3s);
  EXPECT_EQ(*report.error, ErrorCode::Timeout);
}

// ---- back-off -------------------------------------------------------------------------------------------------------

TEST_F(DialTest, the_node_leaves_an_address_that_failed_alone_and_tells_why_and_how_long) {
  Member &a = add(), &b = add();
  const Multiaddr bad = refusing();
  EXPECT_FALSE(dial_in_background(a, b, {bad}));
  world_.run_for(2s);
  const auto trace = world_.trace_hash();
  DialReport report;
  EXPECT_FALSE(dial_in_background(a, b, {bad}, &report));
  EXPECT_EQ(world_.trace_hash(), trace) << "nothing was sent";
  ASSERT_EQ(report.attempts.size(), 1u);
  EXPECT_EQ(report.attempts[0].skipped, SkipReason::BackedOff);
  EXPECT_EQ(*report.attempts[0].error, ErrorCode::BackedOff);
  EXPECT_EQ(report.attempts[0].retry_after, 3s);
  ASSERT_NE(report.attempts[0].error->cause(), nullptr);
  EXPECT_EQ(*report.attempts[0].error->cause(), ErrorCode::ConnectionRefused);
  EXPECT_EQ(a.swarm.counters().addresses_skipped[std::size_t(SkipReason::BackedOff)], 1u);
  world_.run_for(3s);
  EXPECT_FALSE(dial_in_background(a, b, {bad}, &report));
  EXPECT_EQ(report.attempts[0].outcome, Outcome::Failed) << "the time is over";
}

TEST_F(DialTest, a_users_dial_does_not_wait_for_back_off) {
  Member &a = add(), &b = add();
  const Multiaddr bad = refusing();
  EXPECT_FALSE(dial_in_background(a, b, {bad}));
  DialReport report;
  EXPECT_FALSE(dial(a, b, {bad}, &report));
  EXPECT_EQ(report.attempts[0].outcome, Outcome::Failed);
}

TEST_F(DialTest, a_connection_by_either_side_clears_the_back_off_of_the_peer) {
  Member &a = add(), &b = add();
  const Multiaddr bad = refusing();
  for (const bool inbound : {false, true}) {
    EXPECT_FALSE(dial_in_background(a, b, {bad}));
    EXPECT_EQ(a.swarm.dial_state().backed_off, 1u);
    ASSERT_TRUE(inbound ? dial(b, a) : dial(a, b));
    world_.run_for(1s);
    EXPECT_EQ(a.swarm.dial_state().backed_off, 0u);
    a.swarm.close_peer(b.end.id, transport::CloseReason::local(transport::CloseCode::None));
    world_.run_for(3s);
  }
}

TEST_F(DialTest, back_off_ends_on_demand_and_with_the_network) {
  Member &a = add(), &b = add(), &c = add();
  const Multiaddr bad = refusing();
  const auto fail_both = [&] {
    EXPECT_FALSE(dial_in_background(a, b, {bad}));
    EXPECT_FALSE(dial_in_background(a, c, {bad}));
    EXPECT_EQ(a.swarm.dial_state().backed_off, 2u);
  };
  fail_both();
  a.swarm.clear_backoff(b.end.id);
  EXPECT_EQ(a.swarm.dial_state().backed_off, 1u);
  a.swarm.clear_backoff();
  fail_both();
  a.swarm.network_changed();
  EXPECT_EQ(a.swarm.dial_state().backed_off, 0u);
}

TEST_F(DialTest, an_address_that_lost_the_race_is_not_backed_off) {
  Member &a = add(), &b = add();
  ASSERT_TRUE(dial_in_background(a, b, {black_hole(), b.address()}));
  EXPECT_EQ(a.swarm.dial_state().backed_off, 0u);
}

TEST_F(DialTest, a_user_who_joins_a_background_dial_takes_back_in_what_it_left_out) {
  Member &a = add(), &b = add();
  const auto partition = world_.partition(a.machine, b.machine);
  EXPECT_FALSE(dial_in_background(a, b, {b.address()}));  // 5 s, then 5 s of back-off
  world_.heal(partition);
  std::optional<Result<Link*>> background;
  DialReport report;
  group_.spawn(keep(a.swarm.dial(b.end.id, from_source(AddressSource::Dht, {b.address(), black_hole()}),
                                 {DialOrigin::Background}, &report),
                    background));
  world_.run_for(1s);
  EXPECT_FALSE(background) << "it tries the black hole only";
  EXPECT_TRUE(dial(a, b));
  run(group_.join());
  EXPECT_TRUE(*background);
  EXPECT_EQ(attempt_at(report, b.address()).outcome, Outcome::Connected);
}

// ---- black holes ----------------------------------------------------------------------------------------------------

TEST_F(DialTest, when_nothing_comes_back_over_ip6_public_ip6_addresses_are_left_out_but_for_a_probe) {
  SwarmOptions options = swarm_options();
  options.black_hole = {.window = 10, .min_successes = 2};
  options.backoff.base = options.backoff.step = 0s;
  options.dial_address_timeout = 100ms;
  Member& a = add(options, {.addresses = {ip("11.1.0.1"), ip("2600::1")}});
  io::SimHost& silent = world_.add_host({.addresses = {ip("2600::2")}});
  silent.crash(io::SimCrash::Silent);
  Member& b = add();
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(dial_in_background(a, b, {tcp("2600::2")}));
  EXPECT_EQ(a.swarm.dial_state().ip6.state, BlackHoleState::Blocked);
  EXPECT_EQ(a.swarm.dial_state().udp.state, BlackHoleState::Probing);
  int tried = 0;
  DialReport report;
  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(dial_in_background(a, b, {tcp("2600::2")}, &report));
    tried += report.attempts[0].skipped != SkipReason::BlackHoled;
    if (report.attempts[0].skipped == SkipReason::BlackHoled)
      EXPECT_EQ(*report.attempts[0].error, ErrorCode::BlackHoled);
  }
  EXPECT_EQ(tried, 2);
  EXPECT_FALSE(dial(a, b, {tcp("2600::2")}, &report));
  EXPECT_EQ(report.attempts[0].outcome, Outcome::Failed) << "a user may see for himself";
  a.swarm.network_changed();
  EXPECT_EQ(a.swarm.dial_state().ip6.state, BlackHoleState::Probing);
}

// ---- scope ----------------------------------------------------------------------------------------------------------

// What hosters ban for: a server with a public interface sends nothing to networks that it is not in.
TEST_F(DialTest, a_public_host_sends_no_packet_to_addresses_that_are_not_public) {
  Member &a = add(), &b = add();
  const char* const far[] = {"10.0.0.1",    "172.16.3.1",   "192.168.1.1", "100.64.0.1",
                             "169.254.1.1", "198.51.100.7", "fd00::1",     "::ffff:10.0.0.1"};
  for (const char* each : far)  // somebody is there and would answer
    if (each != std::string_view("::ffff:10.0.0.1")) add(swarm_options(), {.addresses = {ip(each)}});
  for (const AddressSource source : {AddressSource::Unknown, AddressSource::Identify, AddressSource::Record,
                                     AddressSource::Dht, AddressSource::Connection}) {
    std::vector<Multiaddr> addresses;
    for (const char* each : far) addresses.push_back(tcp(each));
    const auto trace = world_.trace_hash();
    DialReport report;
    EXPECT_EQ(dial_in_background(a, b, addresses, &report, source).error(), ErrorCode::NoAddresses);
    EXPECT_EQ(world_.trace_hash(), trace) << to_string(source);
    for (const DialAttempt& attempt : report.attempts) {
      EXPECT_EQ(attempt.skipped, SkipReason::OutOfScope);
      EXPECT_EQ(*attempt.error, ErrorCode::OutOfScope);
    }
    EXPECT_FALSE(run(a.swarm.dial(b.end.id, from_source(source, addresses), {DialOrigin::User}, &report)));
    EXPECT_EQ(world_.trace_hash(), trace) << "who wants a peer does not vouch for what others told of it";
  }
}

TEST_F(DialTest, a_private_address_is_dialed_if_the_user_or_the_local_network_named_it) {
  Member &a = add(), &b = add(swarm_options(), {.addresses = {ip("10.0.0.2")}});
  const auto leave = [&] {
    a.swarm.close_peer(b.end.id, transport::CloseReason::local(transport::CloseCode::None));
    world_.run_for(3s);
  };
  ASSERT_TRUE(dial(a, b));
  leave();
  ASSERT_TRUE(dial_in_background(a, b, {b.address()}, nullptr, AddressSource::Mdns));
  leave();
  ASSERT_TRUE(dial_in_background(a, b, {b.address()}, nullptr, AddressSource::User));
}

TEST_F(DialTest, a_private_address_is_dialed_from_within_its_network_or_when_it_is_said_to_be_reachable) {
  Member& b = add(swarm_options(), {.addresses = {ip("10.0.0.2")}});
  Member& neighbour = add(swarm_options(), {.addresses = {ip("11.1.0.1"), ip("10.0.0.3")}});
  EXPECT_TRUE(dial_in_background(neighbour, b, {b.address()}));
  Member& other = add(swarm_options(), {.addresses = {ip("11.1.0.2"), ip("10.0.1.3")}});
  EXPECT_FALSE(dial_in_background(other, b, {b.address()})) << "10.0.1.0/24 is another network";
  SwarmOptions options = swarm_options();
  options.reachable_networks = {*IpPrefix::from_string("10.0.0.0/16")};
  Member& routed = add(options);
  EXPECT_TRUE(dial_in_background(routed, b, {b.address()}));
}

TEST_F(DialTest, this_nodes_own_listening_addresses_are_never_dialed) {
  Member &a = add(), &b = add();
  const auto trace = world_.trace_hash();
  DialReport report;
  EXPECT_EQ(dial(a, b, {a.address()}, &report).error(), ErrorCode::DialedSelf);
  EXPECT_EQ(report.attempts[0].skipped, SkipReason::OwnAddress);
  EXPECT_EQ(world_.trace_hash(), trace);
}

TEST_F(DialTest, an_address_of_another_peer_is_left_out_and_told) {
  Member &a = add(), &b = add(), &c = add();
  DialReport report;
  ASSERT_TRUE(dial(a, b, {c.address().with(Protocol::P2p, c.end.id.bytes()), b.address()}, &report));
  EXPECT_EQ(attempt_at(report, c.address()).skipped, SkipReason::WrongPeer);
}

// ---- budgets --------------------------------------------------------------------------------------------------------

TEST_F(DialTest, more_addresses_than_a_dial_takes_are_in_the_report_with_that_reason) {
  SwarmOptions options = swarm_options();
  options.max_addresses_per_dial = 2;
  Member &a = add(options), &b = add();
  DialReport report;
  EXPECT_FALSE(dial(a, b, {refusing(5), refusing(4), refusing(3), refusing(2), refusing(1)}, &report));
  ASSERT_EQ(report.attempts.size(), 4u) << "as many again as a dial takes";
  EXPECT_EQ(report.unlisted, 1u);
  int tried = 0, too_many = 0;
  for (const DialAttempt& attempt : report.attempts) {
    tried += attempt.outcome == Outcome::Failed;
    too_many += attempt.skipped == SkipReason::TooMany;
  }
  EXPECT_EQ(tried, 2);
  EXPECT_EQ(too_many, 2);
  EXPECT_NE(report.to_string().find("swarm.max_addresses_per_dial = 2"), std::string::npos) << report.to_string();
}

TEST_F(DialTest, so_many_addresses_of_one_peer_run_at_once) {
  SwarmOptions options = swarm_options();
  options.max_dials_per_peer = 3;
  Member &a = add(options), &b = add();
  std::vector<Multiaddr> addresses;
  for (int i = 0; i < 8; ++i) addresses.push_back(black_hole());
  start(a, b.end.id, addresses);
  std::size_t most = 0;
  for (int step = 0; step < 200; ++step) {
    world_.run_for(50ms);
    most = std::max(most, a.swarm.dial_state().running);
  }
  EXPECT_EQ(most, 3u);
}

TEST_F(DialTest, so_many_addresses_run_at_once_over_all_peers_and_the_others_wait) {
  SwarmOptions options = swarm_options();
  options.dial_limits.max_dials = 4;
  Member& a = add(options);
  for (std::uint64_t peer = 100; peer < 110; ++peer)
    start(a, peer_of(test_key(peer)), {black_hole(), black_hole(), black_hole()});
  world_.run_for(1s);
  EXPECT_EQ(a.swarm.dial_state().descriptors, 4u);
  EXPECT_EQ(a.swarm.dial_state().queued, 26u);
  EXPECT_LE(a.machine.open_descriptors(), 5u) << "and the listener";
  run(group_.join());
  EXPECT_EQ(a.swarm.dial_state().queued + a.swarm.dial_state().running, 0u);
}

TEST_F(DialTest, so_many_dials_are_half_open_at_once) {
  SwarmOptions options = swarm_options();
  options.dial_limits.max_half_open = 2;
  Member& a = add(options);
  for (std::uint64_t peer = 100; peer < 104; ++peer) start(a, peer_of(test_key(peer)), {black_hole(), black_hole()});
  world_.run_for(1s);
  EXPECT_EQ(a.swarm.dial_state().half_open, 2u);
  EXPECT_EQ(a.swarm.dial_state().queued, 6u);
}

TEST_F(DialTest, dials_start_at_the_permitted_rate) {
  SwarmOptions options = swarm_options();
  options.dial_limits.per_second = 10;
  options.dial_limits.burst = 2;
  Member &a = add(options), &b = add();
  std::vector<Multiaddr> addresses;
  for (int i = 0; i < 8; ++i) addresses.push_back(refusing());
  DialReport report;
  EXPECT_FALSE(dial(a, b, addresses, &report));
  std::vector<Duration> starts;
  for (const DialAttempt& attempt : report.attempts) starts.push_back(attempt.started_after);
  std::sort(starts.begin(), starts.end());
  for (std::size_t i = 0; i < starts.size(); ++i) EXPECT_GE(starts[i] + 100ms, i * 100ms) << report.to_string();
  EXPECT_LE(starts.back(), 800ms);
}

TEST_F(DialTest, more_peers_than_may_be_pending_are_refused) {
  SwarmOptions options = swarm_options();
  options.max_pending_dials = 2;
  Member &a = add(options), &b = add();
  start(a, peer_of(test_key(100)), {black_hole()});
  start(a, b.end.id, {black_hole()});
  world_.run_for(1s);
  EXPECT_EQ(run(a.swarm.dial(peer_of(test_key(102)), {black_hole()})).error(), ErrorCode::LimitExceeded);
  EXPECT_EQ(a.swarm.counters().dials_refused, 1u);
  EXPECT_TRUE(dial(a, b)) << "joining one is no new dial";
}

// ---- several callers, both sides ------------------------------------------------------------------------------------

TEST_F(DialTest, addresses_of_a_later_caller_are_added_to_the_dial_under_way) {
  Member &a = add(), &b = add();
  start(a, b.end.id, {black_hole()});
  world_.run_for(1s);
  DialReport report;
  const TimePoint before = world_.now();
  EXPECT_TRUE(dial(a, b, {b.address()}, &report));
  EXPECT_LT(world_.now() - before, 200ms);
  EXPECT_TRUE(report.joined_dial);
  EXPECT_EQ(report.attempts.size(), 2u);
  run(group_.join());
  EXPECT_TRUE(**results_[0]) << "the first caller has it too";
  EXPECT_EQ(a.connected, 1);
}

TEST_F(DialTest, when_the_peer_connects_to_us_our_dial_ends_with_that_connection) {
  Member &a = add(), &b = add();
  DialReport report;
  std::optional<Result<Link*>> ours;
  group_.spawn(keep(a.swarm.dial(b.end.id, {black_hole(1), black_hole(2)}, &report), ours));
  world_.run_for(100ms);
  ASSERT_TRUE(dial(b, a));
  world_.run_for(100ms);
  ASSERT_TRUE(ours && *ours);
  EXPECT_TRUE(report.reused_connection);
  EXPECT_EQ(report.attempts[0].outcome, Outcome::Cancelled);
  EXPECT_EQ(report.attempts[1].skipped, SkipReason::Connected);
  EXPECT_EQ(a.swarm.dial_state().running, 0u);
}

TEST_F(DialTest, when_both_dial_at_once_what_came_to_be_stays) {
  Member &a = add(), &b = add();
  start(a, b.end.id, {b.address()});
  start(b, a.end.id, {a.address()});
  run(group_.join());
  for (const auto& result : results_) EXPECT_TRUE(**result);
  world_.run_for(5min);
  EXPECT_TRUE(a.ended.empty() && b.ended.empty());
  EXPECT_GE(a.swarm.connection_count(), 1u);
  EXPECT_EQ(a.swarm.connection_count(), b.swarm.connection_count());
  EXPECT_TRUE(a.swarm.find(b.end.id) != nullptr && b.swarm.find(a.end.id) != nullptr);
}

TEST_F(DialTest, of_several_connections_the_busier_is_preferred_and_of_equals_the_younger) {
  Member &a = add(), &b = add();
  start(a, b.end.id, {b.address()});
  start(b, a.end.id, {a.address()});
  run(group_.join());
  world_.run_for(1s);
  ASSERT_EQ(a.swarm.connection_count(), 2u);
  const auto links = a.swarm.connections();
  EXPECT_EQ(a.swarm.find(b.end.id), links[1]);
  auto stream = links[0]->open_stream();
  ASSERT_TRUE(stream);
  EXPECT_EQ(a.swarm.find(b.end.id), links[0]);
  links[0]->close(transport::CloseReason::local(transport::CloseCode::None));
  EXPECT_EQ(a.swarm.find(b.end.id), links[1]) << "a closed one is none";
}

}  // namespace
}  // namespace starling::swarm
