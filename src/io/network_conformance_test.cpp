// What every Network must do, run against the operating system's and the simulated one, by family, and with sockets
// that move few bytes at a time.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "io/stream_testing.hpp"
#include "starling/io/faulty.hpp"
#include "starling/io/name_client.hpp"
#include "starling/io/real.hpp"
#include "starling/io/sim_network.hpp"

namespace starling::io {
namespace {

using namespace std::chrono_literals;
using namespace testing;

/// Two hosts, or one host twice.
class Networks {
 public:
  virtual ~Networks() = default;
  virtual Reactor& reactor() = 0;
  virtual Network& client() = 0;
  virtual Network& server() = 0;
  virtual IpAddress server_address() = 0;
};

class RealNetworks final : public Networks {
 public:
  explicit RealNetworks(std::string address) : address_(std::move(address)) {}
  Reactor& reactor() override { return *reactor_; }
  Network& client() override { return *network_; }
  Network& server() override { return *network_; }
  IpAddress server_address() override { return *IpAddress::from_string(address_); }

 private:
  std::string address_;
  std::unique_ptr<RealReactor> reactor_ = RealReactor::create();
  std::unique_ptr<Network> network_ = reactor_->make_network();
};

class SimNetworks final : public Networks {
 public:
  explicit SimNetworks(bool v4) {
    const auto address = [v4](const char* four, const char* six) { return *IpAddress::from_string(v4 ? four : six); };
    client_ = &world_.add_host({.addresses = {address("11.0.0.1", "2001:db8::1")}});
    server_ = &world_.add_host({.addresses = {address("11.0.0.2", "2001:db8::2")}});
  }
  Reactor& reactor() override { return world_.reactor(); }
  Network& client() override { return client_->world().network; }
  Network& server() override { return server_->world().network; }
  IpAddress server_address() override { return server_->addresses().front(); }

 private:
  SimWorld world_;
  SimHost* client_ = nullptr;
  SimHost* server_ = nullptr;
};

class ShortNetworks final : public Networks {
 public:
  explicit ShortNetworks(std::unique_ptr<Networks> inner) : inner_(std::move(inner)) {}
  Reactor& reactor() override { return inner_->reactor(); }
  Network& client() override { return client_; }
  Network& server() override { return server_; }
  IpAddress server_address() override { return inner_->server_address(); }

 private:
  std::unique_ptr<Networks> inner_;
  FaultyNetwork client_{inner_->client(), {.max_transfer_bytes = 100}};
  FaultyNetwork server_{inner_->server(), {.max_transfer_bytes = 77}};
};

struct Variant {
  std::string name;
  std::function<std::unique_ptr<Networks>()> make;
};

class NetworkConformance : public ::testing::TestWithParam<Variant> {
 protected:
  void SetUp() override { listener_ = listen(0); }
  std::unique_ptr<Listener> listen(std::uint16_t port) {
    auto listening = networks_->server().listen({networks_->server_address(), port}, {});
    EXPECT_TRUE(listening) << listening.error().message();
    return listening ? std::move(*listening) : nullptr;
  }
  Reactor& reactor() { return networks_->reactor(); }
  SocketPair connect() {
    auto pair = run_task(reactor(), make_pair(networks_->client(), *listener_, listener_->local()));
    EXPECT_TRUE(pair) << pair.error().message();
    return pair ? std::move(*pair) : SocketPair{};
  }
  Result<SocketPtr> dial(const Endpoint& to, ConnectOptions options = {}) {
    return run_task(reactor(), networks_->client().connect(to, options));
  }
  IpAddress any_address() { return networks_->server_address().is_v4() ? IpAddress() : IpAddress::v6({}); }
  template <typename T>
  auto run(Task<T> task) {
    return run_task(reactor(), std::move(task));
  }
  void pause(Duration time) {
    run_task(reactor(), [](Reactor& on, Duration for_time) -> Task<void> {
      (void)co_await sleep_for(on, for_time);
    }(reactor(), time));
  }
  std::unique_ptr<Networks> networks_ = GetParam().make();
  std::unique_ptr<Listener> listener_;
};

Task<void> echo_to_end(StreamSocket& socket) {
  std::vector<std::uint8_t> buffer(64 << 10);
  for (;;) {
    const auto got = co_await read_some(socket, buffer);
    EXPECT_TRUE(got);
    if (!got || *got == 0) break;
    EXPECT_TRUE(co_await write_all(socket, {buffer.data(), *got}));
  }
  socket.shutdown_write();
}

Task<void> send_all(StreamSocket& socket, const std::string& text) {
  EXPECT_TRUE(co_await write_all(socket, as_bytes(text)));
  socket.shutdown_write();
}

Task<Result<std::size_t>> read_byte(StreamSocket& socket) {
  std::uint8_t byte;
  co_return co_await read_some(socket, {&byte, 1});
}

TEST_P(NetworkConformance, carries_a_megabyte_both_ways_unchanged) {
  SocketPair pair = connect();
  const std::string sent = pattern(1 << 20);
  TaskGroup group(reactor());
  group.spawn(echo_to_end(*pair.server));
  group.spawn(send_all(*pair.client, sent));
  auto received = run(read_to_end(*pair.client));
  ASSERT_TRUE(received);
  EXPECT_TRUE(*received == sent);
  run(group.join());
}

TEST_P(NetworkConformance, both_ends_agree_on_their_endpoints) {
  SocketPair pair = connect();
  EXPECT_EQ(pair.client->remote(), listener_->local());
  EXPECT_EQ(pair.client->remote(), pair.server->local());
  EXPECT_EQ(pair.client->local(), pair.server->remote());
}

TEST_P(NetworkConformance, nothing_to_read_would_block) {
  SocketPair pair = connect();
  std::uint8_t byte;
  EXPECT_EQ(code_of(pair.client->try_read({&byte, 1})), ErrorCode::WouldBlock);
}

TEST_P(NetworkConformance, half_close_lets_the_other_half_live) {
  SocketPair pair = connect();
  pair.client->shutdown_write();
  EXPECT_EQ(run(read_to_end(*pair.server)), "");
  EXPECT_EQ(code_of(pair.client->try_write(as_bytes("x"))), ErrorCode::Closed);
  TaskGroup group(reactor());
  const std::string text = "still here";
  group.spawn(send_all(*pair.server, text));
  EXPECT_EQ(run(read_to_end(*pair.client)), text);
  EXPECT_EQ(run(read_byte(*pair.client)), 0u) << "the end stays";
}

TEST_P(NetworkConformance, what_was_written_before_close_arrives) {
  SocketPair pair = connect();
  ASSERT_TRUE(run(write_all(*pair.client, as_bytes("last words"))));
  pair.client.reset();
  EXPECT_EQ(run(read_to_end(*pair.server)), "last words");
}

TEST_P(NetworkConformance, closing_with_unread_bytes_resets) {
  SocketPair pair = connect();
  ASSERT_TRUE(run(write_all(*pair.client, as_bytes("unread"))));
  EXPECT_TRUE(run(read_byte(*pair.server)));
  pair.server.reset();
  EXPECT_EQ(code_of(run(read_byte(*pair.client))), ErrorCode::ConnectionReset);
}

TEST_P(NetworkConformance, a_writer_without_a_reader_is_stopped) {
  SocketPair pair = connect();
  const std::string chunk = pattern(64 << 10);
  std::size_t written = 0;
  while (written < (64u << 20)) {
    const auto size = pair.client->try_write(as_bytes(chunk));
    if (!size) {
      EXPECT_EQ(code_of(size), ErrorCode::WouldBlock);
      break;
    }
    written += *size;
  }
  EXPECT_LT(written, 64u << 20);
}

TEST_P(NetworkConformance, nobody_listening_refuses) {
  const Endpoint at = listener_->local();
  listener_.reset();
  EXPECT_EQ(code_of(dial(at)), ErrorCode::ConnectionRefused);
}

TEST_P(NetworkConformance, a_port_has_one_listener_and_is_free_after_it) {
  const Endpoint at = listener_->local();
  EXPECT_NE(at.port, 0);
  EXPECT_EQ(code_of(networks_->server().listen(at, {})), ErrorCode::AddressInUse);
  listener_->close();
  EXPECT_NE(listen(at.port), nullptr);
}

TEST_P(NetworkConformance, listening_on_an_address_of_somebody_else_fails) {
  const char* foreign = networks_->server_address().is_v4() ? "203.0.113.7" : "2001:db8:7::7";
  EXPECT_EQ(code_of(networks_->server().listen({*IpAddress::from_string(foreign), 0}, {})),
            ErrorCode::AddressNotAvailable);
}

TEST_P(NetworkConformance, a_dial_leaves_from_a_listening_port_or_from_any_when_that_is_taken) {
  auto own = networks_->client().listen({listener_->local().address.is_v4() ? IpAddress() : IpAddress::v6({}), 0}, {});
  ASSERT_TRUE(own);
  auto first = dial(listener_->local(), {.local = (*own)->local()});
  ASSERT_TRUE(first);
  EXPECT_EQ((*first)->local().port, (*own)->local().port);
  auto second = dial(listener_->local(), {.local = (*own)->local()});
  ASSERT_TRUE(second);
  EXPECT_NE((*second)->local().port, (*own)->local().port);
}

TEST_P(NetworkConformance, a_local_endpoint_of_the_other_family_is_no_obstacle) {
  const IpAddress other = listener_->local().address.is_v4() ? IpAddress::v6({}) : IpAddress();
  EXPECT_TRUE(dial(listener_->local(), {.local = Endpoint{other, 40404}}));
}

TEST_P(NetworkConformance, close_wakes_a_reader_and_an_acceptor) {
  SocketPair pair = connect();
  TaskGroup group(reactor());
  group.spawn([](StreamSocket& socket) -> Task<void> {
    EXPECT_EQ(code_of(co_await read_byte(socket)), ErrorCode::Closed);
  }(*pair.client));
  group.spawn([](Listener& listener) -> Task<void> {
    EXPECT_EQ(code_of(co_await listener.accept()), ErrorCode::Closed);
  }(*listener_));
  pause(5ms);
  pair.client->close();
  pair.client->close();
  listener_->close();
  run(group.join());
  EXPECT_EQ(code_of(pair.client->try_write(as_bytes("x"))), ErrorCode::Closed);
  EXPECT_EQ(code_of(run(listener_->accept())), ErrorCode::Closed);
}

TEST_P(NetworkConformance, a_cancelled_accept_or_read_can_be_tried_again) {
  const auto late = [] { return timeout_error(Op::Accept, "test"); };
  EXPECT_EQ(code_of(run(with_deadline(5ms, late(), listener_->accept()))), ErrorCode::Timeout);
  SocketPair pair = connect();
  EXPECT_EQ(code_of(run(with_deadline(5ms, late(), read_byte(*pair.server)))), ErrorCode::Timeout);
  ASSERT_TRUE(pair.client->try_write(as_bytes("x")));
  EXPECT_EQ(run(read_byte(*pair.server)), 1u);
}

TEST_P(NetworkConformance, a_connect_cancelled_at_once_ends_with_the_scopes_error) {
  auto result = run(
      with_deadline(Duration(0), timeout_error(Op::Dial, "test"), networks_->client().connect(listener_->local(), {})));
  if (!result) EXPECT_EQ(code_of(result), ErrorCode::Timeout);
  EXPECT_TRUE(dial(listener_->local()));
}

TEST_P(NetworkConformance, readiness_holds_while_bytes_are_left) {
  SocketPair pair = connect();
  ASSERT_TRUE(pair.client->try_write(as_bytes("ab")));
  EXPECT_EQ(run(read_byte(*pair.server)), 1u);
  const auto ready = [](StreamSocket& socket) -> Task<Status> {
    STARLING_CO_CHECK(co_await socket.writable());
    co_return co_await socket.readable();
  };
  EXPECT_TRUE(run(with_deadline(5s, timeout_error(Op::Read, "test"), ready(*pair.server))));
}

TEST_P(NetworkConformance, datagrams_carry_their_sender_and_can_be_answered) {
  auto server = networks_->server().bind_datagram({networks_->server_address(), 0});
  const IpAddress any = networks_->server_address().is_v4() ? IpAddress() : IpAddress::v6({});
  auto client = networks_->client().bind_datagram({any, 0});
  ASSERT_TRUE(server && client);
  std::uint8_t buffer[100];
  EXPECT_EQ(code_of((*server)->try_receive(buffer)), ErrorCode::WouldBlock);
  ASSERT_TRUE((*client)->try_send(as_bytes("ping"), (*server)->local()));
  const auto wait = [](DatagramSocket& socket) -> Task<Status> { co_return co_await socket.readable(); };
  ASSERT_TRUE(run(wait(**server)));
  const auto got = (*server)->try_receive(buffer);
  ASSERT_TRUE(got);
  EXPECT_EQ(as_text({buffer, got->size}), "ping");
  EXPECT_EQ(got->from.port, (*client)->local().port);
  ASSERT_TRUE((*server)->try_send(as_bytes("pong"), got->from));
  ASSERT_TRUE(run(wait(**client)));
  const auto answer = (*client)->try_receive(buffer);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->from, (*server)->local());
  EXPECT_EQ(code_of(networks_->server().bind_datagram((*server)->local())), ErrorCode::AddressInUse);
  EXPECT_EQ(code_of((*client)->try_send(ByteVector(66'000), (*server)->local())), ErrorCode::TooLarge);
}

Task<void> keep_datagrams(DatagramSocket& socket, std::size_t bytes, std::vector<Datagram>& got, ByteVector& content) {
  std::vector<std::uint8_t> buffer(64 << 10);
  while (content.size() < bytes) {
    const auto one = socket.try_receive(buffer);
    if (one) {
      got.push_back(*one);
      append(content, Bytes(buffer).first(one->size));
    } else if (!co_await socket.readable()) {
      co_return;
    }
  }
}

TEST_P(NetworkConformance, many_datagrams_leave_and_come_in_few_calls) {
  for (const bool coalesce : {false, true}) {
    auto server = *networks_->server().bind_datagram({networks_->server_address(), 0}, {.coalesce = coalesce});
    auto client = *networks_->client().bind_datagram({any_address(), 0}, {.dont_fragment = true});
    const std::string text = pattern(30 * 1000 + 300);
    const auto sent = client->try_send({.bytes = as_bytes(text), .segment = 1000, .to = server->local(), .ecn = 2});
    ASSERT_TRUE(sent) << sent.error().message();
    EXPECT_EQ(*sent, text.size());
    std::vector<Datagram> got;
    ByteVector content;
    run(keep_datagrams(*server, text.size(), got, content));
    EXPECT_EQ(as_text(content), text);
    std::size_t datagrams = 0;
    for (const Datagram& each : got) {
      datagrams += (each.size + each.segment - 1) / each.segment;
      EXPECT_EQ(each.to, networks_->server_address());
      EXPECT_EQ(each.ecn, 2);
      EXPECT_TRUE(each.segment == 1000 || each.size == 300) << each.segment;
    }
    EXPECT_EQ(datagrams, 31u);
    if (!coalesce) EXPECT_EQ(got.size(), 31u) << "one a call unless asked otherwise";
  }
}

TEST_P(NetworkConformance, a_socket_on_every_address_answers_from_the_one_that_was_asked) {
  auto server = *networks_->server().bind_datagram({any_address(), 0});
  auto client = *networks_->client().bind_datagram({any_address(), 0});
  const Endpoint asked{networks_->server_address(), server->local().port};
  ASSERT_TRUE(client->try_send(as_bytes("who?"), asked));
  std::vector<Datagram> got;
  ByteVector content;
  run(keep_datagrams(*server, 4, got, content));
  EXPECT_EQ(got.at(0).to, networks_->server_address());
  ASSERT_TRUE(server->try_send({.bytes = as_bytes("me"), .to = got[0].from, .from = got[0].to}));
  run(keep_datagrams(*client, 6, got, content));
  EXPECT_EQ(got.at(1).from, asked);
}

TEST_P(NetworkConformance, a_callback_comes_once_when_there_is_something_to_read_and_on_close) {
  struct Count final : Runnable {
    void run() override { ++calls; }
    int calls = 0;
  } count;
  auto server = *networks_->server().bind_datagram({networks_->server_address(), 0});
  auto client = *networks_->client().bind_datagram({any_address(), 0});
  server->when_readable(count);
  pause(20ms);
  EXPECT_EQ(count.calls, 0);
  ASSERT_TRUE(client->try_send(as_bytes("x"), server->local()));
  ASSERT_TRUE(client->try_send(as_bytes("y"), server->local()));
  pause(50ms);
  EXPECT_EQ(count.calls, 1);
  std::uint8_t byte;
  ASSERT_TRUE(server->try_receive({&byte, 1}));
  server->when_readable(count);
  pause(50ms);
  EXPECT_EQ(count.calls, 2) << "there is another one already";
  server->when_writable(count);
  pause(5ms);
  EXPECT_EQ(count.calls, 3);
  ASSERT_TRUE(server->try_receive({&byte, 1}));
  server->when_readable(count);
  server->close();
  pause(5ms);
  EXPECT_EQ(count.calls, 4);
}

TEST_P(NetworkConformance, a_datagram_that_nobody_takes_is_told_of_and_fails_no_other) {
  auto gone = *networks_->server().bind_datagram({networks_->server_address(), 0});
  const Endpoint nobody = gone->local();
  gone.reset();
  auto server = *networks_->server().bind_datagram({networks_->server_address(), 0});
  auto client = *networks_->client().bind_datagram({any_address(), 0}, {.report_undelivered = true});
  auto quiet = *networks_->client().bind_datagram({any_address(), 0});
  ASSERT_TRUE(quiet->try_send(as_bytes("x"), nobody));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client->try_send(as_bytes("x"), nobody));
    ASSERT_TRUE(client->try_send(as_bytes("y"), server->local())) << "the answer to another one's is not its failure";
  }
  const auto wait = [](DatagramSocket& socket) -> Task<Status> { co_return co_await socket.readable(); };
  ASSERT_TRUE(run(wait(*client)));
  std::uint8_t byte;
  EXPECT_EQ(code_of(client->try_receive({&byte, 1})), ErrorCode::WouldBlock);
  const auto told = client->take_undelivered();
  ASSERT_TRUE(told);
  EXPECT_EQ(told->to, nobody);
  EXPECT_EQ(told->error, ErrorCode::ConnectionRefused) << told->error.message();
  while (client->take_undelivered()) continue;
  std::vector<Datagram> got;
  ByteVector content;
  run(keep_datagrams(*server, 3, got, content));
  EXPECT_FALSE(quiet->take_undelivered()) << "it did not ask";
}

TEST_P(NetworkConformance, closing_a_datagram_socket_wakes_its_reader) {
  auto socket =
      *networks_->client().bind_datagram({networks_->server_address().is_v4() ? IpAddress() : IpAddress::v6({}), 0});
  TaskGroup group(reactor());
  group.spawn([](DatagramSocket& datagrams) -> Task<void> {
    EXPECT_TRUE(co_await datagrams.readable());
    std::uint8_t byte;
    EXPECT_EQ(code_of(datagrams.try_receive({&byte, 1})), ErrorCode::Closed);
  }(*socket));
  pause(5ms);
  socket->close();
  run(group.join());
}

TEST_P(NetworkConformance, localhost_and_literals_are_found_by_type) {
  const auto names = networks_->client().make_name_client(NameClientOptions{});
  const auto first = [&](const char* name, RecordType type) {
    const auto found = run(names->look_up({name, type}));
    return found ? found->addresses.front().to_string() : std::string(to_string(found.error().code()));
  };
  EXPECT_EQ(first("localhost", RecordType::A), "127.0.0.1");
  EXPECT_EQ(first("a.localhost", RecordType::Aaaa), "::1");
  EXPECT_EQ(first("2001:db8::5", RecordType::Aaaa), "2001:db8::5");
  EXPECT_EQ(first("2001:db8::5", RecordType::A), "NoRecords");
  EXPECT_EQ(first("localhost", RecordType::Txt), "NoRecords");
}

TEST_P(NetworkConformance, the_loopback_is_an_interface) {
  auto interfaces = networks_->client().interfaces();
  ASSERT_TRUE(interfaces);
  EXPECT_TRUE(std::ranges::any_of(*interfaces, [](const Interface& i) { return i.address.is_loopback(); }));
}

INSTANTIATE_TEST_SUITE_P(
    All, NetworkConformance,
    ::testing::Values(
        Variant{"real_v4", [] { return std::make_unique<RealNetworks>("127.0.0.1"); }},
        Variant{"real_v6", [] { return std::make_unique<RealNetworks>("::1"); }},
        Variant{"sim_v4", [] { return std::make_unique<SimNetworks>(/*v4=*/true); }},
        Variant{"sim_v6", [] { return std::make_unique<SimNetworks>(/*v4=*/false); }},
        Variant{"real_short",
                [] { return std::make_unique<ShortNetworks>(std::make_unique<RealNetworks>("127.0.0.1")); }},
        Variant{"sim_short",
                [] { return std::make_unique<ShortNetworks>(std::make_unique<SimNetworks>(/*v4=*/true)); }}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace starling::io
