// DNS over HTTPS against a web server of few lines in the simulated world.
#include <gtest/gtest.h>

#include <deque>

#include "names/names_testing.hpp"
#include "starling/io/dns_message.hpp"
#include "starling/io/faulty.hpp"
#include "starling/io/sim_network.hpp"
#include "starling/names/doh.hpp"
#include "support/web_certificate.hpp"

namespace starling::names {
namespace {

using namespace testing;
using starling::testing::kWebCertificateA;
using starling::testing::kWebCertificateB;
using starling::testing::kWebCertificateTime;
using starling::testing::kWebKeyA;
using starling::testing::TemporaryFolder;

// x.example A 1.2.3.4 with 100 s to live, for the query in `query`; only its first question is looked at.
std::string a_reply(std::string_view query) {
  std::string reply(query);
  reply[2] = char(0x81);
  reply[3] = char(0x80);
  reply[7] = 1;
  return reply + std::string("\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x64\x00\x04\x01\x02\x03\x04", 16);
}

/// Answers each POST with a DNS reply, or with what `say` holds for it.
class WebServer {
 public:
  WebServer(io::World world, io::Endpoint at, security::WebTlsServer& tls)
      : world_(world), tls_(tls), tasks_(world.reactor), listener_(*world.network.listen(at, {})) {
    tasks_.spawn(accept());
  }
  io::Task<void> close() {
    listener_->close();
    co_await tasks_.close();
  }

  std::deque<std::string> say;  // whole HTTP replies, used up one by one; "" closes without a reply
  std::string extra_header;
  bool silent = false, close_after_reply = false;
  int connections = 0, requests = 0;

 private:
  struct Sink final : security::PlaintextSink {
    Status on_plaintext(Bytes bytes) override {
      text += as_text(bytes);
      return {};
    }
    std::string text;
  };
  io::Task<void> accept() {
    for (;;) {
      auto socket = co_await listener_->accept();
      if (!socket) co_return;
      ++connections;
      tasks_.spawn(serve(std::move(*socket)));
    }
  }
  io::Task<Status> more(io::StreamSocket& socket, ByteQueue& in, ByteQueue& out) {
    while (!out.empty()) {
      const auto written = socket.try_write(out.view());
      if (!written) co_return std::unexpected(written.error());
      out.consume(*written);
    }
    for (;;) {
      const auto got = socket.try_read(in.prepare(4096));
      if (got) in.commit(*got);
      if (got && *got > 0) co_return Status{};
      if (got) co_return fail(ErrorCode::EndOfStream, Op::Read, Origin::Remote);
      if (!(got.error() == ErrorCode::WouldBlock)) co_return std::unexpected(got.error());
      STARLING_CO_CHECK(co_await socket.readable());
    }
  }
  io::Task<void> serve(std::unique_ptr<io::StreamSocket> socket) {
    ByteQueue in, out;
    const auto handshake = tls_.begin();
    if (!handshake->start(out)) co_return;
    while (!handshake->done()) {
      if (!co_await more(*socket, in, out) || !handshake->receive(in, out)) co_return;
    }
    const auto channel = handshake->take().channel;
    Sink sink;
    for (;;) {
      if (!channel->open(in, sink)) co_return;
      const std::size_t header = sink.text.find("\r\n\r\n");
      const std::size_t length = sink.text.find("Content-Length: ");
      if (header != std::string::npos && sink.text.size() >= header + 4 + std::stoul(sink.text.substr(length + 16))) {
        const std::string reply = answer(sink.text.substr(header + 4));
        sink.text.clear();
        if (reply.empty()) co_return;
        if (!silent && !channel->seal(as_bytes(reply), out)) co_return;
        while (!out.empty()) {
          const auto written = socket->try_write(out.view());
          if (!written) co_return;
          out.consume(*written);
        }
        if (close_after_reply) co_return;
      }
      if (!co_await more(*socket, in, out)) co_return;
    }
  }
  std::string answer(std::string_view query) {
    ++requests;
    if (!say.empty()) {
      const std::string reply = say.front();
      say.pop_front();
      return reply;
    }
    const std::string body = a_reply(query);
    return "HTTP/1.1 200 OK\r\nContent-Type: application/dns-message\r\n" + extra_header +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }

  io::World world_;
  security::WebTlsServer& tls_;
  io::TaskGroup tasks_;
  std::unique_ptr<io::Listener> listener_;
};

class DohTest : public ::testing::Test {
 protected:
  void SetUp() override {
    tls_ = *security::WebTlsServer::load({.certificate_file = folder_.write("cert", kWebCertificateA),
                                          .key_file = folder_.write("key", kWebKeyA),
                                          .alpn = {"http/1.1"},
                                          .check_interval = 1s});
    world_.set_name("node.example", server_host_.addresses());
    world_.set_name("other.example", server_host_.addresses());
    server_ = std::make_unique<WebServer>(server_host_.world(), server_host_.at(443), *tls_);
    bootstrap_ = client_host_.world().network.make_name_client(io::NameClientOptions{});
    make("https://node.example/dns-query");
  }
  void TearDown() override {
    client_.reset();
    run(server_->close());
    EXPECT_EQ(client_host_.open_descriptors(), 0u);
    EXPECT_EQ(world_.reactor().armed_timers(), 0u);
  }
  std::unique_ptr<security::WebTlsClient> trusting(std::string_view certificate) {
    return *security::WebTlsClient::create(
        {.ca_file = folder_.write("ca", certificate), .unix_seconds = [] { return kWebCertificateTime; }});
  }
  void make(const std::string& url, std::string_view trusted = kWebCertificateA) {
    client_ =
        make_doh_client(client_host_.world(),
                        {.url = *parse_doh_url(url), .max_connections = 2, .max_reply = 4096, .idle_timeout = 10s},
                        trusting(trusted), *bootstrap_);
  }
  Result<NameRecords> ask(const std::string& name = "x.example") {
    return run(io::with_deadline(20s, io::timeout_error(Op::Resolve, "test"), client_->look_up({name, RecordType::A})));
  }
  io::Task<void> keep(std::optional<Result<NameRecords>>& into) {
    into = co_await client_->look_up({"x.example", RecordType::A});
  }
  template <typename T>
  T run(io::Task<T> task) {
    return io::run_task(world_.reactor(), std::move(task));
  }
  void run(io::Task<void> task) { io::run_task(world_.reactor(), std::move(task)); }

  TemporaryFolder folder_;
  io::SimWorld world_;
  io::SimHost &client_host_ = world_.add_host(), &server_host_ = world_.add_host();
  std::unique_ptr<security::WebTlsServer> tls_;
  std::unique_ptr<WebServer> server_;
  std::unique_ptr<io::NameClient> bootstrap_, client_;
};

TEST_F(DohTest, answers_come_over_a_connection_that_is_kept_for_a_while) {
  for (int i = 0; i < 3; ++i) {
    const auto found = ask();
    ASSERT_TRUE(found) << found.error().message();
    EXPECT_EQ(found->addresses, std::vector{io::IpAddress::v4({1, 2, 3, 4})});
    EXPECT_EQ(found->ttl, 100s);
  }
  EXPECT_EQ(server_->connections, 1);
  EXPECT_EQ(server_->requests, 3);
  world_.run_for(11s);
  EXPECT_EQ(client_host_.open_descriptors(), 0u);
  EXPECT_TRUE(ask());
  EXPECT_EQ(server_->connections, 2);
}

TEST_F(DohTest, the_age_of_a_cached_reply_is_taken_off_its_time_to_live) {
  server_->extra_header = "Age: 30\r\n";
  EXPECT_EQ(ask()->ttl, 70s);
  server_->extra_header = "Age: 3000\r\n";
  EXPECT_EQ(ask()->ttl, 0s);
}

TEST_F(DohTest, a_kept_connection_that_the_server_closed_is_replaced_without_a_word) {
  server_->close_after_reply = true;
  EXPECT_TRUE(ask());
  world_.run_for(1s);
  const auto again = ask();
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(server_->connections, 2);
}

TEST_F(DohTest, a_fresh_connection_that_fails_is_an_error_and_not_tried_again) {
  server_->say = {""};
  const auto failed = ask();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error(), ErrorCode::NameServerFailed);
  EXPECT_EQ(server_->requests, 1);
  server_->say = {"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"};
  const auto status = ask();
  EXPECT_NE(status.error().message().find("A x.example from https://node.example/dns-query"), std::string::npos);
  EXPECT_NE(status.error().message().find("HTTP status 500"), std::string::npos) << status.error().message();
}

TEST_F(DohTest, a_server_of_another_name_or_another_authority_is_not_believed) {
  make("https://other.example/dns-query");
  const auto other = ask();
  ASSERT_FALSE(other);
  ASSERT_NE(other.error().cause(), nullptr);
  EXPECT_EQ(*other.error().cause(), ErrorCode::CertificateUntrusted);
  make("https://node.example/dns-query", kWebCertificateB);
  EXPECT_EQ(*ask().error().cause(), ErrorCode::CertificateUntrusted);
  EXPECT_EQ(server_->requests, 0);
}

TEST_F(DohTest, more_questions_than_connections_wait_their_turn) {
  std::optional<Result<NameRecords>> found[5];
  io::TaskGroup group(world_.reactor());
  for (auto& each : found) group.spawn(keep(each));
  run(group.join());
  for (auto& each : found) EXPECT_TRUE(each && *each);
  EXPECT_EQ(server_->connections, 2);
  EXPECT_EQ(server_->requests, 5);
}

TEST_F(DohTest, a_question_given_up_frees_its_place_and_its_connection) {
  server_->silent = true;
  std::optional<Result<NameRecords>> found[3];
  io::TaskGroup group(world_.reactor());
  for (auto& each : found) group.spawn(keep(each));
  world_.run_for(1s);
  run(group.close());
  for (auto& each : found) EXPECT_EQ(each->error(), ErrorCode::Cancelled);
  EXPECT_EQ(client_host_.open_descriptors(), 0u);
  server_->silent = false;
  EXPECT_TRUE(ask());
}

TEST_F(DohTest, special_names_do_not_leave_the_machine) {
  EXPECT_EQ(ask("a.localhost")->addresses.front().to_string(), "127.0.0.1");
  EXPECT_EQ(ask("x.onion").error(), ErrorCode::NameNotFound);
  EXPECT_EQ(server_->connections, 0);
}

TEST_F(DohTest, any_operation_may_fail) {
  const auto operations = io::fail_each_operation([this](std::uint64_t n) {
    io::World world = client_host_.world();
    io::FaultyNetwork faulty(world.network, {.fail_at = n, .max_transfer_bytes = 100});
    const auto names = faulty.make_name_client(io::NameClientOptions{});
    const auto client = make_doh_client(
        {world.reactor, faulty, world.random},
        {.url = *parse_doh_url("https://node.example/"), .max_connections = 2, .max_reply = 4096, .idle_timeout = 10s},
        trusting(kWebCertificateA), *names);
    const auto found = run(client->look_up({"x.example", RecordType::A}));
    EXPECT_EQ(found.has_value(), !faulty.injected()) << n;
    return faulty.injected();
  });
  EXPECT_GT(operations, 10u);
}

}  // namespace
}  // namespace starling::names
