// Dials by name: what is known is dialed, whatever else is still being asked for.
#include <gtest/gtest.h>

#include "names/names_testing.hpp"
#include "support/sim_swarms.hpp"

namespace starling::swarm {
namespace {

using namespace starling::testing;
using io::RecordType;
using names::testing::addresses;
using names::testing::ma;
using names::testing::TableClient;

class DialNamesTest : public SimSwarms {
 protected:
  void SetUp() override {
    dialer_ = &add(swarm_options(), {.addresses = ips({"11.0.0.1", "2600::1"})});
    target_ = &add(swarm_options(), {.addresses = ips({"11.0.0.2", "2600::2"})});
    EXPECT_TRUE(target_->swarm.listen(tcp_at("2600::2")));
    dialer_->swarm.use_resolver(std::make_unique<names::Resolver>(world_.reactor(), resolver_options(),
                                                                  std::make_unique<TableClient>(table_, "table")));
  }
  static std::vector<io::IpAddress> ips(std::initializer_list<const char*> texts) {
    std::vector<io::IpAddress> all;
    for (const char* text : texts) all.push_back(*io::IpAddress::from_string(text));
    return all;
  }
  static Multiaddr tcp_at(const char* ip) { return transport::tcp_multiaddr({*io::IpAddress::from_string(ip), 4001}); }
  void record(const std::string& name, RecordType type, const std::string& ip, Duration delay) {
    table_.table.insert_or_assign({name, type}, addresses({ip}));
    table_.delays[{name, type}] = delay;
  }
  DialReport dial(std::initializer_list<const char*> texts) {
    std::vector<Multiaddr> given;
    for (const char* text : texts) given.push_back(ma(text));
    DialReport report;
    EXPECT_TRUE(run(dialer_->swarm.dial(target_->end.id, given, &report))) << report.to_string();
    return report;
  }
  static const DialAttempt* at(const DialReport& report, const Multiaddr& address) {
    for (const DialAttempt& each : report.attempts)
      if (each.address == address) return &each;
    return nullptr;
  }

  TableClient::State table_{world_.reactor()};
  Member *dialer_ = nullptr, *target_ = nullptr;
};

TEST_F(DialNamesTest, a_name_that_is_never_found_does_not_hold_up_another) {
  record("fast.example", RecordType::A, "11.0.0.2", 10ms);
  record("slow.example", RecordType::A, "11.0.0.2", 4s);
  const DialReport report = dial({"/dns4/slow.example/tcp/4001", "/dns4/fast.example/tcp/4001"});
  const DialAttempt* won = at(report, tcp_at("11.0.0.2"));
  ASSERT_NE(won, nullptr);
  EXPECT_EQ(won->started_after, 10ms);
  EXPECT_LT(report.total, 1s);
  EXPECT_EQ(won->stages.resolve, 10ms);
}

TEST_F(DialNamesTest, ipv4_that_is_found_first_waits_for_ipv6_and_then_stands_behind_it) {
  record("x.example", RecordType::A, "11.0.0.2", 10ms);
  record("x.example", RecordType::Aaaa, "2600::2", 50ms);
  const DialReport report = dial({"/dns/x.example/tcp/4001"});
  ASSERT_NE(at(report, tcp_at("2600::2")), nullptr);
  EXPECT_EQ(at(report, tcp_at("2600::2"))->outcome, DialAttempt::Outcome::Connected);
  EXPECT_EQ(at(report, tcp_at("2600::2"))->started_after, 50ms);
  ASSERT_NE(at(report, tcp_at("11.0.0.2")), nullptr);
  EXPECT_EQ(at(report, tcp_at("11.0.0.2"))->skipped, SkipReason::Connected) << "it had its delay after IPv6";
}

TEST_F(DialNamesTest, ipv4_goes_first_when_the_answer_about_ipv6_is_late) {
  record("x.example", RecordType::A, "11.0.0.2", 10ms);
  record("x.example", RecordType::Aaaa, "2600::2", 3s);
  const DialReport report = dial({"/dns/x.example/tcp/4001"});
  ASSERT_NE(at(report, tcp_at("11.0.0.2")), nullptr);
  EXPECT_EQ(at(report, tcp_at("11.0.0.2"))->started_after, 60ms) << "resolution_delay";
  EXPECT_LT(report.total, 1s);
}

TEST_F(DialNamesTest, what_is_found_later_takes_its_place_behind_what_is_being_dialed) {
  record("x.example", RecordType::Aaaa, "2600::2", 10ms);
  record("x.example", RecordType::A, "11.0.0.9", 15ms);  // nobody is there
  const DialReport report = dial({"/dns/x.example/tcp/4001"});
  ASSERT_NE(at(report, tcp_at("11.0.0.9")), nullptr);
  EXPECT_EQ(at(report, tcp_at("11.0.0.9"))->skipped, SkipReason::Connected);
  EXPECT_EQ(at(report, tcp_at("11.0.0.9"))->delay, swarm_options().dial_delays.step);
}

}  // namespace
}  // namespace starling::swarm
