// What every transport must do, with each security protocol and muxer, muxers agreed on inside the handshake or by
// multistream, over the simulated network and the operating system's loopback.
#include <gtest/gtest.h>

#include <functional>

#include "starling/io/real.hpp"
#include "starling/io/sim_network.hpp"
#include "starling/transport/spread.hpp"
#include "support/transport_ends.hpp"

namespace starling::transport {
namespace {

using namespace starling::testing;
using By = CloseReason::By;

/// A place for two ends.
class Place {
 public:
  virtual ~Place() = default;
  virtual io::Reactor& reactor() = 0;
  virtual io::World client() = 0;
  virtual io::World server() = 0;
  virtual io::Endpoint listen_at() = 0;
  virtual std::size_t descriptors() { return 0; }
  /// Other reactors for the connections of either end.
  virtual std::vector<std::unique_ptr<io::Lane>> make_lanes(const io::World& end) = 0;
};

class SimPlace final : public Place {
 public:
  explicit SimPlace(const io::SimLink& link = {}, bool one_machine = false)
      : server_(one_machine ? client_ : world_.add_host()) {
    world_.set_default_link(link);
  }
  io::Reactor& reactor() override { return world_.reactor(); }
  io::World client() override { return client_.world(); }
  io::World server() override { return server_.world(); }
  io::Endpoint listen_at() override { return server_.at(4001); }
  std::size_t descriptors() override { return client_.open_descriptors() + server_.open_descriptors(); }
  std::vector<std::unique_ptr<io::Lane>> make_lanes(const io::World& end) override {
    std::vector<std::unique_ptr<io::Lane>> lanes;
    for (int i = 0; i < 2; ++i) lanes.push_back(std::make_unique<io::Lane>(world_.reactor(), end));
    return lanes;
  }

 private:
  io::SimWorld world_;
  io::SimHost& client_ = world_.add_host();
  io::SimHost& server_;
};

class LoopbackPlace final : public Place {
 public:
  io::Reactor& reactor() override { return *reactor_; }
  io::World client() override { return {*reactor_, *network_, system_random()}; }
  io::World server() override { return client(); }
  io::Endpoint listen_at() override { return {*io::IpAddress::from_string("127.0.0.1"), 0}; }
  std::vector<std::unique_ptr<io::Lane>> make_lanes(const io::World&) override { return io::start_lanes(*reactor_, 2); }

 private:
  std::unique_ptr<io::RealReactor> reactor_ = io::RealReactor::create();
  std::unique_ptr<io::Network> network_ = reactor_->make_network();
};

struct Variant {
  std::string place, security, muxer;
  bool early_muxer;
  std::string carrier = "tcp";
  bool private_network = false;
  bool spread = false;  // connections are placed on other reactors: threads on loopback, lanes on the same one in sim
  std::string name() const {
    return place + "_" + carrier + (private_network ? "_private_" : "_") + security + "_" + muxer +
           (early_muxer ? "_early" : "_multistream") + (spread ? "_spread" : "");
  }
};

class TransportConformance : public ::testing::TestWithParam<Variant> {
 protected:
  void SetUp() override {
    if (GetParam().spread) {
      client_.upgrader->spread = &client_spread_;
      server_.upgrader->spread = &server_spread_;
    }
    auto pair = run(connect(client_, server_, address_));
    ASSERT_TRUE(pair) << pair.error().message();
    dialer_ = std::move(pair->dialer);
    acceptor_ = std::move(pair->acceptor);
  }
  void TearDown() override {
    if (dialer_) run(dialer_->close());
    if (acceptor_) run(acceptor_->close());
    run(server_.close());
    dialer_.reset();
    acceptor_.reset();
    if (GetParam().spread) run(let_go(client_spread_, server_spread_));
    EXPECT_EQ(place_->descriptors(), 0u);
  }
  static io::Task<void> let_go(Spread& one, Spread& other) {
    co_await one.close();
    co_await other.close();
  }
  static std::unique_ptr<Place> make_place() {
    const bool local = GetParam().carrier == "memory" || GetParam().carrier == "unix";
    if (GetParam().place == "sim") return std::make_unique<SimPlace>(io::SimLink{}, local);
    if (GetParam().place == "lossy")
      return std::make_unique<SimPlace>(io::SimLink{.latency = 10ms, .jitter = 8ms, .datagram_loss = 0.03});
    return std::make_unique<LoopbackPlace>();
  }
  static bool quic() { return GetParam().muxer == "quic"; }
  static Stack stack() {
    if (quic()) return {.quic = true};
    Stack stack{{GetParam().security}, {GetParam().muxer}, GetParam().early_muxer};
    stack.carrier = GetParam().carrier;
    if (GetParam().private_network) stack.private_network = 1;
    return stack;
  }
  bool has_reset_codes() const { return GetParam().muxer != "mplex"; }
  bool has_windows() const { return GetParam().muxer != "mplex"; }

  template <typename T>
  T run(io::Task<T> task) {
    return io::run_task(place_->reactor(), std::move(task));
  }
  void run(io::Task<void> task) { io::run_task(place_->reactor(), std::move(task)); }

  std::unique_ptr<RawStream> open(Live& from) {
    auto stream = from.connection->open_stream();
    EXPECT_TRUE(stream) << stream.error().message();
    return std::move(*stream);
  }
  struct StreamPair {
    std::unique_ptr<RawStream> near, far;
  };
  /// A stream from `from` to `to` that carried one byte, for mplex and yamux alike show a stream when bytes come.
  StreamPair open_pair(Live& from, Live& to) {
    StreamPair pair{open(from), nullptr};
    EXPECT_TRUE(run(send(*pair.near, as_bytes("!"))));
    pair.far = run(to.next_stream());
    EXPECT_EQ(text_of(run(receive(*pair.far, 1))), "!");
    return pair;
  }
  StreamPair open_pair() { return open_pair(*dialer_, *acceptor_); }

  std::vector<std::unique_ptr<io::Lane>> make_lanes(const io::World& end) {
    return GetParam().spread ? place_->make_lanes(end) : std::vector<std::unique_ptr<io::Lane>>();
  }

  std::unique_ptr<Place> place_ = make_place();
  std::vector<std::unique_ptr<io::Lane>> client_lanes_ = make_lanes(place_->client()),
                                         server_lanes_ = make_lanes(place_->server());
  Spread client_spread_{place_->reactor(), client_lanes_, 64u << 10},
      server_spread_{place_->reactor(), server_lanes_, 64u << 10};
  End client_{place_->client(), 1, stack()}, server_{place_->server(), 2, stack()};
  Multiaddr address_ = server_.listen(place_->listen_at());
  std::unique_ptr<Live> dialer_, acceptor_;
};

TEST_P(TransportConformance, both_sides_know_each_other_and_what_was_agreed) {
  const ConnectionInfo &dialed = dialer_->connection->info(), &accepted = acceptor_->connection->info();
  EXPECT_EQ(dialed.remote_peer, server_.id);
  EXPECT_EQ(accepted.remote_peer, client_.id);
  EXPECT_TRUE(accepted.remote_peer.matches(*accepted.remote_key));
  EXPECT_EQ(dialed.direction, Direction::Outbound);
  EXPECT_EQ(accepted.direction, Direction::Inbound);
  EXPECT_EQ(dialed.remote_address, address_);
  EXPECT_EQ(dialed.remote_address, accepted.local_address);
  EXPECT_EQ(dialed.local_address, accepted.remote_address);
  for (const ConnectionInfo* info : {&dialed, &accepted}) {
    EXPECT_NE(info->security.find(GetParam().security), std::string::npos) << info->security;
    EXPECT_NE(info->muxer.find(GetParam().muxer), std::string::npos) << info->muxer;
  }
}

TEST_P(TransportConformance, streams_opened_by_either_side_carry_bytes_both_ways) {
  for (const bool by_dialer : {true, false}) {
    Live &from = by_dialer ? *dialer_ : *acceptor_, &to = by_dialer ? *acceptor_ : *dialer_;
    const auto near = open(from);
    ASSERT_TRUE(run(send(*near, as_bytes("question"))));
    const auto far = run(to.next_stream());
    ASSERT_NE(far, nullptr);
    EXPECT_EQ(text_of(run(receive(*far, 8))), "question");
    ASSERT_TRUE(run(send(*far, as_bytes("answer"))));
    EXPECT_EQ(text_of(run(receive(*near, 6))), "answer");
  }
}

TEST_P(TransportConformance, half_close_ends_one_direction_only) {
  auto [near, far] = open_pair();
  ASSERT_TRUE(run(send_and_close(*near, as_bytes("last"))));
  EXPECT_EQ(text_of(run(receive(*far))), "last");
  EXPECT_EQ(near->try_write(as_bytes("more")).error(), ErrorCode::StreamClosed);
  near->close_write();  // again: nothing
  ASSERT_TRUE(run(send_and_close(*far, as_bytes("still here"))));
  EXPECT_EQ(text_of(run(receive(*near))), "still here");
  EXPECT_EQ(near->close_reason(), nullptr);
  EXPECT_EQ(far->close_reason(), nullptr);
}

TEST_P(TransportConformance, a_reset_reaches_the_remote_with_its_code) {
  auto [near, far] = open_pair();
  near->reset(ResetCode::RateLimited);
  ASSERT_NE(near->close_reason(), nullptr);
  EXPECT_EQ(near->close_reason()->by, By::Local);
  EXPECT_EQ(near->try_write(as_bytes("x")).error(), ErrorCode::StreamReset);
  const auto got = run(receive(*far));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error(), ErrorCode::StreamReset);
  EXPECT_EQ(got.error().origin(), Origin::Remote);
  ASSERT_NE(far->close_reason(), nullptr);
  EXPECT_EQ(far->close_reason()->by, By::Remote);
  EXPECT_EQ(far->close_reason()->code, has_reset_codes() ? std::uint32_t(ResetCode::RateLimited) : 0u);
  EXPECT_FALSE(dialer_->reason) << "the connection goes on";
}

TEST_P(TransportConformance, what_arrived_before_a_reset_can_still_be_read) {
  auto [near, far] = open_pair();
  ASSERT_TRUE(run(send(*near, as_bytes("heard"))));
  run(pause_for(place_->reactor(), 50ms));
  near->reset(ResetCode::None);
  while (far->close_reason() == nullptr)
    ASSERT_TRUE(run([](RawStream& s) -> io::Task<Status> { co_return co_await s.readable(); }(*far)));
  EXPECT_EQ(as_text(far->peek()), "heard");
  EXPECT_FALSE(*far->at_end());
  far->consume(5);
  EXPECT_EQ(far->at_end().error(), ErrorCode::StreamReset);
}

TEST_P(TransportConformance, dropping_an_unfinished_stream_resets_it) {
  auto [near, far] = open_pair();
  near.reset();
  EXPECT_EQ(run(receive(*far)).error(), ErrorCode::StreamReset);
  EXPECT_EQ(dialer_->connection->stats().outbound_streams, 0u);
}

TEST_P(TransportConformance, a_stream_dropped_after_closing_still_delivers_everything) {
  auto [near, far] = open_pair();
  ASSERT_TRUE(run(send_and_close(*near, as_bytes("all of it"))));
  near.reset();
  EXPECT_EQ(text_of(run(receive(*far))), "all of it");
  far->close_write();
  far.reset();
  {
    auto [there, back] = open_pair();  // a round trip
    ASSERT_TRUE(run(send(*back, as_bytes("!"))));
    EXPECT_EQ(text_of(run(receive(*there, 1))), "!");
  }
  EXPECT_EQ(dialer_->connection->stats().outbound_streams, 0u) << "the dropped stream is over on this side too";
}

TEST_P(TransportConformance, a_slow_reader_makes_the_writer_wait_and_then_go_on) {
  auto [near, far] = open_pair();
  const ByteVector sent = pattern(has_windows() ? 8u << 20 : 900u << 10);
  std::optional<Status> done;
  io::TaskGroup group(place_->reactor());
  group.spawn(keep(send_and_close(*near, sent), done));
  run(pause_for(place_->reactor(), 200ms));
  if (has_windows()) {
    EXPECT_FALSE(done) << "a window's worth fits, not 8 MiB";
    EXPECT_LE(far->peek().size(), 1u << 20);
  }
  EXPECT_TRUE(run(receive(*far)) == sent);
  run(group.join());
  EXPECT_TRUE(done && *done);
}

TEST_P(TransportConformance, megabytes_go_both_ways_at_once_unchanged) {
  auto [near, far] = open_pair();
  const ByteVector out = pattern(3u << 20, 1), back = pattern(2u << 20, 2);
  std::optional<Status> sent_out, sent_back;
  std::optional<Result<ByteVector>> got_out, got_back;
  io::TaskGroup group(place_->reactor());
  group.spawn(keep(send_and_close(*near, out), sent_out));
  group.spawn(keep(send_and_close(*far, back), sent_back));
  group.spawn(keep(receive(*far), got_out));
  group.spawn(keep(receive(*near), got_back));
  run(group.join());
  EXPECT_TRUE(*sent_out && *sent_back);
  EXPECT_TRUE(*got_out == out);
  EXPECT_TRUE(*got_back == back);
  EXPECT_GE(dialer_->connection->stats().bytes_out, 3u << 20);
  EXPECT_GE(dialer_->connection->stats().bytes_in, 2u << 20);
}

TEST_P(TransportConformance, a_short_message_does_not_wait_for_the_end_of_a_long_transfer) {
  auto bulk = open_pair(), talk = open_pair();
  const ByteVector much = pattern(8u << 20);
  std::optional<Status> sent;
  std::optional<Result<ByteVector>> got;
  io::TaskGroup group(place_->reactor());
  group.spawn(keep(send_and_close(*bulk.near, much), sent));
  group.spawn(keep(receive(*bulk.far), got));
  ASSERT_TRUE(run(send(*talk.near, as_bytes("hello"))));
  EXPECT_FALSE(sent) << "the message left before the transfer was over";
  EXPECT_EQ(text_of(run(receive(*talk.far, 5))), "hello");
  run(group.join());
  EXPECT_TRUE(*sent && *got == much);
}

TEST_P(TransportConformance, a_hundred_streams_at_once_do_not_mix) {
  constexpr std::size_t kStreams = 100;
  std::vector<std::unique_ptr<RawStream>> near, far;
  std::vector<ByteVector> sent;
  std::vector<std::optional<Status>> done(2 * kStreams);
  io::TaskGroup group(place_->reactor());
  for (std::size_t i = 0; i < kStreams; ++i) {
    near.push_back(open(*dialer_));
    sent.push_back(pattern(1000 + i * 37, i));
  }
  for (std::size_t i = 0; i < kStreams; ++i) group.spawn(keep(send_and_close(*near[i], sent[i]), done[i]));
  for (std::size_t i = 0; i < kStreams; ++i) {
    far.push_back(run(acceptor_->next_stream()));
    ASSERT_NE(far.back(), nullptr);
    group.spawn(keep(echo(*far.back()), done[kStreams + i]));
  }
  for (std::size_t i = 0; i < kStreams; ++i) EXPECT_TRUE(run(receive(*near[i])) == sent[i]) << i;
  run(group.join());
  for (const auto& each : done) EXPECT_TRUE(each && *each);
  EXPECT_EQ(acceptor_->connection->stats().inbound_streams, 0u) << "all ended";
}

TEST_P(TransportConformance, a_close_is_told_on_both_sides_with_its_code) {
  auto [near, far] = open_pair();
  run(dialer_->close(CloseCode::ResourceLimit));
  EXPECT_EQ(dialer_->reason->by, By::Local);
  EXPECT_EQ(dialer_->reason->code, std::uint32_t(CloseCode::ResourceLimit));
  const CloseReason seen = run(acceptor_->gone());
  EXPECT_EQ(seen.by, By::Remote);
  EXPECT_EQ(seen.code, has_reset_codes() ? std::uint32_t(CloseCode::ResourceLimit) : 0u);
  EXPECT_EQ(near->at_end().error(), ErrorCode::ConnectionClosed);
  EXPECT_EQ(far->try_write(as_bytes("x")).error(), ErrorCode::ConnectionClosed);
  EXPECT_EQ(far->close_reason()->by, By::Remote);
  EXPECT_EQ(dialer_->connection->open_stream().error(), ErrorCode::ConnectionClosed);
  EXPECT_EQ(acceptor_->connection->open_stream().error(), ErrorCode::ConnectionClosed);
}

TEST_P(TransportConformance, the_first_reason_to_close_counts) {
  dialer_->connection->close(CloseReason::local(CloseCode::GarbageCollected));
  run(dialer_->close(CloseCode::Shutdown));
  EXPECT_EQ(dialer_->reason->code, std::uint32_t(CloseCode::GarbageCollected));
}

TEST_P(TransportConformance, closing_sends_what_was_written) {
  auto [near, far] = open_pair();
  const ByteVector sent = pattern(60u << 10);
  ASSERT_TRUE(run(send_and_close(*near, sent)));
  dialer_->connection->close(CloseReason::local(CloseCode::Shutdown));
  run(acceptor_->gone());
  EXPECT_TRUE(run(receive(*far)) == sent);
}

TEST_P(TransportConformance, closing_wakes_readers_and_writers) {
  auto [near, far] = open_pair();
  std::optional<Result<ByteVector>> read_here, read_there;
  io::TaskGroup group(place_->reactor());
  group.spawn(keep(receive(*near), read_here));
  group.spawn(keep(receive(*far), read_there));
  run(pause_for(place_->reactor(), 1ms));
  run(dialer_->close());
  run(group.join());
  EXPECT_EQ(read_here->error(), ErrorCode::ConnectionClosed);
  EXPECT_EQ(read_there->error(), ErrorCode::ConnectionClosed);
}

TEST_P(TransportConformance, the_wrong_peer_is_refused_and_the_error_names_both) {
  const PeerId other = peer_of(test_key(99));
  StageTimes times;
  int answers = 0;
  const auto dialed = run(
      client_.transport->dial(address_, {.expected_peer = other, .times = &times, .on_answer = [&] { ++answers; }}));
  ASSERT_FALSE(dialed);
  EXPECT_GE(answers, 1) << "a host answered, if the wrong one";
  EXPECT_EQ(dialed.error().op(), Op::Secure);
  EXPECT_EQ(times.reached, "security handshake");
  const std::string message = dialed.error().message();
  EXPECT_NE(message.find(other.to_string()), std::string::npos) << message;
  EXPECT_NE(message.find(server_.id.to_string()), std::string::npos) << message;
}

TEST_P(TransportConformance, a_dial_to_nobody_fails_while_connecting) {
  const Multiaddr nobody = client_.address({place_->listen_at().address, 9});
  StageTimes times;
  int answers = 0;
  const auto dialed = run(client_.transport->dial(nobody, {.times = &times, .on_answer = [&] { ++answers; }}));
  ASSERT_FALSE(dialed);
  EXPECT_EQ(answers, 0);
  EXPECT_EQ(times.reached, "connect");
}

TEST_P(TransportConformance, a_closed_listener_accepts_nothing_more) {
  run(server_.close());
  EXPECT_FALSE(run(client_.transport->dial(address_, {})));
  EXPECT_FALSE(dialer_->reason) << "connections it made go on";
}

std::vector<Variant> variants() {
  std::vector<Variant> all;
  for (const char* place : {"sim", "loopback"})
    for (const char* security : {"noise", "tls", "plaintext"})
      for (const char* muxer : {"yamux", "mplex"})
        for (const bool early : {true, false})
          if (!early || std::string_view(security) != "plaintext") all.push_back({place, security, muxer, early});
  for (const char* place : {"sim", "loopback"}) {
    for (const char* carrier : {"ws", "wss", "memory", "unix"}) {
      all.push_back({place, "noise", "yamux", true, carrier});
      all.push_back({place, "tls", "mplex", false, carrier});
      all.push_back({place, "noise", "yamux", true, carrier, /*private_network=*/true});
    }
    all.push_back({place, "tls", "yamux", true, "tcp", /*private_network=*/true});
  }
  for (const char* place : {"sim", "loopback"}) {
    for (const char* security : {"noise", "tls", "plaintext"})
      for (const char* muxer : {"yamux", "mplex"})
        all.push_back({place, security, muxer, security != std::string_view("plaintext"), "tcp", false, true});
    all.push_back({place, "noise", "yamux", false, "tcp", /*private_network=*/true, true});
    for (const char* carrier : {"ws", "wss"}) all.push_back({place, "noise", "yamux", true, carrier, false, true});
  }
  if (quic_available())
    for (const char* place : {"sim", "lossy", "loopback"}) all.push_back({place, "tls", "quic", true});
  return all;
}

INSTANTIATE_TEST_SUITE_P(Stacks, TransportConformance, ::testing::ValuesIn(variants()),
                         [](const auto& info) { return info.param.name(); });

}  // namespace
}  // namespace starling::transport
