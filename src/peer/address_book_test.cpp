#include "starling/peer/address_book.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "peer/address_book_testing.hpp"

namespace starling::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr TimePoint kStart{Duration(1'000'000'000)};

std::vector<Multiaddr> some(std::uint32_t from, std::uint32_t count) {
  std::vector<Multiaddr> addresses;
  for (std::uint32_t i = 0; i < count; ++i) addresses.push_back(book_address(from + i));
  return addresses;
}

class AddressBookTest : public ::testing::Test {
 protected:
  std::vector<Multiaddr> known(const PeerId& peer, AddressFilter filter = AddressFilter::All) {
    std::vector<Multiaddr> addresses;
    for (const KnownAddress& entry : book_.addresses(peer, filter, now_)) addresses.push_back(entry.address);
    return addresses;
  }
  KnownAddress entry(const PeerId& peer, const Multiaddr& address) {
    for (const KnownAddress& each : book_.addresses(peer, AddressFilter::All, now_))
      if (each.address == address) return each;
    ADD_FAILURE() << address.to_string() << " is not known";
    return {};
  }
  void hear(const PeerId& peer, std::vector<Multiaddr> addresses, AddressLife life = AddressLife::Normal) {
    book_.add(peer, addresses, AddressSource::Dht, life, now_);
  }

  AddressBook book_{book_options()};
  TimePoint now_ = kStart;
  PeerId alice_ = book_peer(1), bob_ = book_peer(2);
};

TEST_F(AddressBookTest, each_life_ends_at_its_time) {
  book_.connected(bob_);
  hear(alice_, {book_address(1)}, AddressLife::Temporary);
  hear(alice_, {book_address(2)}, AddressLife::Normal);
  hear(alice_, {book_address(3)}, AddressLife::RecentlyConnected);
  hear(alice_, {book_address(4)}, AddressLife::Permanent);
  hear(bob_, {book_address(5)}, AddressLife::Connected);
  EXPECT_EQ(book_.next_expiry(), now_ + 2min);
  now_ += 2min;
  EXPECT_THAT(known(alice_), UnorderedElementsAre(book_address(2), book_address(3), book_address(4)))
      << "gone at its time, also before expire()";
  book_.expire(now_);
  EXPECT_EQ(book_.address_count(), 4u);
  EXPECT_EQ(book_.next_expiry(), kStart + 15min);
  now_ = kStart + 60min;
  book_.expire(now_);
  EXPECT_THAT(known(alice_), ElementsAre(book_address(4)));
  EXPECT_THAT(known(bob_), ElementsAre(book_address(5)));
  EXPECT_EQ(book_.next_expiry(), kNever);
  EXPECT_EQ(book_.counters().expired, 3u);
}

TEST_F(AddressBookTest, life_is_prolonged_and_never_shortened) {
  hear(alice_, {book_address(1)}, AddressLife::Normal);
  hear(alice_, {book_address(1)}, AddressLife::Temporary);
  EXPECT_EQ(entry(alice_, book_address(1)).expires, kStart + 60min);
  now_ += 10min;
  hear(alice_, {book_address(1)}, AddressLife::Normal);
  EXPECT_EQ(entry(alice_, book_address(1)).expires, kStart + 70min);
  EXPECT_EQ(book_.address_count(), 1u);
}

TEST_F(AddressBookTest, disconnecting_starts_the_recently_connected_time_and_keeps_a_few_addresses) {
  book_.connected(alice_);
  book_.add(alice_, some(0, 20), AddressSource::Identify, AddressLife::Connected, now_);
  EXPECT_EQ(known(alice_).size(), 16u) << "max_addresses_connected";
  book_.dial_succeeded(alice_, book_address(7), now_);
  now_ += 600min;
  book_.expire(now_);
  EXPECT_EQ(known(alice_).size(), 16u);
  book_.disconnected(alice_, now_);
  EXPECT_EQ(known(alice_).size(), 4u) << "max_addresses_after_disconnect";
  EXPECT_EQ(known(alice_).front(), book_address(7)) << "the proven one stays, and comes first";
  now_ += 15min;
  book_.expire(now_);
  EXPECT_EQ(book_.peer_count(), 0u);
  EXPECT_EQ(book_.address_count(), 0u);
}

TEST_F(AddressBookTest, what_a_peer_that_has_left_says_late_is_not_kept_as_connected) {
  book_.add(alice_, some(0, 1), AddressSource::Identify, AddressLife::Connected, now_);
  EXPECT_EQ(entry(alice_, book_address(0)).life, AddressLife::RecentlyConnected);
  EXPECT_EQ(book_.next_expiry(), now_ + 15min);
}

TEST_F(AddressBookTest, unusable_addresses_are_refused_and_counted) {
  const auto address = [](std::string_view text) { return Multiaddr::from_string(text).value(); };
  const std::string other = bob_.to_string();
  hear(alice_,
       {Multiaddr(), address("/ip4/0.0.0.0/tcp/4001"), address("/ip6/::/tcp/1"), address("/ip4/1.2.3.4/udp/0")});
  EXPECT_EQ(book_.counters().refused_unusable, 4u);
  hear(alice_, {address("/dns4/" + std::string(60, 'a') + "." + std::string(40, 'b') + ".example/tcp/1")});
  EXPECT_EQ(book_.counters().refused_too_long, 1u);
  hear(alice_, {address("/ip4/1.2.3.4/tcp/1/p2p/" + other)});
  EXPECT_EQ(book_.counters().refused_other_peer, 1u);
  EXPECT_EQ(book_.peer_count(), 0u) << "nothing usable leaves no trace";
}

TEST_F(AddressBookTest, an_address_of_exactly_the_longest_size_is_taken) {
  const Multiaddr longest = Multiaddr::from_string("/dns4/" + std::string(60, 'a') + ".example/tcp/1").value();
  AddressBookOptions options = book_options();
  options.max_address_bytes = longest.bytes().size();
  AddressBook book(options);
  book.add(alice_, {{longest}}, AddressSource::Dht, AddressLife::Normal, now_);
  EXPECT_EQ(book.address_count(), 1u);
}

TEST_F(AddressBookTest, the_peers_own_id_at_the_end_does_not_make_another_address_and_a_relays_id_stays) {
  const Multiaddr plain = book_address(1);
  hear(alice_, {plain, plain.with(Protocol::P2p, alice_.bytes())});
  EXPECT_THAT(known(alice_), ElementsAre(plain));
  const Multiaddr relayed = plain.with(Protocol::P2p, bob_.bytes()).with(Protocol::P2pCircuit);
  hear(alice_, {relayed.with(Protocol::P2p, alice_.bytes())});
  EXPECT_THAT(known(alice_), UnorderedElementsAre(plain, relayed));
}

TEST_F(AddressBookTest, only_what_is_certified_or_proven_is_handed_to_others) {
  const crypto::PrivateKey key = book_key(3);
  const PeerId carol = PeerId::from_public_key(key.public_key());
  hear(carol, some(10, 3));
  EXPECT_THAT(known(carol, AddressFilter::Shareable), IsEmpty());
  ASSERT_TRUE(book_.add_record(book_record(key, 1, some(10, 1)), AddressLife::Normal, now_));
  book_.dial_succeeded(carol, book_address(11), now_);
  EXPECT_THAT(known(carol, AddressFilter::Shareable), UnorderedElementsAre(book_address(10), book_address(11)));
  book_.dial_failed(carol, book_address(11), now_);
  EXPECT_THAT(known(carol, AddressFilter::Shareable), ElementsAre(book_address(10))) << "proven is until it fails";
  for (int i = 0; i < 3; ++i) book_.dial_failed(carol, book_address(10), now_);
  EXPECT_THAT(known(carol, AddressFilter::Shareable), IsEmpty()) << "signed, and known to be dead";
  book_.dial_succeeded(carol, book_address(10), now_);
  EXPECT_THAT(known(carol, AddressFilter::Shareable), ElementsAre(book_address(10)));
}

TEST_F(AddressBookTest, the_newest_record_wins_and_replaces_what_the_peer_named_before) {
  const crypto::PrivateKey key = book_key(3);
  const PeerId carol = PeerId::from_public_key(key.public_key());
  hear(carol, {book_address(2)});
  ASSERT_TRUE(book_.add_record(book_record(key, 5, some(1, 2)), AddressLife::Normal, now_));
  EXPECT_FALSE(book_.add_record(book_record(key, 4, some(7, 1)), AddressLife::Normal, now_));
  EXPECT_FALSE(book_.add_record(book_record(key, 5, some(7, 1)), AddressLife::Normal, now_)) << "two of one number";
  EXPECT_EQ(book_.counters().records_stale, 2u);
  EXPECT_THAT(known(carol), UnorderedElementsAre(book_address(1), book_address(2)));
  ASSERT_TRUE(book_.add_record(book_record(key, 6, some(3, 1)), AddressLife::Normal, now_));
  EXPECT_THAT(known(carol), UnorderedElementsAre(book_address(2), book_address(3)));
  EXPECT_FALSE(entry(carol, book_address(2)).certified) << "known from the DHT only, now";
  EXPECT_TRUE(entry(carol, book_address(3)).certified);
  EXPECT_EQ(book_.find(carol, now_)->record_sequence, 6u);
}

TEST_F(AddressBookTest, a_repeated_record_prolongs_its_addresses) {
  const crypto::PrivateKey key = book_key(3);
  const CertifiedRecord record = book_record(key, 5, some(1, 1));
  ASSERT_TRUE(book_.add_record(record, AddressLife::Normal, now_));
  now_ += 30min;
  EXPECT_TRUE(book_.add_record(record, AddressLife::Normal, now_));
  EXPECT_EQ(entry(record.record().peer, book_address(1)).expires, kStart + 90min);
}

TEST(CertifiedRecordTest, a_record_signed_by_somebody_else_is_none) {
  const crypto::PrivateKey mallory = book_key(9);
  const PeerRecord lie{book_peer(1), 1, some(1, 1)};
  const auto envelope = SignedEnvelope::seal(mallory, "libp2p-peer-record", as_bytes("\x03\x01"), lie.to_protobuf());
  const auto opened = CertifiedRecord::open(envelope->to_protobuf());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error(), ErrorCode::BadSignature);
  EXPECT_FALSE(CertifiedRecord::from_verified(envelope->to_protobuf()));
}

TEST_F(AddressBookTest, identify_replaces_what_identify_said_before) {
  book_.add(alice_, some(1, 3), AddressSource::Identify, AddressLife::Normal, now_);
  hear(alice_, {book_address(1)});
  book_.add(alice_, some(3, 2), AddressSource::Identify, AddressLife::Normal, now_);
  EXPECT_THAT(known(alice_), UnorderedElementsAre(book_address(1), book_address(3), book_address(4)));
  EXPECT_EQ(book_.counters().withdrawn, 1u);
}

TEST_F(AddressBookTest, hearsay_about_a_full_peer_displaces_nothing_and_what_failed_makes_room) {
  book_.add(alice_, some(0, 8), AddressSource::Dht, AddressLife::Normal, now_);
  book_.add(alice_, some(100, 50), AddressSource::Dht, AddressLife::Normal, now_);
  EXPECT_EQ(known(alice_), some(0, 8)) << "max_addresses_per_peer";
  EXPECT_EQ(book_.counters().evicted_of_peer, 50u);
  book_.dial_failed(alice_, book_address(3), now_);
  hear(alice_, {book_address(100)});
  EXPECT_THAT(known(alice_), ::testing::Contains(book_address(100)));
  EXPECT_THAT(known(alice_), ::testing::Not(::testing::Contains(book_address(3))));
  book_.add(alice_, some(200, 1), AddressSource::User, AddressLife::Permanent, now_);
  EXPECT_THAT(known(alice_), ::testing::Contains(book_address(200))) << "better sources get in";
}

TEST_F(AddressBookTest, a_flood_of_hearsay_costs_only_hearsay) {
  const crypto::PrivateKey key = book_key(3);
  const PeerId carol = PeerId::from_public_key(key.public_key()), dave = book_peer(5), user = book_peer(6);
  ASSERT_TRUE(book_.add_record(book_record(key, 1, some(1, 2)), AddressLife::Normal, now_));
  book_.dial_succeeded(dave, book_address(20), now_);
  book_.add(user, some(30, 1), AddressSource::User, AddressLife::Permanent, now_);
  book_.connected(alice_);
  book_.add(alice_, some(40, 4), AddressSource::Identify, AddressLife::Connected, now_);
  for (std::uint32_t i = 0; i < 1000; ++i) {
    hear(book_peer(1000 + i), some(1000 + 2 * i, 2));
    ASSERT_LE(book_.address_count(), 100u);
  }
  EXPECT_EQ(book_.address_count(), 100u);
  EXPECT_EQ(book_.counters().evicted_in_all, 2000u + 8 - 100);
  EXPECT_EQ(known(carol).size(), 2u);
  EXPECT_EQ(known(dave).size(), 1u);
  EXPECT_EQ(known(user).size(), 1u);
  EXPECT_EQ(known(alice_).size(), 4u);
  EXPECT_EQ(known(book_peer(1999)).size(), 2u) << "new hearsay takes the place of old";
}

TEST_F(AddressBookTest, the_bytes_of_all_addresses_are_bounded_too) {
  AddressBookOptions options = book_options();
  options.max_addresses_bytes = 10 * book_address(0).bytes().size();
  AddressBook book(options);
  for (std::uint32_t i = 0; i < 50; ++i)
    book.add(book_peer(i), some(i, 1), AddressSource::Dht, AddressLife::Normal, now_);
  EXPECT_EQ(book.address_count(), 10u);
  EXPECT_EQ(book.address_bytes(), options.max_addresses_bytes);
}

TEST_F(AddressBookTest, connected_peers_keep_a_few_addresses_and_their_surplus_makes_room) {
  for (std::uint64_t i = 0; i < 10; ++i) {
    book_.connected(book_peer(i));
    book_.add(book_peer(i), some(std::uint32_t(100 * i), 16), AddressSource::Identify, AddressLife::Connected, now_);
  }
  EXPECT_EQ(book_.address_count(), 100u);
  for (std::uint64_t i = 0; i < 10; ++i) EXPECT_GE(known(book_peer(i)).size(), 4u) << i;
}

TEST_F(AddressBookTest, a_book_full_of_what_is_held_refuses) {
  for (std::uint32_t i = 0; i < 25; ++i)
    book_.add(book_peer(i), some(10 * i, 4), AddressSource::User, AddressLife::Permanent, now_);
  hear(book_peer(99), some(5000, 2));
  EXPECT_EQ(book_.address_count(), 100u);
  EXPECT_THAT(known(book_peer(99)), IsEmpty());
  EXPECT_EQ(book_.peer_count(), 25u);
  book_.add(book_peer(98), some(6000, 2), AddressSource::User, AddressLife::Permanent, now_);
  EXPECT_THAT(known(book_peer(98)), IsEmpty());
  EXPECT_EQ(book_.counters().refused_full, 2u);
}

TEST_F(AddressBookTest, records_are_bounded_by_number_and_by_bytes_and_the_addresses_stay_uncertified) {
  std::vector<PeerId> peers;
  for (std::uint64_t i = 0; i < 12; ++i) {
    const crypto::PrivateKey key = book_key(100 + i);
    peers.push_back(PeerId::from_public_key(key.public_key()));
    ASSERT_TRUE(book_.add_record(book_record(key, 1, some(std::uint32_t(i), 1)), AddressLife::Normal, now_));
  }
  EXPECT_EQ(book_.record_count(), 10u) << "max_records";
  EXPECT_EQ(book_.counters().records_evicted, 2u);
  EXPECT_EQ(known(peers[0]).size(), 1u);
  EXPECT_FALSE(book_.addresses(peers[0], AddressFilter::All, now_)[0].certified);
  EXPECT_TRUE(book_.record(peers[0]).empty());
  EXPECT_FALSE(book_.record(peers[11]).empty());

  AddressBookOptions options = book_options();
  options.max_record_bytes = 3 * book_record(book_key(1), 1, some(1, 1)).envelope().size();
  AddressBook book(options);
  for (std::uint64_t i = 0; i < 5; ++i)
    ASSERT_TRUE(book.add_record(book_record(book_key(i), 1, some(1, 1)), AddressLife::Normal, now_));
  EXPECT_EQ(book.record_count(), 3u);
  EXPECT_EQ(book.record_bytes(), options.max_record_bytes);
}

TEST_F(AddressBookTest, facts_are_bounded_per_peer_in_all_and_after_the_peer_left) {
  book_.connected(alice_);
  book_.set_facts(alice_, {"agent", "protocol", std::vector<std::string>(9, "/a/1")});
  EXPECT_EQ(book_.find(alice_, now_)->facts.protocols.size(), 5u) << "max_protocols_per_peer";
  book_.set_facts(alice_, {std::string(5000, 'a'), "", {}});
  EXPECT_EQ(book_.counters().facts_refused, 1u);
  EXPECT_EQ(book_.facts_bytes(), 0u);
  hear(alice_, {book_address(1)});
  book_.set_facts(alice_, {std::string(300, 'a'), "", {}});
  book_.disconnected(alice_, now_);
  EXPECT_EQ(book_.facts_bytes(), 0u) << "above max_facts_bytes_offline";
  book_.set_facts(alice_, {std::string(200, 'a'), "", {}});
  EXPECT_EQ(book_.facts_bytes(), 200u);
  book_.set_facts(bob_, {"agent", "", {}});
  EXPECT_EQ(book_.peer_count(), 1u) << "of nobody we know";
}

TEST_F(AddressBookTest, an_address_where_somebody_else_answered_goes) {
  hear(alice_, some(1, 2));
  book_.wrong_peer(alice_, book_address(1));
  EXPECT_THAT(known(alice_), ElementsAre(book_address(2)));
  book_.wrong_peer(alice_, book_address(2));
  EXPECT_EQ(book_.peer_count(), 0u);
}

TEST_F(AddressBookTest, a_forgotten_peer_is_gone_unless_it_is_connected) {
  hear(alice_, some(1, 2));
  book_.connected(bob_);
  hear(bob_, some(5, 2));
  book_.forget(alice_);
  book_.forget(bob_);
  EXPECT_EQ(book_.address_count(), 0u);
  EXPECT_EQ(book_.peers(10), std::vector{bob_});
}

// Whatever happens in whatever order: every bound holds, and the totals are the sums of the parts.
TEST(AddressBookRandomTest, bounds_hold_and_totals_add_up) {
  std::vector<crypto::PrivateKey> keys;
  std::vector<PeerId> peers;
  for (std::uint64_t i = 0; i < 40; ++i) {
    keys.push_back(book_key(i));
    peers.push_back(PeerId::from_public_key(keys.back().public_key()));
  }
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const auto random = seeded_random(seed);
    AddressBook book(book_options());
    TimePoint now = kStart;
    for (int step = 0; step < 3000; ++step) {
      const std::size_t who = random->below(keys.size());
      const PeerId& peer = peers[who];
      const auto addresses = some(std::uint32_t(random->below(60)), std::uint32_t(random->below(25)));
      switch (random->below(11)) {
        case 0:
          book.connected(peer);
          break;
        case 1:
          book.disconnected(peer, now);
          break;
        case 2:
          book.dial_succeeded(peer, book_address(std::uint32_t(random->below(60))), now);
          break;
        case 3:
          book.dial_failed(peer, book_address(std::uint32_t(random->below(60))), now);
          break;
        case 4:
          (void)book.add_record(book_record(keys[who], random->below(20), addresses), AddressLife::Normal, now);
          break;
        case 5:
          book.set_facts(peer, {std::string(random->below(400), 'x'), "", {}});
          break;
        case 6:
          now += Duration(random->below(std::uint64_t(Duration(5min).count())));
          book.expire(now);
          break;
        case 7:
          random->below(2) == 0 ? book.forget(peer) : book.wrong_peer(peer, book_address(3));
          break;
        case 8:
          book.add(peer, addresses, AddressSource::Identify, AddressLife::Connected, now);
          break;
        case 9:
          (void)book.take_changes(random->below(5), {});
          break;
        default:
          book.add(peer, addresses, random->below(20) == 0 ? AddressSource::User : AddressSource::Dht,
                   random->below(20) == 0 ? AddressLife::Permanent : AddressLife(random->below(2)), now);
      }
      const AddressBookOptions& options = book.options();
      ASSERT_LE(book.address_count(), options.max_addresses);
      ASSERT_LE(book.record_count(), options.max_records);
      ASSERT_LE(book.record_bytes(), options.max_record_bytes);
      ASSERT_LE(book.facts_bytes(), options.max_facts_bytes);
      std::size_t count = 0, bytes = 0, records = 0, record_bytes = 0, facts = 0;
      for (const PeerId& id : book.peers(SIZE_MAX)) {
        const KnownPeer all = *book.find(id, TimePoint::min());
        ASSERT_LE(all.addresses.size(),
                  all.connected ? options.max_addresses_connected : options.max_addresses_per_peer);
        ASSERT_TRUE(all.connected || !all.addresses.empty()) << "a peer of which nothing is known";
        count += all.addresses.size();
        for (const KnownAddress& entry : all.addresses) {
          bytes += entry.address.bytes().size();
          ASSERT_TRUE(!entry.certified || all.record_sequence);
        }
        records += all.record_sequence.has_value();
        record_bytes += book.record(id).size();
        facts += all.facts.bytes();
      }
      ASSERT_EQ(count, book.address_count());
      ASSERT_EQ(bytes, book.address_bytes());
      ASSERT_EQ(records, book.record_count());
      ASSERT_EQ(record_bytes, book.record_bytes());
      ASSERT_EQ(facts, book.facts_bytes());
    }
  }
}

}  // namespace
}  // namespace starling::testing
