// c-ares on the reactor, against a name server of few lines on the loopback: sockets are what is tested here.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <map>

#include "io/stream_testing.hpp"
#include "starling/io/dns_message.hpp"
#include "starling/io/name_client.hpp"
#include "starling/io/real.hpp"

namespace starling::io {
namespace {

using namespace std::chrono_literals;
using namespace testing;

// Where a query's question ends: behind its name, type and class.
std::size_t question_end(Bytes query) {
  std::size_t at = 12;
  while (at < query.size() && query[at] != 0) at += query[at] + 1u;
  return at + 5;
}

/// Answers every query with `code`, or with one record of the asked type; over TCP in full, over UDP as told.
class NameServer {
 public:
  NameServer(Reactor& reactor, Network& network, const Endpoint& at = {IpAddress::v4({127, 0, 0, 1}), 0})
      : tasks_(reactor) {
    udp_ = *network.bind_datagram(at);
    tcp_ = *network.listen(udp_->local(), {});
    tasks_.spawn(serve_udp());
    tasks_.spawn(serve_tcp());
  }
  Endpoint at() const { return udp_->local(); }
  Task<void> close() {
    udp_->close();
    tcp_->close();
    co_await tasks_.close();
  }

  std::uint8_t code = 0;
  bool silent = false, cut_short = false;  // over UDP
  std::uint8_t last_byte = 4;              // of the address it answers with
  int udp_queries = 0, tcp_queries = 0;

 private:
  ByteVector reply_to(Bytes query, bool cut) const {
    const std::size_t end = question_end(query);
    ByteVector reply = to_vector(query.first(end));
    reply[2] = std::uint8_t(0x81 | (cut ? 2 : 0));
    reply[3] = std::uint8_t(0x80 | code);
    put_u16_be(reply.data() + 6, code == 0 && !cut ? 1 : 0);
    put_u16_be(reply.data() + 8, 0);
    put_u16_be(reply.data() + 10, 0);
    if (code != 0 || cut) return reply;
    append(reply, ByteVector{0xc0, 12});
    append(reply, query.subspan(end - 4, 4));
    append(reply, ByteVector{0, 0, 0, 77});
    switch (query[end - 3]) {
      case 1:
        append(reply, ByteVector{0, 4, 1, 2, 3, last_byte});
        break;
      case 28:
        append(reply, ByteVector{0, 16, 0x20, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last_byte});
        break;
      default:
        append(reply, ByteVector{0, 6, 2, 'o', 'n', 2, 'c', 'e'});
    }
    return reply;
  }
  Task<void> serve_udp() {
    ByteVector buffer(4096);
    for (;;) {
      const auto got = udp_->try_receive(buffer);
      if (!got && !(got.error() == ErrorCode::WouldBlock)) co_return;
      if (!got) {
        if (!co_await udp_->readable()) co_return;
        continue;
      }
      ++udp_queries;
      if (!silent) (void)udp_->try_send(reply_to(Bytes(buffer).first(got->size), cut_short), got->from);
    }
  }
  Task<void> serve_tcp() {
    for (;;) {
      auto socket = co_await tcp_->accept();
      if (!socket) co_return;
      const auto size = co_await read_exactly(**socket, 2);
      if (!size) continue;
      const auto query = co_await read_exactly(**socket, get_u16_be(as_bytes(*size).data()));
      if (!query) continue;
      ++tcp_queries;
      const ByteVector reply = reply_to(as_bytes(*query), /*cut=*/false);
      ByteVector framed(2);
      put_u16_be(framed.data(), std::uint16_t(reply.size()));
      append(framed, reply);
      (void)co_await write_all(**socket, framed);
    }
  }

  std::unique_ptr<DatagramSocket> udp_;
  std::unique_ptr<Listener> tcp_;
  TaskGroup tasks_;
};

class AresTest : public ::testing::Test {
 protected:
  void TearDown() override {
    run_task(*reactor_, server_.close());
    client_.reset();
    EXPECT_EQ(reactor_->armed_timers(), 0u);
  }
  NameClientOptions options() const {
    NameClientOptions options;
    options.servers = {server_.at()};
    options.query_timeout = 50ms;
    options.tries = 2;
    options.max_pending = 2;
    return options;
  }
  NameClient& make(const NameClientOptions& options) {
    client_ = network_->make_name_client(options);
    return *client_;
  }
  Result<NameRecords> look_up(const char* name, RecordType type) {
    return run_task(*reactor_, client_->look_up({name, type}));
  }

  std::unique_ptr<RealReactor> reactor_ = RealReactor::create();
  std::unique_ptr<Network> network_ = reactor_->make_network();
  NameServer server_{*reactor_, *network_};
  std::unique_ptr<NameClient> client_;
};

TEST_F(AresTest, records_of_each_type_come_with_their_time_to_live) {
  make(options());
  const auto four = look_up("x.example", RecordType::A);
  ASSERT_TRUE(four) << four.error().message();
  EXPECT_EQ(four->addresses, std::vector{IpAddress::v4({1, 2, 3, 4})});
  EXPECT_EQ(four->ttl, 77s);
  const auto six = look_up("x.example", RecordType::Aaaa);
  ASSERT_TRUE(six) << six.error().message();
  EXPECT_EQ(six->addresses.front().to_string(), "2001::4");
  const auto text = look_up("_dnsaddr.x.example", RecordType::Txt);
  ASSERT_TRUE(text) << text.error().message();
  EXPECT_EQ(text->texts, std::vector<std::string>{"once"});
  EXPECT_EQ(text->ttl, 77s);
  EXPECT_EQ(server_.tcp_queries, 0);
}

TEST_F(AresTest, a_reply_cut_short_is_asked_for_again_over_tcp) {
  make(options());
  server_.cut_short = true;
  const auto text = look_up("x.example", RecordType::Txt);
  ASSERT_TRUE(text) << text.error().message();
  EXPECT_EQ(server_.tcp_queries, 1);
}

TEST_F(AresTest, the_server_that_failed_is_named) {
  make(options());
  server_.code = 2;
  const auto failed = look_up("x.example", RecordType::Txt);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error(), ErrorCode::NameServerFailed);
  EXPECT_NE(failed.error().detail().find("TXT x.example from " + server_.at().to_string()), std::string::npos)
      << failed.error().detail();
  server_.code = 3;
  EXPECT_EQ(code_of(look_up("x.example.", RecordType::Txt)), ErrorCode::InvalidArgument);
  EXPECT_EQ(code_of(look_up("x.example", RecordType::A)), ErrorCode::NameNotFound);
}

TEST_F(AresTest, silence_ends_in_a_timeout_after_all_tries) {
  make(options());
  server_.silent = true;
  EXPECT_EQ(code_of(look_up("x.example", RecordType::A)), ErrorCode::Timeout);
  EXPECT_EQ(server_.udp_queries, 2);
  NameClientOptions nobody = options();
  nobody.servers = {{IpAddress::v4({127, 0, 0, 1}), 1}};
  make(nobody);
  EXPECT_EQ(code_of(look_up("x.example", RecordType::A)), ErrorCode::NameServerFailed);
}

TEST_F(AresTest, a_lookup_given_up_counts_until_its_tries_are_over) {
  make(options());
  server_.silent = true;
  const auto give_up = [&] {
    return code_of(run_task(*reactor_, with_deadline(1ms, Error(ErrorCode::Cancelled, Op::Resolve, Origin::Cancelled),
                                                     client_->look_up({"x.example", RecordType::A}))));
  };
  EXPECT_EQ(give_up(), ErrorCode::Cancelled);
  EXPECT_EQ(give_up(), ErrorCode::Cancelled);
  EXPECT_EQ(give_up(), ErrorCode::LimitExceeded);
  run_task(*reactor_, [](Reactor& reactor) -> Task<void> { (void)co_await sleep_for(reactor, 300ms); }(*reactor_));
  EXPECT_EQ(give_up(), ErrorCode::Cancelled);
}

TEST_F(AresTest, the_client_may_go_with_a_lookup_under_way) {
  make(options());
  server_.silent = true;
  EXPECT_EQ(code_of(run_task(*reactor_, with_deadline(1ms, timeout_error(Op::Resolve, "test"),
                                                      client_->look_up({"x.example", RecordType::A})))),
            ErrorCode::Timeout);
  client_.reset();
}

TEST_F(AresTest, another_resolv_conf_is_read_without_a_restart) {
  const std::string file = ::testing::TempDir() + "resolv_conf_" + std::to_string(::getpid());
  const auto write = [&](const std::string& line) { std::ofstream(file) << line << "\n"; };
  const std::uint16_t port = server_.at().port;
  NameServer other(*reactor_, *network_, {IpAddress::v4({127, 0, 0, 2}), port});
  other.last_byte = 5;
  const auto address = [&] {
    const auto found = look_up("x.example", RecordType::A);
    return found ? found->addresses.front().to_string() : found.error().message();
  };
  write("nameserver 127.0.0.1");
  NameClientOptions system = options();
  system.servers.clear();
  system.resolv_conf = file;
  system.resolv_conf_port = port;
  make(system);
  EXPECT_EQ(address(), "1.2.3.4");
  EXPECT_EQ(client_->description(), server_.at().to_string());
  write("nameserver 127.0.0.2  # another network");
  EXPECT_EQ(address(), "1.2.3.5");
  std::remove(file.c_str());
  run_task(*reactor_, other.close());
}

}  // namespace
}  // namespace starling::io
