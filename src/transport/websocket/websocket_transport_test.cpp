// The WebSocket transport as a whole: one port for TCP and WebSocket, certificates and names, and strangers who are
// slow, silent, endless or something else altogether. What every transport does is in transport_conformance_test.cpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/stream_testing.hpp"
#include "starling/io/sim_network.hpp"
#include "support/transport_ends.hpp"
#include "transport/stream_port.hpp"

namespace starling::transport {
namespace {

using namespace starling::testing;
using ::testing::HasSubstr;

Stack over(std::string carrier) {
  Stack stack;
  stack.carrier = std::move(carrier);
  return stack;
}

class WebSockets : public ::testing::Test {
 protected:
  void SetUp() override { world_.set_default_link({.latency = 30ms}); }
  void TearDown() override {
    run(server_.close());
    for (auto& each : more_) run(each->close());
    EXPECT_EQ(client_host_.open_descriptors() + server_host_.open_descriptors(), 0u);
  }
  void run(io::Task<void> task) { io::run_task(world_.reactor(), std::move(task)); }
  template <typename T>
  T run(io::Task<T> task) {
    return io::run_task(world_.reactor(), std::move(task));
  }
  /// Another door on the server's upgrader.
  Multiaddr open_door(Transport& transport, const Multiaddr& at) {
    auto made = transport.listen(at);
    EXPECT_TRUE(made) << made.error().message();
    more_.push_back(std::move(*made));
    return more_.back()->address();
  }
  /// Dials with `carrier` and says whether the server took it.
  Result<LivePair> dial(const std::string& carrier, const Multiaddr& address, TransportListener& listener) {
    End client(client_host_.world(), 1, over(carrier));
    LivePair pair;
    io::TaskGroup accepting(world_.reactor());
    accepting.spawn(start_next(listener, pair.acceptor));
    auto dialed = run(client.transport->dial(address, {server_.id, nullptr}));
    if (!dialed) {
      run(accepting.close());
      return std::unexpected(std::move(dialed).error());
    }
    pair.dialer = std::make_unique<Live>(std::move(*dialed));
    run(accepting.join());
    run(pair.dialer->close());
    (void)run(pair.acceptor->gone());
    pair.dialer.reset();
    return pair;
  }
  /// What the server answers to raw bytes, until it hangs up.
  std::string say(std::string_view words, const io::Endpoint& to) {
    struct Steps {
      static io::Task<Result<std::string>> go(io::Network& network, io::Endpoint to, std::string_view words) {
        STARLING_CO_TRY(auto socket, co_await network.connect(to, {}));
        STARLING_CO_CHECK(co_await io::testing::write_all(*socket, as_bytes(words)));
        co_return co_await io::testing::read_to_end(*socket);
      }
    };
    auto answer = run(Steps::go(client_host_.world().network, to, words));
    return answer ? *answer : answer.error().message();
  }
  const InboundCounters& inbound() const { return server_.upgrader->counters; }

  io::SimWorld world_;
  io::SimHost &client_host_ = world_.add_host(), &server_host_ = world_.add_host();
  End server_{server_host_.world(), 2, over("wss")};
  std::vector<std::unique_ptr<TransportListener>> more_;
};

TEST_F(WebSockets, share_a_port_with_tcp_and_tls_by_the_first_bytes) {
  const io::Endpoint at = server_host_.at(4001);
  const auto tcp = make_tcp_transport(*server_.upgrader);
  const Multiaddr plain = open_door(*tcp, tcp_multiaddr(at));
  const Multiaddr ws = open_door(*server_.transport, tcp_multiaddr(at).with(Protocol::Ws));
  const Multiaddr wss = server_.listen(at);
  EXPECT_EQ(server_host_.open_descriptors(), 1u);
  EXPECT_TRUE(dial("tcp", plain, *more_[0]));
  EXPECT_TRUE(dial("ws", ws, *more_[1]));
  EXPECT_TRUE(dial("wss", wss, *server_.listener));
  EXPECT_EQ(inbound().upgraded, 3u);
  const auto again = tcp->listen(tcp_multiaddr(at));
  EXPECT_EQ(again.error(), ErrorCode::AddressInUse) << "each door is there once";
  run(more_[1]->close());
  EXPECT_TRUE(dial("tcp", plain, *more_[0])) << "the others go on";
  EXPECT_FALSE(dial("ws", ws, *more_[1]));
}

TEST_F(WebSockets, share_a_port_inside_a_private_network_too) {
  const io::Endpoint at = server_host_.at(4001);
  server_.upgrader->private_network = security::PrivateNetworkKey::generate(*seeded_random(1));
  const auto tcp = make_tcp_transport(*server_.upgrader);
  const Multiaddr plain = open_door(*tcp, tcp_multiaddr(at));
  const Multiaddr ws = open_door(*server_.transport, tcp_multiaddr(at).with(Protocol::Ws));
  for (const char* carrier : {"tcp", "ws"}) {
    Stack stack = over(carrier);
    stack.private_network = 1;
    End client(client_host_.world(), 1, stack);
    std::unique_ptr<Live> accepted;
    io::TaskGroup accepting(world_.reactor());
    accepting.spawn(start_next(*more_[carrier == std::string("tcp") ? 0 : 1], accepted));
    auto dialed = run(client.transport->dial(carrier == std::string("tcp") ? plain : ws, {server_.id, nullptr}));
    ASSERT_TRUE(dialed) << dialed.error().message();
    Live live(std::move(*dialed));
    run(accepting.join());
    run(live.close());
    (void)run(accepted->gone());
  }
}

TEST_F(WebSockets, who_says_nothing_on_a_shared_port_is_cut_after_the_time_to_identify) {
  const io::Endpoint at = server_host_.at(4001);
  const auto tcp = make_tcp_transport(*server_.upgrader);
  open_door(*tcp, tcp_multiaddr(at));
  open_door(*server_.transport, tcp_multiaddr(at).with(Protocol::Ws));
  const TimePoint start = world_.now();
  EXPECT_EQ(say("GE", at), "");
  EXPECT_GE(world_.now() - start, 2s);
  EXPECT_LT(world_.now() - start, 3s);
  EXPECT_EQ(inbound().timed_out, 1u);
}

TEST_F(WebSockets, what_is_neither_http_nor_tls_is_tcps_to_judge) {
  const io::Endpoint at = server_host_.at(4001);
  const auto tcp = make_tcp_transport(*server_.upgrader);
  open_door(*tcp, tcp_multiaddr(at));
  open_door(*server_.transport, tcp_multiaddr(at).with(Protocol::Ws));
  (void)say("SSH-2.0-OpenSSH_9.2p1\r\n", at);
  EXPECT_EQ(inbound().failed_negotiation + inbound().timed_out, 1u);
  EXPECT_THAT(say("GET / HTTP/1.1\r\nHost: x\r\n\r\n", at), HasSubstr("426 Upgrade Required"));
}

TEST(FirstBytes, are_told_apart) {
  EXPECT_EQ(first_bytes_kind(as_bytes("\x13/m")), FirstBytes::Multistream);
  EXPECT_EQ(first_bytes_kind(as_bytes("GET")), FirstBytes::Http);
  EXPECT_EQ(first_bytes_kind(as_bytes("\x16\x03\x01")), FirstBytes::Tls);
  EXPECT_EQ(first_bytes_kind(as_bytes("\x16\x03\x09")), FirstBytes::Multistream);
  EXPECT_EQ(first_bytes_kind(as_bytes("\x16\x04\x01")), FirstBytes::Multistream);
  EXPECT_EQ(first_bytes_kind(as_bytes("get")), FirstBytes::Multistream);
}

TEST_F(WebSockets, take_the_name_of_the_certificate_from_what_was_resolved) {
  const Multiaddr listening = server_.listen(server_host_.at(4001));
  const Multiaddr unnamed = tcp_multiaddr(server_host_.at(4001)).with(*Multiaddr::from_string("/tls/ws"));
  End client(client_host_.world(), 1, over("wss"));
  DialOptions options{.expected_peer = server_.id};
  const auto refused = run(client.transport->dial(unnamed, options));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("CertificateUntrusted")) << "an IP address is not in it";
  options.server_name = "node.example";
  const auto dialed = run(client.transport->dial(unnamed, options));
  EXPECT_TRUE(dialed) << dialed.error().message();
}

TEST_F(WebSockets, without_a_certificate_there_is_no_listening_on_wss) {
  WebSocketOptions options = server_.websocket_options();
  options.certificate_file.clear();
  options.key_file.clear();
  const auto transport = make_websocket_transport(*server_.upgrader, options).value();
  const auto listening = transport->listen(*Multiaddr::from_string("/ip4/127.0.0.1/tcp/0/wss"));
  ASSERT_FALSE(listening);
  EXPECT_THAT(listening.error().message(), HasSubstr("websocket.certificate_file"));
}

TEST_F(WebSockets, a_new_certificate_is_used_without_listening_again) {
  const Multiaddr address = server_.listen(server_host_.at(4001));
  EXPECT_TRUE(dial("wss", address, *server_.listener));
  server_.folder.write("web.pem", kWebCertificateB);
  world_.run_for(11s);
  EXPECT_TRUE(dial("wss", address, *server_.listener)) << "half of a change: the old one goes on";
  EXPECT_EQ(inbound().certificate_errors, 1u);
  server_.folder.write("web.key", kWebKeyB);
  world_.run_for(11s);
  const auto refused = dial("wss", address, *server_.listener);
  ASSERT_FALSE(refused) << "the client trusts the first one only";
  EXPECT_THAT(refused.error().message(), HasSubstr("CertificateUntrusted"));
}

TEST_F(WebSockets, an_upgrade_that_never_ends_is_cut_by_time_and_by_size) {
  const Multiaddr ws = open_door(*server_.transport, tcp_multiaddr(server_host_.at(4001)).with(Protocol::Ws));
  const TimePoint start = world_.now();
  EXPECT_EQ(say("GET / HTTP/1.1\r\nHost: x\r\n", server_host_.at(4001)), "");
  EXPECT_LT(world_.now() - start, 4s);
  EXPECT_EQ(inbound().timed_out, 1u);
  const std::string endless = "GET / HTTP/1.1\r\nX: " + std::string(2500, 'a');
  EXPECT_THAT(say(endless, server_host_.at(4001)), HasSubstr("431"));
  EXPECT_EQ(inbound().failed_negotiation, 1u);
}

TEST_F(WebSockets, half_open_upgrades_give_way_to_newer_ones) {
  const Multiaddr ws = open_door(*server_.transport, tcp_multiaddr(server_host_.at(4001)).with(Protocol::Ws));
  std::vector<std::unique_ptr<io::StreamSocket>> silent;
  for (int i = 0; i < 40; ++i)
    silent.push_back(run(client_host_.world().network.connect(server_host_.at(4001), {})).value());
  EXPECT_TRUE(dial("ws", ws, *more_[0])) << "an honest peer gets through";
  EXPECT_GE(inbound().evicted_pending, 24u);
  silent.clear();
  world_.run_for(5s);
}

TEST_F(WebSockets, a_server_that_answers_something_else_is_named) {
  auto listener = server_host_.world().network.listen(server_host_.at(80), {}).value();
  struct Page {
    static io::Task<void> serve(io::Listener& listener) {
      auto socket = co_await listener.accept();
      if (!socket) co_return;
      (void)co_await io::testing::write_all(**socket, as_bytes("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"));
      (void)co_await io::testing::read_to_end(**socket);
    }
  };
  io::TaskGroup group(world_.reactor());
  group.spawn(Page::serve(*listener));
  End client(client_host_.world(), 1, over("ws"));
  StageTimes times;
  const auto dialed =
      run(client.transport->dial(tcp_multiaddr(server_host_.at(80)).with(Protocol::Ws), {server_.id, &times}));
  ASSERT_FALSE(dialed);
  EXPECT_THAT(dialed.error().message(), HasSubstr("403"));
  EXPECT_EQ(times.reached, "websocket");
  run(group.join());
}

TEST_F(WebSockets, need_one_round_trip_more_than_tcp) {
  const Multiaddr ws = open_door(*server_.transport, tcp_multiaddr(server_host_.at(4001)).with(Protocol::Ws));
  End client(client_host_.world(), 1, over("ws"));
  const TimePoint start = world_.now();
  const auto dialed = run(client.transport->dial(ws, {server_.id, nullptr}));
  EXPECT_TRUE(dialed);
  EXPECT_EQ(world_.now() - start, 3 * 60ms) << "TCP, the upgrade, Noise";
}

}  // namespace
}  // namespace starling::transport
