// The book and its rows: what is kept, what comes back, and what a broken disk may say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "peer/address_book_testing.hpp"

namespace starling::testing {
namespace {

constexpr TimePoint kStart{Duration(5'000'000'000)};
constexpr CalendarOffset kCalendar{1'700'000'000'000'000'000};

// A later run of the node: its clock starts anew.
constexpr TimePoint kLater{Duration(1'000'000'000)};
CalendarOffset later_by(Duration time) {
  return {kCalendar.unix_ns_at_zero + (kStart - kLater).count() + time.count()};
}

class AddressRowsTest : public ::testing::Test {
 protected:
  void save() {
    while (book_.has_changes()) ASSERT_TRUE(store_.write(book_.take_changes(2, kCalendar)));
  }
  AddressBook& reloaded(Duration after) {
    AddressBook& book = reloaded_.emplace(book_options());
    const auto rows = store_.load(SIZE_MAX);
    for (const StoredPeer& row : *rows) book.restore(row, later_by(after), kLater);
    return book;
  }

  AddressBook book_{book_options()};
  std::optional<AddressBook> reloaded_;
  MemoryAddressStore store_;
  crypto::PrivateKey key_ = book_key(3);
  PeerId carol_ = PeerId::from_public_key(key_.public_key()), dave_ = book_peer(5), eve_ = book_peer(6);
};

TEST_F(AddressRowsTest, what_is_worth_keeping_comes_back_with_its_times) {
  ASSERT_TRUE(book_.add_record(book_record(key_, 7, {book_address(1)}), AddressLife::Normal, kStart));
  book_.set_facts(carol_, {"agent/1", "p/1", {"/a", "/b"}});
  book_.dial_succeeded(dave_, book_address(2), kStart);
  book_.dial_failed(dave_, book_address(2), kStart + 1s);
  book_.add(eve_, {{book_address(3)}}, AddressSource::Dht, AddressLife::Normal, kStart);
  save();
  EXPECT_EQ(store_.size(), 2u) << "hearsay is not written";

  const AddressBook& book = reloaded(10min);
  const KnownPeer carol = book.find(carol_, kLater).value();
  EXPECT_EQ(carol.record_sequence, 7u);
  EXPECT_EQ(carol.facts, (PeerFacts{"agent/1", "p/1", {"/a", "/b"}}));
  EXPECT_TRUE(carol.addresses[0].certified);
  EXPECT_EQ(carol.addresses[0].expires, kLater + 50min);
  EXPECT_TRUE(equal(book.record(carol_), book_.record(carol_)));
  const KnownPeer dave = book.find(dave_, kLater).value();
  EXPECT_EQ(dave.addresses[0].failures, 1u);
  EXPECT_EQ(dave.addresses[0].last_success, kLater - 10min);
  EXPECT_FALSE(book.has_changes()) << "the disk has it already";
}

TEST_F(AddressRowsTest, what_expired_meanwhile_stays_away_and_its_row_is_removed) {
  ASSERT_TRUE(book_.add_record(book_record(key_, 7, {book_address(1)}), AddressLife::Normal, kStart));
  save();
  AddressBook& book = reloaded(60min);
  EXPECT_EQ(book.peer_count(), 0u);
  const auto rows = book.take_changes(9, later_by(60min));
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].peer, carol_);
  EXPECT_TRUE(rows[0].addresses.empty());
}

TEST_F(AddressRowsTest, whoever_was_connected_when_we_stopped_was_recently_connected_when_we_start) {
  book_.connected(dave_);
  book_.dial_succeeded(dave_, book_address(2), kStart);
  book_.add(eve_, {{book_address(3)}}, AddressSource::User, AddressLife::Permanent, kStart);
  save();
  const AddressBook& book = reloaded(60min * 24 * 30);
  EXPECT_EQ(book.find(dave_, kLater)->addresses[0].life, AddressLife::RecentlyConnected);
  EXPECT_EQ(book.find(dave_, kLater)->addresses[0].expires, kLater + 15min);
  EXPECT_FALSE(book.find(dave_, kLater)->connected);
  EXPECT_EQ(book.find(eve_, kLater)->addresses[0].life, AddressLife::Permanent);
}

TEST_F(AddressRowsTest, rows_follow_removals_and_a_return) {
  book_.dial_succeeded(dave_, book_address(2), kStart);
  save();
  EXPECT_EQ(store_.size(), 1u);
  book_.forget(dave_);
  book_.dial_succeeded(dave_, book_address(4), kStart);
  save();
  EXPECT_EQ(reloaded(0s).find(dave_, kLater)->addresses[0].address, book_address(4));
  book_.forget(dave_);
  save();
  EXPECT_EQ(store_.size(), 0u);
}

TEST_F(AddressRowsTest, the_bounds_hold_for_what_comes_back) {
  StoredPeer row;
  row.peer = dave_;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    AddressSources sources;
    sources.add(AddressSource::Identify);
    row.addresses.push_back({book_address(i), sources, AddressLife::Permanent});
  }
  row.facts.agent_version = std::string(100'000, 'a');
  AddressBook book(book_options());
  book.restore(row, kCalendar, kStart);
  EXPECT_EQ(book.address_count(), 8u);
  EXPECT_EQ(book.facts_bytes(), 0u);
}

TEST_F(AddressRowsTest, a_row_whose_record_is_another_peers_is_refused) {
  StoredPeer row;
  row.peer = dave_;
  AddressSources sources;
  sources.add(AddressSource::Record);
  row.addresses.push_back({book_address(1), sources, AddressLife::Permanent});
  row.record = to_vector(book_record(key_, 1, {book_address(1)}).envelope());
  AddressBook book(book_options());
  book.restore(row, kCalendar, kStart);
  EXPECT_EQ(book.peer_count(), 0u);
  EXPECT_EQ(book.counters().rows_refused, 1u);
}

TEST(StoredPeerTest, a_row_comes_back_as_it_was_and_broken_bytes_are_errors) {
  AddressSources sources;
  sources.add(AddressSource::User);
  sources.add(AddressSource::Dht);
  const StoredPeer row{book_peer(1),
                       {{book_address(1), sources, AddressLife::Normal, 1'700'000'000, 1, 2, 3},
                        {book_address(2), sources, AddressLife::Permanent}},
                       to_vector(as_bytes("envelope")),
                       {"agent", "version", {"/a", "/b"}}};
  const ByteVector value = encode_stored_peer(row);
  EXPECT_EQ(decode_stored_peer(row.peer, value).value(), row);
  EXPECT_EQ(row.addresses[0].sources.to_string(), "user,dht");
  for (std::size_t size = 1; size < value.size(); ++size) (void)decode_stored_peer(row.peer, Bytes(value).first(size));
  EXPECT_FALSE(decode_stored_peer(row.peer, Bytes(value).first(3)));
  EXPECT_FALSE(decode_stored_peer(row.peer, ByteVector(kMaxStoredPeerBytes + 1)));
}

}  // namespace
}  // namespace starling::testing
