// What only QUIC does, in the simulator: Retry, another address in the middle of a connection, new keys, peers that
// vanish or forget, limits, datagrams, what strangers get for an answer. The rest is in the conformance suite.
#include <gtest/gtest.h>

#include "starling/io/faulty.hpp"
#include "support/rebinding_network.hpp"
#include "transport/quic/quic_testing.hpp"

namespace starling::transport::quic {
namespace {

TEST_F(QuicTest, connecting_and_one_exchange_take_two_round_trips) {
  set_up();
  const TimePoint start = world_.now();
  const auto dialed = run(client_->transport->dial(address_, {server_->id, nullptr}));
  ASSERT_TRUE(dialed);
  EXPECT_EQ(world_.now() - start, 20ms);
  dialer_ = std::make_unique<Live>(std::move(const_cast<std::unique_ptr<Connection>&>(*dialed)));
  const auto near = open(*dialer_);
  ASSERT_TRUE(run(send(*near, as_bytes("?"))));
  run(start_next(*server_->listener, acceptor_));
  const auto far = run(acceptor_->next_stream());
  ASSERT_TRUE(run(send(*far, as_bytes("!"))));
  EXPECT_EQ(text_of(run(receive(*near, 1))), "!");
  EXPECT_EQ(world_.now() - start, 40ms);
}

TEST_F(QuicTest, under_pressure_strangers_must_prove_their_address) {
  QuicOptions options = quic_options();
  options.retry_above = 0;
  set_up(quic_options(), options);
  const TimePoint start = world_.now();
  connect();
  EXPECT_EQ(server_->transport->counters().retries_sent, 1u);
  EXPECT_EQ(server_->transport->counters().established, 1u);
  EXPECT_GE(world_.now() - start, 40ms) << "the proof takes a round trip";
  EXPECT_TRUE(talk());
}

TEST_F(QuicTest, keys_change_in_the_middle_of_a_transfer) {
  set_up();
  connect();
  ASSERT_TRUE(talk());
  const auto near = open(*dialer_);
  const ByteVector sent = pattern(3u << 20);
  std::optional<Status> done;
  io::TaskGroup group(world_.reactor());
  group.spawn(keep(send_and_close(*near, sent), done));
  const auto far = run(acceptor_->next_stream());
  ByteVector got;
  for (int updates = 0; updates < 4;) {
    append(got, *run(receive(*far, 100'000)));
    const bool updated = updates % 2 == 0 ? dialed().update_keys() : accepted().update_keys();
    updates += updated ? 1 : 0;
    if (got.size() >= sent.size()) break;
  }
  append(got, *run(receive(*far)));
  run(group.join());
  EXPECT_TRUE(got == sent);
  EXPECT_TRUE(talk());
}

TEST_F(QuicTest, a_silent_connection_is_kept_alive) {
  set_up();
  connect();
  world_.run_for(60s);
  EXPECT_FALSE(dialer_->reason || acceptor_->reason);
  EXPECT_TRUE(talk());
}

TEST_F(QuicTest, a_peer_that_vanishes_is_given_up_after_the_idle_timeout) {
  set_up();
  connect();
  ASSERT_TRUE(talk());
  world_.partition(client_machine_, server_machine_);
  const TimePoint start = world_.now();
  const CloseReason seen = run(dialer_->gone());
  EXPECT_EQ(seen.by, By::Failure);
  EXPECT_EQ(*seen.error, ErrorCode::Timeout);
  EXPECT_GE(world_.now() - start, 9s);
  EXPECT_LE(world_.now() - start, 14s);
  EXPECT_EQ(*run(acceptor_->gone()).error, ErrorCode::Timeout);
}

TEST_F(QuicTest, a_peer_that_forgot_says_so_at_once) {
  set_up();
  connect();
  server_machine_.crash();
  server_machine_.restart();
  acceptor_.reset();
  server_ = std::make_unique<QuicEnd>(server_machine_.world(), 2);
  server_->listen(server_machine_.at(4001));
  const auto stream = open(*dialer_);
  ASSERT_TRUE(run(send(*stream, as_bytes("still there?"))));
  const TimePoint start = world_.now();
  const CloseReason seen = run(dialer_->gone());
  EXPECT_EQ(seen.by, By::Failure);
  EXPECT_EQ(*seen.error, ErrorCode::ConnectionReset);
  EXPECT_LE(world_.now() - start, 1s);
  EXPECT_GE(server_->transport->counters().resets_sent, 1u);
}

TEST_F(QuicTest, a_socket_that_keeps_failing_costs_nothing_and_the_connection_times_out) {
  set_up();
  connect();
  client_machine_.crash(io::SimCrash::Silent);
  EXPECT_EQ(*run(acceptor_->gone()).error, ErrorCode::Timeout);
  EXPECT_TRUE(run(dialer_->gone()).error);
}

TEST_F(QuicTest, streams_beyond_the_peers_limit_wait_for_others_to_end) {
  QuicOptions options = quic_options();
  options.max_inbound_streams = 3;
  set_up(quic_options(), options);
  connect();
  std::vector<std::unique_ptr<RawStream>> near;
  for (int i = 0; i < 3; ++i) {
    near.push_back(open(*dialer_));
    ASSERT_TRUE(run(send(*near.back(), as_bytes("x"))));
  }
  EXPECT_EQ(dialer_->connection->open_stream().error(), ErrorCode::StreamLimit);
  auto far = run(acceptor_->next_stream());
  near[0]->reset(ResetCode::None);
  far.reset();
  run([](Connection& connection) -> io::Task<void> { (void)co_await connection.openable(); }(*dialer_->connection));
  near.push_back(open(*dialer_));
  EXPECT_EQ(dialer_->connection->open_stream().error(), ErrorCode::StreamLimit);
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(talk(*acceptor_, *dialer_)) << "the other direction has its own limit";
}

TEST_F(QuicTest, streams_come_and_go_by_the_thousand_within_the_limit) {
  QuicOptions options = quic_options();
  options.max_inbound_streams = 5;
  connect_with(options);
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(talk()) << i;
  EXPECT_EQ(dialer_->connection->stats().outbound_streams + acceptor_->connection->stats().inbound_streams, 0u);
}

TEST_F(QuicTest, streams_that_are_reset_give_their_windows_back) {
  connect_with(quic_options());
  const ByteVector much = pattern(200u << 10);
  for (int i = 0; i < 60; ++i) {  // six times the largest window of a connection
    const auto near = open(*dialer_);
    std::optional<Status> done;
    io::TaskGroup group(world_.reactor());
    group.spawn(keep(send(*near, much), done));
    auto far = run(acceptor_->next_stream());
    ASSERT_TRUE(run(receive(*far, 1000)));
    if (i % 3 == 0) near->reset(ResetCode::None);
    if (i % 3 == 1) far->reset(ResetCode::None);
    if (i % 3 == 2) far.reset();
    run(group.join());
    run(pause_for(world_.reactor(), 30ms));
  }
  EXPECT_TRUE(talk());
}

TEST_F(QuicTest, stop_sending_ends_writing_only_and_says_why) {
  connect_with(quic_options());
  const auto near = open(*dialer_);
  ASSERT_TRUE(run(send(*near, as_bytes("x"))));
  auto far = run(acceptor_->next_stream());
  far->reset(ResetCode::RateLimited);
  run(pause_for(world_.reactor(), 50ms));
  const auto wrote = near->try_write(as_bytes("more"));
  ASSERT_FALSE(wrote);
  EXPECT_EQ(wrote.error(), ErrorCode::StreamReset);
  EXPECT_EQ(near->close_reason()->code, std::uint32_t(ResetCode::RateLimited));
}

// What a datagram of ours may carry tells how large packets are.
TEST_F(QuicTest, packets_grow_to_what_the_path_and_both_ends_take) {
  struct Case {
    std::size_t mtu, ours, theirs, expected;
  };
  for (const Case& each : {Case{1500, 8952, 8952, 1452}, Case{9000, 8952, 8952, 8952}, Case{9000, 1452, 8952, 1452},
                           Case{1400, 8952, 8952, 1342}, Case{1280, 8952, 8952, 1232}}) {
    world_.set_default_link({.latency = 5ms, .mtu_bytes = each.mtu});
    QuicOptions ours = quic_options(), theirs = quic_options();
    ours.max_udp_payload = each.ours;
    theirs.max_udp_payload = each.theirs;
    set_up(ours, theirs);
    connect();
    transfer_while([] {});
    run(pause_for(world_.reactor(), 5s));
    const std::size_t carried = datagrams_of(*dialer_->connection)->max_datagram_size();
    EXPECT_LT(carried, each.expected);
    EXPECT_GT(carried + 60, each.expected) << "a path of " << each.mtu << " bytes";
    TearDown();
    server_.reset();
  }
}

// Larger datagrams than the path takes now vanish, and no ICMP tells (RFC 8899, 4.3).
TEST_F(QuicTest, a_path_that_becomes_narrower_is_found_out) {
  world_.set_default_link({.latency = 5ms, .mtu_bytes = 9000});
  QuicOptions options = quic_options();
  options.max_udp_payload = 8952;
  connect_with(options);
  transfer_while([] {});
  run(pause_for(world_.reactor(), 2s));
  const DatagramChannel* datagrams = datagrams_of(*dialer_->connection);
  EXPECT_GT(datagrams->max_datagram_size(), 8000u);
  world_.set_default_link({.latency = 5ms, .mtu_bytes = 1500});
  const TimePoint start = world_.now();
  ASSERT_TRUE(talk_in_bulk());
  EXPECT_LT(world_.now() - start, 2s);
  EXPECT_GT(datagrams->max_datagram_size(), 1300u);
  EXPECT_LT(datagrams->max_datagram_size(), 1452u);
  world_.set_default_link({.latency = 5ms, .mtu_bytes = 1300});
  ASSERT_TRUE(talk_in_bulk());
  EXPECT_LT(datagrams->max_datagram_size(), 1200u);
}

TEST_F(QuicTest, datagrams_pass_both_ways_and_are_bounded) {
  connect_with(quic_options());
  DatagramChannel* near = datagrams_of(*dialer_->connection);
  DatagramChannel* far = datagrams_of(*acceptor_->connection);
  ASSERT_TRUE(near != nullptr && far != nullptr);
  ASSERT_TRUE(near->send_datagram(as_bytes("there")));
  run([](DatagramChannel& channel) -> io::Task<void> { (void)co_await channel.datagram_readable(); }(*far));
  EXPECT_EQ(as_text(*far->receive_datagram()), "there");
  EXPECT_FALSE(far->receive_datagram());
  run(pause_for(world_.reactor(), 500ms));  // the path's MTU is known now
  const std::size_t largest = far->max_datagram_size();
  ASSERT_TRUE(far->send_datagram(ByteVector(largest, 7)));
  EXPECT_EQ(far->send_datagram(ByteVector(largest + 1, 7)).error(), ErrorCode::TooLarge);
  run(pause_for(world_.reactor(), 50ms));
  EXPECT_EQ(near->receive_datagram()->size(), largest);
  ASSERT_TRUE(far->send_datagram({}));
  run(pause_for(world_.reactor(), 50ms));
  EXPECT_EQ(near->receive_datagram()->size(), 0u) << "an empty one is one, too";
  int taken = 0;
  while (near->send_datagram(ByteVector(1000))) ++taken;
  EXPECT_EQ(taken, 61) << "64 KiB of unsent datagrams, each with its overhead";
  run(pause_for(world_.reactor(), 5s));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(near->send_datagram(ByteVector(1000)));
  run(pause_for(world_.reactor(), 1s));
  int came = 0;
  while (far->receive_datagram()) ++came;
  EXPECT_EQ(came, 61) << "64 KiB of unread datagrams, each with its overhead";
  EXPECT_EQ(server_->transport->counters().datagrams_dropped, 5u);
  dialer_->connection->close(CloseReason::local(CloseCode::None));
  EXPECT_EQ(near->send_datagram(as_bytes("x")).error(), ErrorCode::ConnectionClosed);
}

TEST_F(QuicTest, without_datagrams_on_offer_there_are_none) {
  QuicOptions options = quic_options();
  options.max_datagram_queue = 0;
  set_up(quic_options(), options);
  connect();
  EXPECT_EQ(datagrams_of(*dialer_->connection)->send_datagram(as_bytes("x")).error(), ErrorCode::Unsupported);
}

TEST_F(QuicTest, dials_leave_from_the_listening_socket) {
  set_up();
  client_->listen({io::IpAddress(), 4001});
  connect();
  EXPECT_EQ(acceptor_->connection->info().remote_address, quic_multiaddr(client_machine_.at(4001)));
  EXPECT_EQ(dialer_->connection->info().local_address, quic_multiaddr(client_machine_.at(4001)));
  EXPECT_EQ(client_machine_.open_descriptors(), 1u);
}

TEST_F(QuicTest, dials_share_a_socket_which_goes_with_the_last_of_them) {
  set_up();
  connect();
  auto other = run(client_->transport->dial(address_, {server_->id, nullptr}));
  ASSERT_TRUE(other);
  EXPECT_EQ(client_->transport->open_sockets(), 1u);
  other->reset();
  EXPECT_EQ(client_->transport->open_sockets(), 1u);
  run(dialer_->close());
  EXPECT_EQ(client_->transport->open_sockets(), 0u);
  dialer_.reset();
}

TEST_F(QuicTest, a_connection_dropped_without_a_word_still_tells_the_peer) {
  set_up();
  connect();
  dialer_.reset();
  const TimePoint start = world_.now();
  EXPECT_EQ(run(acceptor_->gone()).by, By::Remote);
  EXPECT_LE(world_.now() - start, 20ms);
}

TEST_F(QuicTest, a_peer_that_missed_the_goodbye_hears_it_again) {
  set_up();
  connect();
  ASSERT_TRUE(talk());
  const int cut = world_.partition(client_machine_, server_machine_);
  run(acceptor_->close(CloseCode::GarbageCollected));
  acceptor_.reset();
  world_.heal(cut);
  const auto stream = open(*dialer_);
  ASSERT_TRUE(run(send(*stream, as_bytes("hello?"))));
  const CloseReason seen = run(dialer_->gone());
  EXPECT_EQ(seen.by, By::Remote);
  EXPECT_EQ(seen.code, std::uint32_t(CloseCode::GarbageCollected));
}

TEST_F(QuicTest, a_gate_that_says_no_costs_a_stranger_its_handshake_and_us_nothing) {
  struct Gate final : AcceptGate {
    Result<resource::ConnectionScope> admit(const Arrival& arrival) override {
      arrived.push_back(arrival);
      if (closed) return fail(ErrorCode::Gated, Op::Accept, Origin::Local, "test");
      return resource::ConnectionScope();
    }
    std::vector<Arrival> arrived;
    bool closed = true;
  } gate;
  set_up();
  server_->transport->set_gate(&gate);
  const TimePoint start = world_.now();
  const Status met = run(meet());
  ASSERT_FALSE(met);
  EXPECT_EQ(met.error(), ErrorCode::RemoteLimit) << met.error().message();
  EXPECT_EQ(world_.now() - start, 20ms) << "it is told so: nothing has to time out";
  EXPECT_EQ(server_->transport->counters().refused_by_gate, 1u);
  EXPECT_EQ(server_->transport->counters().accepted, 0u);
  EXPECT_EQ(gate.arrived.at(0).remote, client_machine_.at(0).address);
  EXPECT_FALSE(gate.arrived.at(0).uses_descriptor);
  gate.closed = false;
  connect();
  EXPECT_TRUE(talk());
}

TEST_F(QuicTest, a_dial_to_a_port_that_nobody_has_fails_in_a_round_trip_and_spares_the_others_on_its_socket) {
  set_up();
  const Multiaddr nobody = quic_multiaddr(server_machine_.at(4002));
  io::TaskGroup group(world_.reactor());
  std::optional<Status> met;
  const TimePoint start = world_.now();
  group.spawn(keep(meet(), met));
  const auto refused = run(client_->transport->dial(nobody, {server_->id, nullptr}));
  EXPECT_EQ(world_.now() - start, 20ms);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), ErrorCode::ConnectionRefused) << refused.error().message();
  EXPECT_NE(refused.error().message().find("4002"), std::string::npos) << refused.error().message();
  run(group.join());
  ASSERT_TRUE(met && *met);
  EXPECT_TRUE(talk());
}

TEST_F(QuicTest, half_open_handshakes_are_bounded_and_the_oldest_gives_way) {
  QuicOptions options = quic_options();
  options.max_pending_inbound = 4;
  options.retry_above = 1000;
  set_up(quic_options(), options);
  io::TaskGroup dials(world_.reactor());
  // Dials whose answers are lost: the server holds a handshake for each.
  auto socket = *client_machine_.world().network.bind_datagram({io::IpAddress(), 0});
  world_.set_link(client_machine_, server_machine_, {.latency = 10ms});
  for (int i = 0; i < 10; ++i) {
    auto lonely = std::make_unique<QuicEnd>(client_machine_.world(), 100 + std::uint64_t(i));
    dials.spawn([](QuicTest&, std::unique_ptr<QuicEnd> end, Multiaddr to, PeerId expected) -> io::Task<void> {
      (void)co_await end->transport->dial(std::move(to), {expected, nullptr});
    }(*this, std::move(lonely), address_, server_->id));
  }
  run(pause_for(world_.reactor(), 11ms));
  EXPECT_EQ(server_->transport->counters().accepted, 10u);
  EXPECT_EQ(server_->transport->counters().evicted_pending, 6u);
  run(dials.join());
}

TEST_F(QuicTest, strangers_get_answers_at_a_bounded_rate_and_never_larger_than_their_question) {
  QuicOptions options = quic_options();
  options.max_replies_per_second = 5;
  set_up(quic_options(), options);
  auto socket = *client_machine_.world().network.bind_datagram({io::IpAddress(), 0});
  ByteVector unknown_version(1200);
  unknown_version[0] = 0xc0;
  put_u32_be(unknown_version.data() + 1, 0xbabababa);
  unknown_version[5] = 8;
  unknown_version[14] = 8;
  ByteVector unknown_connection(60, 0x55);
  unknown_connection[0] = 0x40;
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(socket->try_send(unknown_version, server_machine_.at(4001)));
    ASSERT_TRUE(socket->try_send(unknown_connection, server_machine_.at(4001)));
    ASSERT_TRUE(socket->try_send(as_bytes("not QUIC"), server_machine_.at(4001)));
  }
  run(pause_for(world_.reactor(), 100ms));
  const QuicCounters& counters = server_->transport->counters();
  EXPECT_EQ(counters.versions_sent + counters.resets_sent, 5u);
  EXPECT_GE(counters.replies_suppressed, 34u);
  EXPECT_GE(counters.foreign_packets, 20u);
  EXPECT_EQ(counters.accepted, 0u);
  std::uint8_t answer[2000];
  int answers = 0;
  while (auto got = socket->try_receive(answer)) {
    ++answers;
    EXPECT_LT(got->size, 60u);
  }
  EXPECT_EQ(answers, 5);
}

TEST_F(QuicTest, a_listener_on_every_address_answers_from_the_one_that_was_dialed) {
  const auto second = *io::IpAddress::from_string("11.9.9.9");
  io::SimHost& machine = world_.add_host({.addresses = {*io::IpAddress::from_string("11.8.8.8"), second}});
  set_up();
  QuicEnd server(machine.world(), 3);
  server.listen({io::IpAddress(), 4001});
  const auto dialed = run(client_->transport->dial(quic_multiaddr({second, 4001}), {server.id, nullptr}));
  ASSERT_TRUE(dialed) << dialed.error().message();
  const auto accepted = run(server.listener->accept());
  ASSERT_TRUE(accepted);
  EXPECT_EQ((*accepted)->info().local_address, quic_multiaddr({second, 4001}));
}

TEST_F(QuicTest, ipv6_is_as_good) {
  const auto v6 = [](const char* text) { return std::vector<io::IpAddress>{*io::IpAddress::from_string(text)}; };
  io::SimHost &near = world_.add_host({.addresses = v6("2001:db8::1")}),
              &far = world_.add_host({.addresses = v6("2001:db8::2")});
  client_ = std::make_unique<QuicEnd>(near.world(), 1);
  server_ = std::make_unique<QuicEnd>(far.world(), 2);
  address_ = server_->listen(far.at(4001));
  connect();
  EXPECT_TRUE(talk());
  EXPECT_EQ(acceptor_->connection->info().remote_address.to_string().substr(0, 17), "/ip6/2001:db8::1/");
}

TEST_F(QuicTest, keys_and_events_are_written_down_on_request_only) {
  std::string keys, events;
  QuicOptions options = quic_options();
  options.key_log = [&](std::string_view line) { keys += line; };
  options.qlog = [&](std::string_view name) -> std::function<void(Bytes)> {
    EXPECT_FALSE(name.empty());
    return [&](Bytes text) { events += as_text(text); };
  };
  set_up(options, quic_options());
  connect();
  ASSERT_TRUE(talk());
  run(dialer_->close());
  dialer_.reset();
  for (const char* label : {"CLIENT_HANDSHAKE_TRAFFIC_SECRET ", "SERVER_TRAFFIC_SECRET_0 "})
    EXPECT_NE(keys.find(label), std::string::npos) << keys;
  EXPECT_NE(events.find("qlog_version"), std::string::npos);
  EXPECT_NE(events.find("packet_sent"), std::string::npos);
}

// What a connection has sent and received, at the end of each turn for a while.
class TurnSampler final : public io::Runnable {
 public:
  TurnSampler(io::Reactor& reactor, Connection& connection, int turns)
      : reactor_(reactor), connection_(connection), left_(turns), before_(connection.stats()) {
    reactor_.at_turn_end(*this);
  }
  std::uint64_t most_out = 0, most_in = 0;  // bytes, in one turn
  std::uint64_t all_out = 0, all_in = 0;

 private:
  void run() override {
    const ConnectionStats now = connection_.stats();
    const std::uint64_t out = now.bytes_out - before_.bytes_out, in = now.bytes_in - before_.bytes_in;
    most_out = std::max(most_out, out);
    most_in = std::max(most_in, in);
    all_out += out;
    all_in += in;
    before_ = now;
    if (--left_ > 0) reactor_.at_turn_end(*this);
  }
  io::Reactor& reactor_;
  Connection& connection_;
  int left_;
  ConnectionStats before_;
};

// A short question waits for no more bulk than that: see docs/performance.md, "ping beside an upload".
TEST_F(QuicTest, in_a_turn_no_more_than_a_buffer_of_bulk_is_written_or_read) {
  constexpr Duration kLatency = std::chrono::microseconds(100);
  world_.set_default_link({.latency = kLatency});
  QuicOptions options = quic_options();
  options.output_buffer = 512u << 10;
  options.initial_stream_window = options.max_stream_window = 224u << 10;  // what fits into the machine's socket
  options.initial_connection_window = options.max_connection_window = 1u << 20;
  connect_with(options);
  transfer_while([] {});  // opens the congestion window
  const auto near = open(*dialer_);
  const ByteVector bulk = pattern(200u << 10);
  std::optional<TurnSampler> sender, receiver;
  io::CallbackTimer arrival(world_.reactor(), [&] { receiver.emplace(world_.reactor(), *acceptor_->connection, 20); });
  arrival.set(world_.now() + kLatency);
  sender.emplace(world_.reactor(), *dialer_->connection, 20);
  ASSERT_EQ(near->try_write(bulk).value_or(0), bulk.size());
  world_.run_for(kLatency);
  constexpr std::uint64_t kBuffer = 64u << 10;
  EXPECT_GT(sender->all_out, bulk.size() - 4096);  // the rest waits: less than a few packets
  EXPECT_LE(sender->most_out, kBuffer);
  ASSERT_TRUE(receiver);
  EXPECT_EQ(receiver->all_in, sender->all_out);
  EXPECT_LE(receiver->most_in, kBuffer);
}

class QuicRebinding : public QuicTest {
 protected:
  io::World client_world() override {
    return {client_machine_.world().reactor, network_, client_machine_.world().random};
  }
  RebindingNetwork network_{client_machine_.world().network};
};

TEST_F(QuicRebinding, a_client_behind_a_new_address_goes_on) {
  set_up();
  connect();
  ASSERT_TRUE(talk());
  const Multiaddr before = acceptor_->connection->info().remote_address;
  transfer_while([&] { network_.rebind(); });
  EXPECT_NE(acceptor_->connection->info().remote_address, before);
  EXPECT_EQ(server_->transport->counters().path_changes, 1u);
  network_.rebind();
  EXPECT_TRUE(talk());
  EXPECT_FALSE(dialer_->reason || acceptor_->reason);
}

TEST_F(QuicTest, a_failing_network_never_hangs_or_leaks) {
  server_ = std::make_unique<QuicEnd>(server_machine_.world(), 2);
  address_ = server_->listen(server_machine_.at(4001));
  const auto operations = io::fail_each_operation(
      [&](std::uint64_t n) {
        io::FaultyNetwork faulty(client_machine_.world().network, {.fail_at = n});
        const io::World world{client_machine_.world().reactor, faulty, client_machine_.world().random};
        client_ = std::make_unique<QuicEnd>(world, 1);
        const Status met = run(meet());
        if (met && acceptor_) (void)talk();
        if (dialer_) run(dialer_->close());
        if (acceptor_) run(acceptor_->close());
        dialer_.reset();
        acceptor_.reset();
        client_.reset();
        EXPECT_EQ(client_machine_.open_descriptors(), 0u) << n;
        return faulty.injected();
      },
      60);
  EXPECT_GE(operations, 10u);
}

TEST(QuicAddress, text_and_endpoint_agree) {
  for (const char* text : {"/ip4/1.2.3.4/udp/4001/quic-v1", "/ip6/2001:db8::1/udp/4001/quic-v1"}) {
    const auto address = *Multiaddr::from_string(text);
    const auto endpoint = quic_endpoint(address);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(quic_multiaddr(*endpoint).to_string(), text);
  }
  for (const char* text : {"/ip4/1.2.3.4/udp/4001", "/ip4/1.2.3.4/udp/4001/quic", "/ip4/1.2.3.4/tcp/4001",
                           "/dns/example.org/udp/4001/quic-v1", "/ip4/1.2.3.4/udp/4001/quic-v1/webtransport"})
    EXPECT_FALSE(quic_endpoint(*Multiaddr::from_string(text))) << text;
}

}  // namespace
}  // namespace starling::transport::quic
