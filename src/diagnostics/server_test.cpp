#include "starling/diagnostics/server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "starling/io/faulty.hpp"
#include "starling/io/sim_network.hpp"

namespace starling::diagnostics {
namespace {

using testing::HasSubstr;
using std::literals::chrono_literals::operator""s;

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    registry_.add("peers", "Connected peers", [] { return boost::json::value{{"count", 3}}; });
    registry_.add_metrics([](Metrics& out) { out.gauge("a", "A number.").add(7); });
  }
  void start(std::size_t max_connections = 4) {
    server_ = std::make_unique<Server>(host_.world(), registry_,
                                       ServerOptions{{loopback(), 5101}, /*allow_remote=*/false, max_connections, 5s});
    const auto at = server_->start();
    ASSERT_TRUE(at) << at.error().message();
  }
  void TearDown() override {
    if (server_) io::run_task(world_.reactor(), server_->close());
    server_.reset();
    EXPECT_EQ(host_.open_descriptors(), 0u);
    EXPECT_EQ(world_.reactor().armed_timers(), 0u);
  }
  static io::IpAddress loopback() { return io::IpAddress::v4({127, 0, 0, 1}); }
  Result<HttpResponse> get(std::string target) {
    return io::run_task(world_.reactor(),
                        http_get(host_.world().network, {loopback(), 5101}, std::move(target), 20s, 1 << 20));
  }
  // Sends `text` and reads until the server closes.
  std::string raw(std::string text) {
    struct Talk {
      static io::Task<std::string> run(io::Network& network, std::string text) {
        auto socket = co_await network.connect({loopback(), 5101}, {});
        if (!socket) co_return "no connection";
        (void)(*socket)->try_write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
        std::string all;
        for (;;) {
          std::uint8_t buffer[1024];
          const auto got = (*socket)->try_read(buffer);
          if (got && *got == 0) break;
          if (got) {
            all.append(reinterpret_cast<const char*>(buffer), *got);
          } else if (!(got.error() == ErrorCode::WouldBlock) || !co_await (*socket)->readable()) {
            break;
          }
        }
        (*socket)->close();
        co_return all;
      }
    };
    return io::run_task(world_.reactor(), Talk::run(host_.world().network, std::move(text)));
  }

  io::SimWorld world_;
  io::SimHost& host_ = world_.add_host();
  Registry registry_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, pages_index_and_metrics_are_served) {
  start();
  const auto page = get("/debug/p2p/peers");
  ASSERT_TRUE(page) << page.error().message();
  EXPECT_EQ(page->status, 200u);
  EXPECT_EQ(boost::json::parse(page->body).at("count"), 3);
  EXPECT_THAT(get("/debug/p2p/")->body, HasSubstr("Connected peers"));
  EXPECT_THAT(get("/metrics")->body, HasSubstr("a 7\n"));
  EXPECT_THAT(get("/metrics")->content_type, HasSubstr("version=0.0.4"));
}

TEST_F(ServerTest, other_paths_are_not_found_and_say_what_there_is) {
  start();
  EXPECT_EQ(get("/debug/p2p/pears")->status, 404u);
  EXPECT_THAT(get("/debug/p2p/pears")->body, HasSubstr("peers"));
  EXPECT_EQ(get("/etc/passwd")->status, 404u);
  EXPECT_EQ(server_->counters().rejected, 3u);
}

TEST_F(ServerTest, a_name_in_the_host_header_is_refused) {
  start();
  EXPECT_THAT(raw("GET /debug/p2p/peers HTTP/1.1\r\nHost: evil.example:5101\r\nConnection: close\r\n\r\n"),
              HasSubstr("400 Bad Request"));
  EXPECT_THAT(raw("GET /debug/p2p/peers HTTP/1.1\r\nConnection: close\r\n\r\n"), HasSubstr("400 Bad Request"));
}

TEST_F(ServerTest, it_only_reads) {
  start();
  EXPECT_THAT(
      raw("POST /debug/p2p/peers HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
      HasSubstr("405 Method Not Allowed"));
}

TEST_F(ServerTest, one_connection_may_ask_again) {
  start();
  const std::string ask = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n";
  const std::string all = raw(ask + "\r\n" + ask + "Connection: close\r\n\r\n");
  EXPECT_EQ(server_->counters().requests, 2u);
  EXPECT_THAT(all, HasSubstr("Connection: keep-alive"));
  EXPECT_THAT(all, HasSubstr("Connection: close"));
}

TEST_F(ServerTest, what_is_no_http_gets_400_and_the_connection_ends) {
  start();
  EXPECT_THAT(raw("\x16\x03\x01hello\r\n\r\n"), HasSubstr("400 Bad Request"));
  EXPECT_THAT(raw("GET / HTTP/1.1\r\nA: " + std::string(20'000, 'a')), HasSubstr("400 Bad Request"));
}

TEST_F(ServerTest, a_silent_connection_ends_at_the_deadline) {
  start();
  const TimePoint before = world_.now();
  EXPECT_EQ(raw("GET / HT"), "");
  EXPECT_GE(world_.now() - before, 5s);
  EXPECT_LT(world_.now() - before, 6s);
}

TEST_F(ServerTest, connections_beyond_the_limit_are_closed_and_counted) {
  start(/*max_connections=*/1);
  struct Hold {
    static io::Task<std::unique_ptr<io::StreamSocket>> run(io::Network& network) {
      co_return std::move(*co_await network.connect({loopback(), 5101}, {}));
    }
  };
  auto held = io::run_task(world_.reactor(), Hold::run(host_.world().network));
  world_.run_for(1s);
  EXPECT_EQ(raw("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"), "");
  EXPECT_EQ(server_->counters().refused_connections, 1u);
  held->close();
  world_.run_for(1s);
  EXPECT_EQ(get("/metrics")->status, 200u);
}

TEST_F(ServerTest, an_address_that_is_not_loopback_needs_permission) {
  const io::Endpoint outside = host_.at(5101);
  Server refused(host_.world(), registry_, {outside, /*allow_remote=*/false, 4, 5s});
  const auto at = refused.start();
  ASSERT_FALSE(at);
  EXPECT_THAT(at.error().detail(), HasSubstr("diagnostics.allow_remote"));
  Server allowed(host_.world(), registry_, {outside, /*allow_remote=*/true, 4, 5s});
  EXPECT_TRUE(allowed.start());
  io::run_task(world_.reactor(), allowed.close());
}

TEST_F(ServerTest, whatever_fails_below_the_server_closes_and_the_next_request_is_served) {
  std::uint64_t served_after_fault = 0;
  const std::uint64_t operations = io::fail_each_operation([&](std::uint64_t n) {
    io::FaultyNetwork network(
        host_.world().network,
        {.fail_at = n,
         .operations = io::NetworkOperation::Accept | io::NetworkOperation::Read | io::NetworkOperation::Write});
    Server server({world_.reactor(), network, host_.world().random}, registry_, {{loopback(), 5101}, false, 4, 5s});
    EXPECT_TRUE(server.start());
    (void)get("/metrics");
    world_.run_for(1s);
    const auto again = get("/metrics");
    served_after_fault += again && again->status == 200 ? 1 : 0;
    io::run_task(world_.reactor(), server.close());
    return network.injected();
  });
  EXPECT_GT(operations, 3u);
  EXPECT_GE(served_after_fault, operations - 2);
}

}  // namespace
}  // namespace starling::diagnostics
