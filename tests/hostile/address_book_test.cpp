// Peers that pour addresses into the book: over identify pushes, one after the other and with every push new ones.
#include "hostile/arena.hpp"
#include "starling/multiformats/varint.hpp"

namespace starling::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBudget = 12u << 20;
constexpr int kAttackers = 30, kPushes = 10, kAddressesPerPush = 90;

runtime::Options small_book() {
  runtime::Options options = victim_options();
  options.address_book.max_addresses = 1000;
  return options;
}

ByteVector push_of_new_addresses(std::uint32_t& next) {
  host::IdentifyInfo info;
  for (int i = 0; i < kAddressesPerPush; ++i, ++next)
    info.listen_addresses.push_back(transport::tcp_multiaddr(
        {io::IpAddress::v4({20, std::uint8_t(next >> 16), std::uint8_t(next >> 8), std::uint8_t(next)}), 4001}));
  ByteVector bytes;
  for (const ByteVector& message : host::encode_identify(info)) {
    append_varint(bytes, message.size());
    append(bytes, message);
  }
  return bytes;
}

io::Task<void> flood(Arena& arena) {
  runtime::Options options = deterministic_options();
  options.host.identify = false;
  std::uint32_t next = 0;
  AddressBook& book = arena.victim().host().book();
  for (int attacker = 0; attacker < kAttackers; ++attacker) {
    SimNode bomber(arena.world().add_host(), options);
    bomber.start();
    EXPECT_TRUE(co_await bomber.host().connect(arena.victim().id(), {arena.victim().listen_address()}));
    for (int push = 0; push < kPushes; ++push) {
      auto stream = co_await bomber.host().open_stream(arena.victim().id(), {std::string(host::kIdentifyPushId)});
      EXPECT_TRUE(stream && co_await stream->write(push_of_new_addresses(next)));
      (void)co_await stream->close();
      EXPECT_LE(book.address_count(), arena.victim().node().options().address_book.max_addresses);
    }
    co_await bomber.stop();
  }
}

TEST(AddressFlood, by_identify_pushes_stays_within_the_bounds_and_costs_nothing_that_is_proven) {
  Arena arena(small_book());
  AddressBook& book = arena.victim().host().book();
  const PeerId proven = PeerId::from_public_key(test_key(*seeded_random(99)).public_key());
  const Multiaddr address = transport::tcp_multiaddr({io::IpAddress::v4({9, 9, 9, 9}), 4001});
  book.dial_succeeded(proven, address, arena.world().now());
  arena.endure(
      [](Arena& inside, PeerId peer) -> io::Task<void> {
        co_await flood(inside);
        const AddressBook& after = inside.victim().host().book();
        EXPECT_GT(after.counters().added, std::uint64_t(kAttackers * kPushes * kAddressesPerPush) * 9 / 10);
        EXPECT_EQ(after.addresses(peer, AddressFilter::All, inside.world().now()).size(), 1u);
        for (const PeerId& each : after.peers(SIZE_MAX)) {
          const KnownPeer known = *after.find(each, inside.world().now());
          EXPECT_LE(known.addresses.size(), known.connected ? 500u : 20u);
        }
      }(arena, proven),
      kBudget);
}

}  // namespace
}  // namespace starling::testing
