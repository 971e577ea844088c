// The host's addresses: what it learns of others, what it says of itself; on simulated machines.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "starling/host/address_keeper.hpp"
#include "support/sim_hosts.hpp"

namespace starling::host {
namespace {

using namespace starling::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class HostAddresses : public TwoHosts {
 protected:
  std::vector<KnownAddress> a_knows(AddressFilter filter = AddressFilter::All) {
    return a().book().addresses(b().id(), filter, world_.now());
  }
  void connect_and_identify() {
    connect();
    ASSERT_TRUE(run(a().identified(b().id())) && run(b().identified(a().id())));
  }
};

TEST_F(HostAddresses, identify_and_a_dial_teach_the_book) {
  connect_and_identify();
  ASSERT_EQ(a_knows().size(), 1u);
  const KnownAddress known = a_knows()[0];
  EXPECT_EQ(known.address, b_->address());
  EXPECT_TRUE(known.certified && known.proven());
  EXPECT_EQ(known.life, AddressLife::Connected);
  const KnownPeer peer = a().book().find(b().id(), world_.now()).value();
  EXPECT_TRUE(peer.connected && peer.record_sequence);
  EXPECT_EQ(peer.facts.agent_version, "test/1");
  EXPECT_EQ(peer.facts.protocols, b().protocols());
  const auto b_knows = b().book().addresses(a().id(), AddressFilter::All, world_.now());
  ASSERT_EQ(b_knows.size(), 1u) << "from the record; not the port that the connection came from";
  EXPECT_EQ(b_knows[0].address, a_->address());
  EXPECT_FALSE(b_knows[0].proven());
}

TEST_F(HostAddresses, connect_dials_what_the_book_knows) {
  const auto nothing = run(a().connect(b().id()));
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error(), ErrorCode::NoAddresses);
  a().learn_addresses(b().id(), {{b_->address()}}, AddressSource::Dht, AddressLife::Temporary);
  swarm::DialReport report;
  ASSERT_TRUE(run(a().connect(b().id(), &report)));
  ASSERT_EQ(report.attempts.size(), 1u);
  EXPECT_EQ(report.attempts[0].source, AddressSource::Dht);
}

TEST_F(HostAddresses, after_the_connection_addresses_are_kept_for_their_time_and_then_go) {
  connect_and_identify();
  a().swarm().close_peer(b().id(), transport::CloseReason::local(transport::CloseCode::None));
  world_.run_for(1s);
  ASSERT_EQ(a_knows().size(), 1u);
  EXPECT_EQ(a_knows()[0].life, AddressLife::RecentlyConnected);
  EXPECT_TRUE(run(a().connect(b().id()))) << "still good for a dial";
  a().swarm().close_peer(b().id(), transport::CloseReason::local(transport::CloseCode::None));
  world_.run_for(900s + 60s + 2s);
  EXPECT_EQ(a().book().peer_count(), 0u);
}

TEST_F(HostAddresses, failed_dials_and_wrong_peers_are_noted) {
  const Multiaddr nobody = transport::tcp_multiaddr(machine_b_.at(5555));
  a().learn_addresses(b().id(), {{nobody}}, AddressSource::Dht, AddressLife::Normal);
  ASSERT_FALSE(run(a().connect(b().id())));
  ASSERT_EQ(a_knows().size(), 1u);
  EXPECT_EQ(a_knows()[0].failures, 1u);
  EXPECT_EQ(a_knows()[0].last_failure, world_.now());
  const PeerId other = peer_of(test_key(77));
  a().learn_addresses(other, {{b_->address()}}, AddressSource::Dht, AddressLife::Normal);
  ASSERT_FALSE(run(a().connect(other)));
  EXPECT_THAT(a().book().addresses(other, AddressFilter::All, world_.now()), IsEmpty());
  EXPECT_EQ(a().book().counters().removed_wrong_peer, 1u);
}

TEST_F(HostAddresses, nothing_is_learned_of_oneself) {
  a().learn_addresses(a().id(), {{a_->address()}}, AddressSource::Dht, AddressLife::Normal);
  EXPECT_EQ(a().book().peer_count(), 0u);
}

TEST_F(HostAddresses, four_observers_agree_and_their_votes_leave_with_them) {
  std::vector<std::unique_ptr<TestHost>> others;
  for (std::uint64_t i = 0; i < 4; ++i) {
    others.push_back(std::make_unique<TestHost>(world_.add_host(), 100 + i));
    EXPECT_TRUE(run(others.back()->host.connect(b().id(), {b_->address()})));
  }
  world_.run_for(1s);
  EXPECT_EQ(b().observed_addresses().votes(), 4u);
  EXPECT_EQ(b().observed_addresses().mapping(Protocol::Tcp), NatMapping::None);
  for (auto& other : others) run(other->host.close());
  world_.run_for(1s);
  EXPECT_EQ(b().observed_addresses().votes(), 0u);
}

TEST_F(HostAddresses, another_listen_address_is_told_once_signed_anew_and_pushed) {
  connect_and_identify();
  const std::uint64_t sequence = *a().book().find(b().id(), world_.now())->record_sequence;
  world_.run_for(1s);
  std::vector<LocalAddressesChanged> changes;
  const auto watch =
      b().events().subscribe<LocalAddressesChanged>([&](const auto& event) { changes.push_back(event); });
  const Multiaddr second = transport::tcp_multiaddr(machine_b_.at(4002)),
                  third = transport::tcp_multiaddr(machine_b_.at(4003));
  ASSERT_TRUE(b().listen(second) && b().listen(third));
  EXPECT_THAT(changes, IsEmpty()) << "after push_delay";
  world_.run_for(1s);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_THAT(changes[0].added, ElementsAre(second, third));
  EXPECT_THAT(changes[0].removed, IsEmpty());
  EXPECT_EQ(a_knows().size(), 3u) << "pushed";
  EXPECT_GT(*a().book().find(b().id(), world_.now())->record_sequence, sequence);
}

TEST_F(HostAddresses, a_connection_from_an_address_that_went_away_ends_soon) {
  connect_and_identify();
  machine_a_.set_addresses({io::IpAddress::v4({11, 9, 9, 9})});
  const Duration look = host_options().interface_check_interval, patience = swarm_options().lost_address_timeout;
  world_.run_for(look + patience);
  EXPECT_FALSE(a().swarm().find(b().id()));
  EXPECT_TRUE(b().swarm().find(a().id())) << "that side has its address, and only its keep-alive";
}

// A machine whose interfaces change.
class ChangingInterfaces final : public io::Network {
 public:
  explicit ChangingInterfaces(io::Network& inner) : inner_(inner) {}
  Result<std::vector<io::Interface>> interfaces() override { return now; }
  Result<std::unique_ptr<io::Listener>> listen(const io::Endpoint& at, const io::ListenOptions& options) override {
    return inner_.listen(at, options);
  }
  io::Task<Result<std::unique_ptr<io::StreamSocket>>> connect(io::Endpoint to, io::ConnectOptions options) override {
    return inner_.connect(to, options);
  }
  Result<std::unique_ptr<io::DatagramSocket>> bind_datagram(const io::Endpoint& at,
                                                            const io::DatagramOptions& options) override {
    return inner_.bind_datagram(at, options);
  }
  std::unique_ptr<io::NameClient> make_name_client(const io::NameClientOptions& options) override {
    return inner_.make_name_client(options);
  }
  std::vector<io::Interface> now;

 private:
  io::Network& inner_;
};

TEST(HostInterfaces, changes_are_noticed_within_the_interval_and_timers_end_with_the_host) {
  const auto address = [](std::string_view text) { return Multiaddr::from_string(text).value(); };
  const auto interface = [](const char* ip) {
    return io::Interface{"eth0", io::IpAddress::from_string(ip).value(), 24};
  };
  io::SimWorld world;
  const io::World machine = world.add_host().world();
  ChangingInterfaces network(machine.network);
  network.now = {interface("5.0.0.1"), interface("10.0.0.2")};
  auto upgrader = make_upgrader({machine.reactor, network, machine.random}, test_key(1), {}, upgrader_options());
  HostOptions options = host_options();
  options.announce = parse_announce_rules({{}, {"/dns4/example.org/tcp/1"}, {"10.0.0.0/8"}}, 10, 1000).value();
  Host host({machine.reactor, network, machine.random}, test_key(1), options, swarm_options());
  host.swarm().add_transport(transport::make_tcp_transport(*upgrader));
  EXPECT_TRUE(host.listen(address("/ip4/0.0.0.0/tcp/4001")));
  EXPECT_THAT(host.addresses(), ElementsAre(address("/ip4/5.0.0.1/tcp/4001").with(Protocol::P2p, host.id().bytes()),
                                            address("/dns4/example.org/tcp/1").with(Protocol::P2p, host.id().bytes())));
  EXPECT_EQ(host.announced().size(), 3u) << "and one that is forbidden";
  std::vector<LocalAddressesChanged> changes;
  const auto watch =
      host.events().subscribe<LocalAddressesChanged>([&](const auto& event) { changes.push_back(event); });
  world.run_for(7s);
  EXPECT_EQ(changes.size(), 1u);
  const auto unreachable = transport::tcp_multiaddr({*io::IpAddress::from_string("9.9.9.9"), 1});
  (void)io::run_task(world.reactor(), host.connect(peer_of(test_key(2)), {unreachable}));
  EXPECT_EQ(host.swarm().dial_state().backed_off, 1u);
  changes.clear();
  network.now = {interface("5.0.0.7")};
  world.run_for(6s);
  EXPECT_EQ(host.swarm().dial_state().backed_off, 0u) << "what failed in the other network may work in this one";
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_THAT(changes.back().added, ElementsAre(address("/ip4/5.0.0.7/tcp/4001")));
  EXPECT_THAT(changes.back().removed, ElementsAre(address("/ip4/5.0.0.1/tcp/4001")));
  io::run_task(world.reactor(), host.close());
  EXPECT_EQ(world.reactor().armed_timers(), 0u);
}

class KeptAddresses : public ::testing::Test {
 protected:
  static constexpr AddressKeeperOptions kOptions{.write_interval = 2s, .max_batch = 3};
  static PeerId peer(std::uint64_t number) { return peer_of(test_key(number)); }
  static Multiaddr address(std::uint16_t port) {
    return transport::tcp_multiaddr({io::IpAddress::v4({5, 6, 7, 8}), port});
  }
  io::SimWorld world_;
};

TEST_F(KeptAddresses, changes_go_to_the_store_in_batches_and_come_back) {
  AddressBook book(host_options().address_book);
  auto owned = std::make_unique<MemoryAddressStore>();
  MemoryAddressStore& store = *owned;
  AddressKeeper keeper(world_.reactor(), book, std::move(owned), {}, kOptions);
  keeper.start();
  for (std::uint64_t i = 1; i <= 7; ++i) book.dial_succeeded(peer(i), address(std::uint16_t(i)), world_.now());
  EXPECT_EQ(store.size(), 0u);
  world_.run_for(3s);
  EXPECT_EQ(store.size(), 7u);
  EXPECT_EQ(keeper.counters().batches, 3u);
  book.dial_succeeded(peer(8), address(8), world_.now());
  io::run_task(world_.reactor(), keeper.close());
  EXPECT_EQ(store.size(), 8u) << "what is left is written at the end";

  AddressBook again(host_options().address_book);
  auto copy = std::make_unique<MemoryAddressStore>();
  ASSERT_TRUE(copy->write(*store.load(100)));
  AddressKeeper second(world_.reactor(), again, std::move(copy), {}, kOptions);
  ASSERT_TRUE(second.load());
  EXPECT_EQ(again.peer_count(), 8u);
}

TEST_F(KeptAddresses, a_store_that_fails_costs_rows_and_not_the_node) {
  class Broken final : public AddressStore {
    Result<std::vector<StoredPeer>> load(std::size_t) override {
      return fail(ErrorCode::FileUnreadable, Op::ReadFile, Origin::Local, "broken");
    }
    Status write(std::span<const StoredPeer>) override {
      return fail(ErrorCode::FileUnwritable, Op::WriteFile, Origin::Local, "disk full");
    }
    bool blocks() const override { return false; }
  };
  AddressBook book(host_options().address_book);
  AddressKeeper keeper(world_.reactor(), book, std::make_unique<Broken>(), {}, kOptions);
  EXPECT_EQ(keeper.load().error(), ErrorCode::FileUnreadable);
  keeper.start();
  book.dial_succeeded(peer(1), address(1), world_.now());
  world_.run_for(3s);
  EXPECT_EQ(keeper.counters().failed_batches, 1u);
  EXPECT_EQ(keeper.last_error()->detail(), "disk full");
  io::run_task(world_.reactor(), keeper.close());
}

}  // namespace
}  // namespace starling::host
