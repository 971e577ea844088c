// The resolver on virtual time: cache, joined lookups, cancels, servers that never answer, limits.
#include "starling/names/resolver.hpp"

#include <gtest/gtest.h>

#include "names/names_testing.hpp"
#include "starling/io/faulty.hpp"
#include "starling/io/sim_network.hpp"

namespace starling::names {
namespace {

using namespace testing;

ResolverOptions resolver_options() {
  return {.lookup_timeout = 5s,
          .max_depth = 4,
          .max_lookups = 32,
          .max_addresses = 100,
          .max_txt_records = 16,
          .max_answer_bytes = 4096,
          .max_pending = 8,
          .cache_entries = 64,
          .min_ttl = 1s,
          .max_ttl = 3600s,
          .negative_ttl = 30s,
          .resolution_delay = 50ms};
}

class ResolverTest : public ::testing::Test {
 protected:
  void TearDown() override {
    if (resolver_) run(resolver_->close());
    resolver_.reset();
    EXPECT_EQ(reactor_.armed_timers(), 0u);
  }
  Resolver& make(const ResolverOptions& options = resolver_options()) {
    std::map<std::string, std::unique_ptr<io::NameClient>> clients;
    for (const std::string& suffix : suffixes_)
      clients[suffix] = std::make_unique<TableClient>(table_, "for " + suffix);
    resolver_ = std::make_unique<Resolver>(reactor_, options, std::make_unique<TableClient>(table_, "system"),
                                           std::move(clients));
    return *resolver_;
  }
  void a(const std::string& name, const Texts& texts, Duration ttl = 60s) {
    table_.table.insert_or_assign({name, RecordType::A}, addresses(texts, ttl));
  }
  Resolution resolve(const Texts& given) { return run(resolver_->resolve(mas(given))); }
  template <typename T>
  T run(io::Task<T> task) {
    return io::run_task(reactor_, std::move(task));
  }
  void run(io::Task<void> task) { io::run_task(reactor_, std::move(task)); }
  void pass(Duration time) { reactor_.run_until(reactor_.now() + time); }
  io::Task<void> keep(Texts given, std::optional<Resolution>& into) { into = co_await resolver_->resolve(mas(given)); }

  io::SimReactor reactor_;
  TableClient::State table_{reactor_};
  Texts suffixes_;
  std::unique_ptr<Resolver> resolver_;
};

TEST_F(ResolverTest, answers_are_kept_for_their_time_to_live_and_then_asked_for_again) {
  make();
  a("x.example", {"1.2.3.4"}, 60s);
  EXPECT_FALSE(resolve({"/dns4/x.example/tcp/1"}).steps[0].cached);
  pass(59s);
  const Resolution again = resolve({"/dns4/x.example/tcp/1"});
  EXPECT_TRUE(again.steps[0].cached);
  EXPECT_EQ(again.steps[0].took, 0s);
  pass(2s);
  a("x.example", {"1.2.3.5"}, 60s);
  EXPECT_EQ(texts_of(resolve({"/dns4/x.example/tcp/1"}).addresses), (Texts{"/ip4/1.2.3.5/tcp/1"}));
  EXPECT_EQ(table_.asked.size(), 2u);
  EXPECT_EQ(resolver_->counters().of(RecordType::A).cached, 1u);
}

TEST_F(ResolverTest, no_such_name_is_kept_for_the_negative_time) {
  make();
  EXPECT_EQ(resolve({"/dns4/x.example/tcp/1"}).failures[0].error, ErrorCode::NameNotFound);
  a("x.example", {"1.2.3.4"});
  pass(29s);
  EXPECT_EQ(resolve({"/dns4/x.example/tcp/1"}).failures.size(), 1u);
  EXPECT_EQ(table_.asked.size(), 1u);
  pass(2s);
  EXPECT_EQ(resolve({"/dns4/x.example/tcp/1"}).addresses.size(), 1u);
}

TEST_F(ResolverTest, a_failed_server_is_asked_again_at_once) {
  make();
  table_.table.insert_or_assign({"x.example", RecordType::A},
                                fail(Error(ErrorCode::NameServerFailed, Op::Resolve, Origin::Network)));
  EXPECT_EQ(resolve({"/dns4/x.example/tcp/1"}).failures[0].error, ErrorCode::NameServerFailed);
  a("x.example", {"1.2.3.4"});
  EXPECT_EQ(resolve({"/dns4/x.example/tcp/1"}).addresses.size(), 1u);
}

TEST_F(ResolverTest, clearing_the_cache_asks_anew) {
  make();
  a("x.example", {"1.2.3.4"});
  resolve({"/dns4/x.example/tcp/1"});
  resolver_->clear_cache();
  resolve({"/dns4/x.example/tcp/1"});
  EXPECT_EQ(table_.asked.size(), 2u);
}

TEST_F(ResolverTest, the_same_question_at_the_same_time_is_asked_once) {
  make();
  a("x.example", {"1.2.3.4"});
  std::optional<Resolution> one, two;
  io::TaskGroup group(reactor_);
  group.spawn(keep({"/dns4/x.example/tcp/1", "/dns4/X.EXAMPLE/tcp/2"}, one));
  group.spawn(keep({"/dns4/x.example./tcp/3"}, two));
  run(group.join());
  EXPECT_EQ(one->addresses.size() + two->addresses.size(), 3u);
  EXPECT_EQ(table_.asked.size(), 1u);
  EXPECT_EQ(resolver_->counters().of(RecordType::A).joined, 2u);
}

TEST_F(ResolverTest, one_who_gives_up_leaves_the_lookup_to_the_others_and_to_the_cache) {
  make();
  a("x.example", {"1.2.3.4"});
  std::optional<Resolution> gone, stays;
  io::TaskGroup giving_up(reactor_), group(reactor_);
  giving_up.spawn(keep({"/dns4/x.example/tcp/1"}, gone));
  group.spawn(keep({"/dns4/x.example/tcp/1"}, stays));
  pass(10ms);
  run(giving_up.close());
  ASSERT_TRUE(gone);
  EXPECT_EQ(gone->failures.at(0).error, ErrorCode::Cancelled);
  EXPECT_EQ(gone->steps.at(0).server, "system");
  run(group.join());
  EXPECT_EQ(stays->addresses.size(), 1u);
  EXPECT_EQ(table_.cancelled, 0);
}

TEST_F(ResolverTest, a_lookup_that_all_gave_up_ends_and_is_kept) {
  make();
  a("x.example", {"1.2.3.4"});
  auto late = io::with_deadline(5ms, io::timeout_error(Op::Dial, "test"), resolver_->resolve(mas({"/dns4/x.example"})));
  EXPECT_EQ(run(std::move(late)).failures.at(0).error, ErrorCode::Timeout);
  pass(1s);
  EXPECT_TRUE(resolve({"/dns4/x.example/tcp/1"}).steps[0].cached);
}

TEST_F(ResolverTest, a_server_that_never_answers_is_named_when_the_deadline_passes) {
  make();
  table_.silent = true;
  const TimePoint start = reactor_.now();
  const Resolution found = resolve({"/dns4/x.example/tcp/1", "/ip4/1.1.1.1/tcp/1"});
  EXPECT_EQ(reactor_.now() - start, 5s);
  EXPECT_EQ(found.addresses.size(), 1u);
  EXPECT_EQ(found.failures.at(0).error, ErrorCode::Timeout);
  EXPECT_NE(found.failures[0].error.message().find("A x.example from system"), std::string::npos)
      << found.failures[0].error.message();
  EXPECT_EQ(table_.cancelled, 1);
}

TEST_F(ResolverTest, closing_ends_lookups_and_refuses_more) {
  make();
  table_.silent = true;
  std::optional<Resolution> waiting;
  io::TaskGroup group(reactor_);
  group.spawn(keep({"/dns4/x.example/tcp/1"}, waiting));
  pass(1s);
  run(resolver_->close());
  run(group.join());
  EXPECT_EQ(waiting->failures.at(0).error, ErrorCode::Closed);
  EXPECT_EQ(resolve({"/dns4/y.example/tcp/1"}).failures.at(0).error, ErrorCode::Closed);
}

TEST_F(ResolverTest, more_lookups_at_once_than_the_limit_are_refused) {
  make();
  Texts nine;
  for (int i = 0; i < 9; ++i) {
    a("x" + std::to_string(i) + ".example", {"1.2.3.4"});
    nine.push_back("/dns4/x" + std::to_string(i) + ".example/tcp/1");
  }
  const Resolution found = resolve(nine);
  EXPECT_EQ(found.addresses.size(), 8u);
  ASSERT_EQ(found.failures.size(), 1u);
  EXPECT_NE(found.failures[0].error.detail().find("dns.max_pending = 8"), std::string::npos);
  EXPECT_EQ(resolver_->counters().refused_pending, 1u);
}

TEST_F(ResolverTest, text_records_beyond_the_bytes_of_an_answer_are_dropped) {
  make();
  table_.table.insert_or_assign(
      {"_dnsaddr.x.example", RecordType::Txt},
      dnsaddrs({"/ip4/1.2.3.4/tcp/1", std::string(4050, 'a'), "/ip4/1.2.3.5/tcp/1", "/ip4/1.2.3.6/tcp/1"}));
  EXPECT_EQ(texts_of(resolve({"/dnsaddr/x.example"}).addresses), (Texts{"/ip4/1.2.3.4/tcp/1"}));
  EXPECT_EQ(resolver_->counters().dropped_records, 2u);
}

TEST_F(ResolverTest, the_longest_suffix_chooses_the_server_and_single_labels_stay_with_the_system) {
  suffixes_ = {".", "eth", "sub.eth"};
  make();
  const auto server = [&](const std::string& name) { return resolve({"/dns4/" + name + "/tcp/1"}).steps.at(0).server; };
  EXPECT_EQ(server("a.example"), "for .");
  EXPECT_EQ(server("a.eth"), "for eth");
  EXPECT_EQ(server("eth"), "system");
  EXPECT_EQ(server("a.sub.eth"), "for sub.eth");
  EXPECT_EQ(server("sub.eth"), "for sub.eth");
  EXPECT_EQ(server("xsub.eth"), "for eth");
  EXPECT_EQ(server("beth.example"), "for .");
  EXPECT_EQ(resolve({"/dnsaddr/a.sub.eth"}).steps.at(0).server, "for sub.eth");
}

TEST_F(ResolverTest, steps_say_what_was_asked_and_what_came_of_it) {
  make();
  table_.table.insert_or_assign({"_dnsaddr.x.example", RecordType::Txt},
                                dnsaddrs({"/dns4/y.example/tcp/1", "/ip4/1.2.3/tcp/1"}));
  const Resolution found = resolve({"/dnsaddr/x.example"});
  ASSERT_EQ(found.steps.size(), 2u);
  EXPECT_EQ(found.steps[0].question.to_string(), "TXT _dnsaddr.x.example");
  EXPECT_EQ(found.steps[0].took, 20ms);
  EXPECT_EQ(found.steps[0].records, 2u);
  EXPECT_EQ(found.steps[0].used, 1u);
  EXPECT_EQ(found.steps[1].error, ErrorCode::NameNotFound);
  EXPECT_EQ(found.failures.at(0).path.size(), 2u);
}

TEST(ResolverOverNetworks, any_lookup_may_fail) {
  const auto operations = io::fail_each_operation([](std::uint64_t n) {
    io::SimWorld world;
    io::World inner = world.add_host().world();
    world.set_txt("_dnsaddr.x.example", {"dnsaddr=/dns/y.example/tcp/1", "dnsaddr=/dnsaddr/z.example"});
    world.set_txt("_dnsaddr.z.example", {"dnsaddr=/ip4/9.9.9.9/tcp/1"});
    world.set_name("y.example", {*io::IpAddress::from_string("1.2.3.4"), *io::IpAddress::from_string("2001:db8::1")});
    io::FaultyNetwork faulty(inner.network, {.fail_at = n});
    Resolver resolver(inner.reactor, resolver_options(), faulty.make_name_client(io::NameClientOptions{}));
    const Resolution found = io::run_task(inner.reactor, resolver.resolve(mas({"/dnsaddr/x.example"})));
    io::run_task(inner.reactor, resolver.close());
    const std::size_t lost = !faulty.injected() ? 0 : n == 1 ? 3 : 1;
    EXPECT_EQ(found.addresses.size(), 3 - lost) << n;
    // One family of y.example is enough for it; every other name that fails is told.
    EXPECT_EQ(found.failures.size(), faulty.injected() && (n == 1 || n == 4) ? 1u : 0u) << n;
    return faulty.injected();
  });
  EXPECT_EQ(operations, 4u);
}

class PartsOfResolution : public ResolverTest {
 protected:
  using Seen = std::vector<std::pair<Duration, std::string>>;
  void records(const std::string& name, RecordType type, const Texts& texts, Duration delay) {
    table_.table.insert_or_assign({name, type}, addresses(texts));
    table_.delays[{name, type}] = delay;
  }
  /// When each address or failure was told.
  Seen watch(const Texts& given) {
    Seen seen;
    const TimePoint start = reactor_.now();
    const auto whole = run(resolver_->resolve(mas(given), [&](const Resolution& part) {
      for (const auto& each : part.addresses) seen.emplace_back(reactor_.now() - start, each.address.to_string());
      for (const auto& each : part.failures) seen.emplace_back(reactor_.now() - start, each.path.back().to_string());
    }));
    EXPECT_EQ(seen.size(), whole.addresses.size() + whole.failures.size()) << "each once, and all of them";
    return seen;
  }
};

TEST_F(PartsOfResolution, a_slow_name_holds_up_no_other) {
  make();
  records("fast.example", RecordType::A, {"1.2.3.4"}, 10ms);
  records("slow.example", RecordType::A, {"1.2.3.5"}, 2s);
  EXPECT_EQ(watch({"/dns4/slow.example/tcp/1", "/dns4/none.example/tcp/1", "/dns4/fast.example/tcp/1"}),
            (Seen{{10ms, "/ip4/1.2.3.4/tcp/1"}, {20ms, "/dns4/none.example/tcp/1"}, {2s, "/ip4/1.2.3.5/tcp/1"}}));
}

TEST_F(PartsOfResolution, both_families_are_asked_at_once_and_ipv4_waits_a_moment_for_ipv6) {
  make();
  records("x.example", RecordType::A, {"1.2.3.4"}, 10ms);
  records("x.example", RecordType::Aaaa, {"2600::1"}, 40ms);
  EXPECT_EQ(watch({"/dns/x.example/tcp/1"}), (Seen{{40ms, "/ip6/2600::1/tcp/1"}, {40ms, "/ip4/1.2.3.4/tcp/1"}}));
  records("y.example", RecordType::A, {"1.2.3.4"}, 10ms);
  records("y.example", RecordType::Aaaa, {"2600::1"}, 1s);
  EXPECT_EQ(watch({"/dns/y.example/tcp/1"}), (Seen{{60ms, "/ip4/1.2.3.4/tcp/1"}, {1s, "/ip6/2600::1/tcp/1"}}));
}

TEST_F(PartsOfResolution, ipv6_waits_for_nothing_and_ipv4_not_for_an_answer_that_there_is_none) {
  make();
  records("x.example", RecordType::A, {"1.2.3.4"}, 1s);
  records("x.example", RecordType::Aaaa, {"2600::1"}, 10ms);
  EXPECT_EQ(watch({"/dns/x.example/tcp/1"}), (Seen{{10ms, "/ip6/2600::1/tcp/1"}, {1s, "/ip4/1.2.3.4/tcp/1"}}));
  records("y.example", RecordType::A, {"1.2.3.4"}, 10ms);
  EXPECT_EQ(watch({"/dns/y.example/tcp/1"}), (Seen{{20ms, "/ip4/1.2.3.4/tcp/1"}})) << "no AAAA: known after 20 ms";
}

TEST_F(PartsOfResolution, a_name_fails_once_all_its_questions_have) {
  make();
  table_.delays[{"x.example", RecordType::Aaaa}] = 500ms;
  EXPECT_EQ(watch({"/dns/x.example/tcp/1"}), (Seen{{500ms, "/dns/x.example/tcp/1"}}));
}

}  // namespace
}  // namespace starling::names
