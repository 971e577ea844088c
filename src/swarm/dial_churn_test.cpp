// Many nodes that dial each other at random while machines go down and come back: no budget is ever passed, and when it
// is over nothing of it is left. Two hundred seeds.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "support/sim_swarms.hpp"

namespace starling::swarm {
namespace {

using namespace starling::testing;

constexpr std::size_t kMembers = 5, kRounds = 40, kBurst = 4, kPerSecond = 10;

SwarmOptions tight_options() {
  SwarmOptions options = swarm_options();
  options.max_pending_dials = 3;
  options.max_dials_per_peer = 2;
  options.max_addresses_per_dial = 4;
  options.dial_limits = {.max_dials = 4, .max_half_open = 3, .per_second = kPerSecond, .burst = kBurst};
  options.backoff = {.base = 2s, .step = 1s, .max = 20s, .entries = 6};
  options.black_hole = {.window = 8, .min_successes = 1};
  return options;
}

class Churn {
 public:
  explicit Churn(std::uint64_t seed) : world_(seed) {
    for (std::uint64_t i = 0; i < kMembers; ++i)
      members_.push_back(std::make_unique<Member>(world_.add_host(), i + 1, tight_options()));
    silent_ = &world_.add_host();
    silent_->crash(io::SimCrash::Silent);
    nobody_ = &world_.add_host();
  }

  void run() {
    for (std::size_t round = 0; round < kRounds; ++round) {
      act();
      for (int step = 0; step < 10; ++step) {
        world_.run_for(Duration(std::int64_t(world_.random().below(50'000'000))));
        check_budgets();
      }
    }
    world_.heal_all();
    io::run_task(world_.reactor(), dials_.join());
    check_rate();
    check_nothing_runs();
    for (auto& member : members_) io::run_task(world_.reactor(), member->swarm.close());
    for (auto& member : members_) EXPECT_EQ(member->machine.open_descriptors(), 0u);
  }

 private:
  std::size_t pick(std::size_t count) { return std::size_t(world_.random().below(count)); }

  void act() {
    Member &from = *members_[pick(kMembers)], &to = *members_[pick(kMembers)];
    switch (pick(6)) {
      case 0:
        from.swarm.close_peer(to.end.id, transport::CloseReason::local(transport::CloseCode::None));
        break;
      case 1:
        if (&from != &to) world_.partition(from.machine, to.machine);
        break;
      case 2:
        world_.heal_all();
        break;
      default:
        dials_.spawn(dial(from, to, addresses_for(to), pick(2) == 0 ? DialOrigin::User : DialOrigin::Background));
    }
  }

  std::vector<DialAddress> addresses_for(Member& to) {
    std::vector<DialAddress> addresses;
    for (std::size_t i = pick(7); i > 0; --i) {
      const auto port = std::uint16_t(1 + pick(3));
      const Multiaddr choices[] = {to.address(), transport::tcp_multiaddr(silent_->at(port)),
                                   transport::tcp_multiaddr(nobody_->at(port)),
                                   *Multiaddr::from_string("/ip4/10.0.0.1/tcp/1")};
      addresses.push_back({choices[pick(4)], AddressSource::Dht});
    }
    return addresses;
  }

  io::Task<void> dial(Member& from, Member& to, std::vector<DialAddress> addresses, DialOrigin origin) {
    const TimePoint start = world_.now();
    DialReport report;
    (void)co_await from.swarm.dial(to.end.id, std::move(addresses), {origin}, &report);
    if (report.joined_dial) co_return;
    for (const DialAttempt& attempt : report.attempts)
      if (attempt.outcome == DialAttempt::Outcome::Connected || attempt.outcome == DialAttempt::Outcome::Failed)
        starts_[&from].push_back(start + attempt.started_after);
  }

  void check_budgets() {
    for (const auto& member : members_) {
      const DialState state = member->swarm.dial_state();
      ASSERT_LE(state.descriptors, 4u);
      ASSERT_LE(state.half_open, 3u);
      ASSERT_LE(state.pending, 3u);
      ASSERT_LE(state.backed_off, 6u);
      ASSERT_LE(state.running + state.queued, state.pending * 2);
    }
  }

  // Between any two starts of one node lie as many tokens as dials, but for one burst.
  void check_rate() {
    for (auto& [member, starts] : starts_) {
      std::sort(starts.begin(), starts.end());
      for (std::size_t i = kBurst; i < starts.size(); ++i)
        ASSERT_GE(starts[i] - starts[i - kBurst], Duration(std::chrono::seconds(1)) / std::int64_t(kPerSecond));
    }
  }

  void check_nothing_runs() {
    for (const auto& member : members_) {
      const DialState state = member->swarm.dial_state();
      EXPECT_EQ(state.pending + state.running + state.descriptors + state.half_open + state.queued, 0u);
    }
  }

  io::SimWorld world_;
  std::vector<std::unique_ptr<Member>> members_;
  io::SimHost *silent_ = nullptr, *nobody_ = nullptr;
  std::map<Member*, std::vector<TimePoint>> starts_;
  io::TaskGroup dials_{world_.reactor()};
};

TEST(DialChurn, no_budget_is_passed_and_nothing_is_left_over_two_hundred_seeds) {
  for (std::uint64_t seed = 1; seed <= 200 && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Churn(seed).run();
  }
}

}  // namespace
}  // namespace starling::swarm
