#include "names/expansion.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "names/names_testing.hpp"

namespace starling::names {
namespace {

using namespace testing;

const ExpansionLimits kLimits{.max_depth = 4, .max_lookups = 32, .max_addresses = 100, .max_txt_records = 16};

/// A table of records, and the expansion of addresses in it.
struct Zone {
  std::map<NameQuestion, Result<NameRecords>> table;
  std::size_t asked = 0;

  void a(const std::string& name, const Texts& texts) { table.insert({{name, RecordType::A}, addresses(texts)}); }
  void aaaa(const std::string& name, const Texts& texts) { table.insert({{name, RecordType::Aaaa}, addresses(texts)}); }
  void txt(const std::string& name, const Texts& texts) {
    table.insert({{"_dnsaddr." + name, RecordType::Txt}, dnsaddrs(texts)});
  }

  Resolution expand(const Texts& given, const ExpansionLimits& limits = kLimits, bool last_first = false) {
    Expansion expansion(mas(given), limits);
    std::deque<Expansion::Ask> open;
    while (true) {
      for (auto& ask : expansion.take_questions()) open.push_back(ask);
      if (open.empty()) break;
      const Expansion::Ask ask = last_first ? open.back() : open.front();
      last_first ? open.pop_back() : open.pop_front();
      ++asked;
      const auto found = table.find(ask.question);
      (void)expansion.answer(ask, found != table.end() ? found->second : fail(no_such_name(ask.question)));
    }
    EXPECT_TRUE(expansion.done());
    Resolution result;
    expansion.collect(result);
    dropped = expansion.dropped();
    return result;
  }
  std::size_t dropped = 0;
};

TEST(Expansion, an_address_without_a_name_is_its_own_result) {
  Zone zone;
  const Resolution found = zone.expand({"/ip4/1.2.3.4/tcp/1", "/ip6/::1/udp/2/quic-v1"});
  EXPECT_EQ(texts_of(found.addresses), (Texts{"/ip4/1.2.3.4/tcp/1", "/ip6/::1/udp/2/quic-v1"}));
  EXPECT_FALSE(found.addresses[0].was_name());
  EXPECT_EQ(zone.asked, 0u);
}

TEST(Expansion, dns_asks_for_both_families_dns4_and_dns6_for_one) {
  Zone zone;
  zone.a("x.example", {"1.2.3.4", "1.2.3.5"});
  zone.aaaa("x.example", {"2001:db8::1"});
  EXPECT_EQ(texts_of(zone.expand({"/dns/x.example/tcp/1"}).addresses),
            (Texts{"/ip4/1.2.3.4/tcp/1", "/ip4/1.2.3.5/tcp/1", "/ip6/2001:db8::1/tcp/1"}));
  EXPECT_EQ(zone.asked, 2u);
  EXPECT_EQ(texts_of(zone.expand({"/dns6/x.example/udp/1/quic-v1"}).addresses),
            (Texts{"/ip6/2001:db8::1/udp/1/quic-v1"}));
  EXPECT_EQ(zone.expand({"/dns4/x.example/tcp/1"}).addresses.size(), 2u);
  EXPECT_EQ(zone.asked, 4u);
}

TEST(Expansion, the_result_keeps_the_name_for_sni_and_the_way_it_came) {
  Zone zone;
  zone.a("x.example", {"1.2.3.4"});
  const Resolution found = zone.expand({"/dns4/X.Example./tcp/443/wss"});
  ASSERT_EQ(found.addresses.size(), 1u);
  EXPECT_EQ(found.addresses[0].host_name, "x.example");
  EXPECT_EQ(found.addresses[0].path, mas({"/dns4/X.Example./tcp/443/wss"}));
}

TEST(Expansion, one_family_is_enough_and_none_is_the_more_telling_error) {
  Zone zone;
  zone.aaaa("six.example", {"2001:db8::1"});
  const Resolution six = zone.expand({"/dns/six.example/tcp/1"});
  EXPECT_EQ(six.addresses.size(), 1u);
  EXPECT_TRUE(six.failures.empty());
  const NameQuestion a{"bad.example", RecordType::A}, aaaa{"bad.example", RecordType::Aaaa};
  zone.table.insert({a, fail(Error(ErrorCode::NoRecords, Op::Resolve, Origin::Network))});
  zone.table.insert({aaaa, fail(Error(ErrorCode::NameServerFailed, Op::Resolve, Origin::Network))});
  for (const bool last_first : {false, true}) {
    const Resolution bad = zone.expand({"/dns/bad.example/tcp/1"}, kLimits, last_first);
    ASSERT_EQ(bad.failures.size(), 1u);
    EXPECT_EQ(bad.failures[0].error, ErrorCode::NameServerFailed);
    EXPECT_EQ(bad.failures[0].path, mas({"/dns/bad.example/tcp/1"}));
  }
}

TEST(Expansion, dnsaddr_keeps_the_records_of_the_peer_asked_for) {
  Zone zone;
  const std::string one = std::string("/p2p/") + kPeer1, two = std::string("/p2p/") + kPeer2;
  zone.txt("boot.example", {"/ip4/1.2.3.4/tcp/1" + one, "/ip4/1.2.3.5/tcp/1" + two, "/ip4/1.2.3.6/tcp/1"});
  EXPECT_EQ(texts_of(zone.expand({"/dnsaddr/boot.example" + two}).addresses), (Texts{"/ip4/1.2.3.5/tcp/1" + two}));
  EXPECT_EQ(zone.expand({"/dnsaddr/boot.example"}).addresses.size(), 3u);
  const Resolution none = zone.expand({std::string("/dnsaddr/boot.example/p2p/") + kPeer3});
  ASSERT_EQ(none.failures.size(), 1u);
  EXPECT_EQ(none.failures[0].error, ErrorCode::NoRecords);
  EXPECT_NE(none.failures[0].error.message().find("none of the 3 records of TXT _dnsaddr.boot.example"),
            std::string::npos)
      << none.failures[0].error.message();
}

TEST(Expansion, a_relayed_address_matches_its_relay_and_keeps_what_follows) {
  Zone zone;
  const std::string relay = std::string("/p2p/") + kPeer1, target = std::string("/p2p/") + kPeer2;
  zone.txt("relay.example", {"/ip4/1.2.3.4/tcp/1" + relay, "/ip4/1.2.3.5/tcp/1" + target});
  EXPECT_EQ(texts_of(zone.expand({"/dnsaddr/relay.example" + relay + "/p2p-circuit" + target}).addresses),
            (Texts{"/ip4/1.2.3.4/tcp/1" + relay + "/p2p-circuit" + target}));
}

TEST(Expansion, dnsaddr_leads_on_through_names) {
  Zone zone;
  const std::string peer = std::string("/p2p/") + kPeer1;
  zone.txt("boot.example", {"/dnsaddr/sv1.boot.example" + peer});
  zone.txt("sv1.boot.example", {"/dns4/sv1.example/tcp/443/wss" + peer, "/ip4/9.9.9.9/udp/1/quic-v1" + peer});
  zone.a("sv1.example", {"1.2.3.4"});
  const Resolution found = zone.expand({"/dnsaddr/boot.example" + peer});
  EXPECT_EQ(texts_of(found.addresses), (Texts{"/ip4/1.2.3.4/tcp/443/wss" + peer, "/ip4/9.9.9.9/udp/1/quic-v1" + peer}));
  EXPECT_EQ(found.addresses[0].path, mas({"/dnsaddr/boot.example" + peer, "/dnsaddr/sv1.boot.example" + peer,
                                          "/dns4/sv1.example/tcp/443/wss" + peer}));
  EXPECT_EQ(found.addresses[0].host_name, "sv1.example");
  EXPECT_EQ(found.addresses[1].host_name, "");
}

TEST(Expansion, the_order_of_answers_does_not_matter) {
  Zone zone;
  zone.txt("a.example", {"/dns/b.example/tcp/1", "/dnsaddr/c.example", "/ip4/1.1.1.1/tcp/1"});
  zone.txt("c.example", {"/dns/b.example/tcp/2"});
  zone.a("b.example", {"1.2.3.4", "1.2.3.5"});
  zone.aaaa("b.example", {"2001:db8::1"});
  const Texts given{"/dnsaddr/a.example", "/dns/b.example/tcp/3"};
  const Texts first = texts_of(zone.expand(given).addresses);
  EXPECT_EQ(first.size(), 10u);
  EXPECT_EQ(texts_of(zone.expand(given, kLimits, /*last_first=*/true).addresses), first);
}

TEST(Expansion, records_that_are_malformed_or_for_others_are_passed_over) {
  Zone zone;
  zone.table.insert({{"_dnsaddr.x.example", RecordType::Txt},
                     NameRecords{.addresses = {},
                                 .texts = {"", "dnsaddr=", "dnsaddr=/ip4/1.2.3/tcp/1", "v=spf1 -all",
                                           "DNSADDR=/ip4/1.1.1.1", "dnsaddr= /ip4/1.1.1.1/tcp/1",
                                           std::string("dnsaddr=\0\xff", 10), "dnsaddr=/ip4/1.2.3.4/tcp/1"},
                                 .ttl = 1s}});
  EXPECT_EQ(texts_of(zone.expand({"/dnsaddr/x.example"}).addresses), (Texts{"/ip4/1.2.3.4/tcp/1"}));
}

TEST(Expansion, a_loop_is_named_and_does_not_cost_the_others) {
  Zone zone;
  zone.txt("a.example", {"/dnsaddr/b.example"});
  zone.txt("b.example", {"/dnsaddr/A.example", "/dnsaddr/b.example.", "/ip4/1.2.3.4/tcp/1"});
  const Resolution found = zone.expand({"/dnsaddr/a.example"});
  EXPECT_EQ(found.addresses.size(), 1u);
  ASSERT_EQ(found.failures.size(), 2u);
  EXPECT_EQ(found.failures[0].error, ErrorCode::NameLoop);
  EXPECT_EQ(found.failures[0].path.size(), 3u);
  EXPECT_EQ(found.failures[1].error, ErrorCode::NameLoop);
  EXPECT_EQ(zone.asked, 2u);
}

TEST(Expansion, the_deepest_dnsaddr_is_followed_and_one_deeper_is_not) {
  Zone zone;
  for (int i = 0; i < 9; ++i)
    zone.txt("n" + std::to_string(i) + ".example", {"/dnsaddr/n" + std::to_string(i + 1) + ".example"});
  zone.txt("n9.example", {"/ip4/1.2.3.4/tcp/1"});
  EXPECT_EQ(zone.expand({"/dnsaddr/n6.example"}).addresses.size(), 1u);  // 6, 7, 8, 9
  const Resolution deep = zone.expand({"/dnsaddr/n5.example"});
  ASSERT_EQ(deep.failures.size(), 1u);
  EXPECT_EQ(deep.failures[0].error, ErrorCode::LimitExceeded);
  EXPECT_NE(deep.failures[0].error.detail().find("dns.max_depth = 4"), std::string::npos);
  EXPECT_EQ(deep.failures[0].path.back(), ma("/dnsaddr/n9.example"));
}

TEST(Expansion, of_the_records_that_fit_no_more_than_the_limit_are_used) {
  Zone zone;
  const std::string one = std::string("/p2p/") + kPeer1, two = std::string("/p2p/") + kPeer2;
  Texts texts;
  for (int i = 0; i < 40; ++i) texts.push_back("/ip4/1.2.3." + std::to_string(i) + "/tcp/1" + (i < 20 ? one : two));
  zone.txt("x.example", texts);
  const Resolution found = zone.expand({"/dnsaddr/x.example" + two});
  ASSERT_EQ(found.addresses.size(), 16u);
  EXPECT_EQ(found.addresses[0].address, ma("/ip4/1.2.3.20/tcp/1" + two));
  EXPECT_EQ(zone.dropped, 4u);
}

TEST(Expansion, a_tree_that_grows_with_each_answer_ends_at_the_number_of_lookups) {
  Zone zone;
  const std::string level[] = {"a", "b", "c", "d"};
  for (int depth = 0; depth < 3; ++depth) {
    Texts texts;
    for (int i = 0; i < 16; ++i)
      texts.push_back("/dnsaddr/" + level[depth + 1] + ".example/tcp/" + std::to_string(i + 1));
    zone.table.insert({{"_dnsaddr." + level[depth] + ".example", RecordType::Txt}, dnsaddrs(texts)});
  }
  const Resolution found = zone.expand({"/dnsaddr/a.example"});
  EXPECT_LE(zone.asked, 32u);
  EXPECT_TRUE(found.addresses.empty());
  EXPECT_LE(found.failures.size(), 40u);
}

TEST(Expansion, more_addresses_than_the_limit_are_left_out) {
  Zone zone;
  Texts many;
  for (int i = 0; i < 200; ++i) many.push_back("1.2.3." + std::to_string(i));
  zone.a("x.example", many);
  EXPECT_EQ(zone.expand({"/dns4/x.example/tcp/1", "/dns4/x.example/tcp/2"}).addresses.size(), 100u);
  EXPECT_EQ(zone.dropped, 300u);
}

TEST(Expansion, lookups_beyond_the_limit_are_refused_by_name) {
  Zone zone;
  zone.a("x.example", {"1.2.3.4"});
  const ExpansionLimits two{.max_depth = 4, .max_lookups = 2, .max_addresses = 9, .max_txt_records = 9};
  const Resolution found =
      zone.expand({"/dns4/x.example/tcp/1", "/dns4/x.example/tcp/2", "/dns4/x.example/tcp/3"}, two);
  EXPECT_EQ(found.addresses.size(), 2u);
  ASSERT_EQ(found.failures.size(), 1u);
  EXPECT_NE(found.failures[0].error.detail().find("dns.max_lookups = 2"), std::string::npos);
}

TEST(Expansion, stopping_fails_what_nobody_asked_yet) {
  Expansion expansion(mas({"/dns4/x.example/tcp/1"}), kLimits);
  expansion.stop(Error(ErrorCode::Cancelled, Op::Resolve, Origin::Cancelled));
  EXPECT_TRUE(expansion.done());
  Resolution result;
  expansion.collect(result);
  ASSERT_EQ(result.failures.size(), 1u);
  EXPECT_EQ(result.failures[0].error, ErrorCode::Cancelled);
}

TEST(Expansion, an_address_that_would_be_too_long_with_its_tail_matches_nothing) {
  std::string relayed = std::string("/p2p/") + kPeer1 + "/p2p-circuit";
  for (int i = 0; i < 1300; ++i) relayed += "/tcp/1";
  const Multiaddr tail = ma(relayed);
  const Multiaddr record = ma("/dns/" + std::string(250, 'b') + "/p2p/" + kPeer1);
  EXPECT_FALSE(match_dnsaddr(record, tail));
}

}  // namespace
}  // namespace starling::names
