// What only the operating system's side does: signals, threads, descriptors, names. The rest is in the conformance
// suite.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "io/stream_testing.hpp"
#include "starling/io/real.hpp"

namespace starling::io {
namespace {

using namespace std::chrono_literals;
using namespace testing;

class RealNetworkTest : public ::testing::Test {
 protected:
  std::unique_ptr<RealReactor> reactor_ = RealReactor::create();
  std::unique_ptr<Network> network_ = reactor_->make_network();
  Endpoint loopback_{IpAddress::v4({127, 0, 0, 1}), 0};
};

Task<void> run_for(Reactor& reactor, Duration time) { (void)co_await sleep_for(reactor, time); }

TEST_F(RealNetworkTest, a_signal_ends_the_wait_and_does_not_end_the_process) {
  CallbackTimer timer(*reactor_, [] { std::raise(SIGUSR1); });
  timer.set(reactor_->after(5ms));
  EXPECT_EQ(run_task(*reactor_, reactor_->wait_signal({SIGUSR1, SIGUSR2})), SIGUSR1);
}

TEST_F(RealNetworkTest, a_wait_for_signals_can_be_cancelled) {
  auto waiting = with_deadline(5ms, timeout_error(Op::Run, "signal"), reactor_->wait_signal({SIGUSR1}));
  EXPECT_EQ(code_of(run_task(*reactor_, std::move(waiting))), ErrorCode::Timeout);
}

TEST_F(RealNetworkTest, a_number_that_is_no_signal_is_an_error) {
  EXPECT_EQ(code_of(run_task(*reactor_, reactor_->wait_signal({-1}))), ErrorCode::SocketFailed);
}

TEST_F(RealNetworkTest, sleeps_last_at_least_as_long_as_asked) {
  const TimePoint start = reactor_->now();
  run_task(*reactor_, run_for(*reactor_, 10ms));
  EXPECT_GE(reactor_->now() - start, 10ms);
}

TEST_F(RealNetworkTest, work_posted_from_a_thread_runs_on_the_reactors) {
  const auto own = std::this_thread::get_id();
  std::thread::id seen;
  std::thread other([&] {
    reactor_->post_from_thread([&] {
      seen = std::this_thread::get_id();
      reactor_->stop();
    });
  });
  reactor_->run();
  other.join();
  EXPECT_EQ(seen, own);
}

TEST_F(RealNetworkTest, a_connect_that_nobody_answers_ends_with_its_deadline) {
  // A listener that accepts nobody and whose backlog is full drops what comes.
  auto listener = network_->listen(loopback_, {.backlog = 0});
  ASSERT_TRUE(listener);
  std::vector<SocketPtr> filling;
  Result<SocketPtr> last = fail(ErrorCode::Internal, Op::None, Origin::Bug);
  for (int i = 0; i < 10; ++i) {
    last = run_task(*reactor_,
                    with_deadline(20ms, timeout_error(Op::Dial, "test"), network_->connect((*listener)->local(), {})));
    if (!last) break;
    filling.push_back(std::move(*last));
  }
  EXPECT_EQ(code_of(last), ErrorCode::Timeout);
}

// Of this process.
int sockets_with_congestion(std::string_view name) {
  int found = 0;
  for (int descriptor = 0; descriptor < 256; ++descriptor) {
    char text[16] = {};
    socklen_t size = sizeof text;
    if (::getsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, text, &size) == 0 && name == text) ++found;
  }
  return found;
}

class RealCongestion : public RealNetworkTest {
 protected:
  void SetUp() override {
    const int probe = ::socket(AF_INET, SOCK_STREAM, 0);
    char name[17] = {};
    socklen_t size = sizeof name - 1;
    ASSERT_EQ(::getsockopt(probe, IPPROTO_TCP, TCP_CONGESTION, name, &size), 0);
    ::close(probe);
    if (name != std::string_view("cubic") && name != std::string_view("reno"))
      GTEST_SKIP() << "this system's is " << name << ", which is never replaced";
    system_ = name;
    other_ = system_ == "cubic" ? "reno" : "cubic";
  }
  void connect(const Congestion& congestion) {
    listeners_.push_back(*network_->listen(loopback_, {.congestion = congestion}));
    Result<SocketPair> pair = run_task(*reactor_, open(*listeners_.back(), {.local = {}, .congestion = congestion}));
    ASSERT_TRUE(pair) << pair.error().message();
    pairs_.push_back(std::move(*pair));
  }
  Task<Result<SocketPair>> open(Listener& listener, ConnectOptions options) {
    STARLING_CO_TRY(auto client, co_await network_->connect(listener.local(), std::move(options)));
    STARLING_CO_TRY(auto server, co_await listener.accept());
    co_return SocketPair{std::move(client), std::move(server)};
  }
  std::string system_, other_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<SocketPair> pairs_;
};

TEST_F(RealCongestion, a_listener_and_both_ends_of_a_connection_have_the_one_that_was_asked_for) {
  connect({.algorithm = other_});
  EXPECT_EQ(sockets_with_congestion(other_), 3);
  EXPECT_EQ(network_->congestion_counters().changed, 0u);
}

TEST_F(RealCongestion, a_short_path_keeps_the_systems) {
  connect({.algorithm = other_, .long_path = 10s});
  EXPECT_EQ(sockets_with_congestion(system_), 3);
  EXPECT_EQ(network_->congestion_counters().changed, 0u);
}

TEST_F(RealCongestion, a_long_path_changes_both_ends_of_the_connection) {
  connect({.algorithm = other_, .long_path = Duration(1)});
  EXPECT_EQ(sockets_with_congestion(other_), 2);
  EXPECT_EQ(sockets_with_congestion(system_), 1) << "the listener, whose connections may be short";
  EXPECT_EQ(network_->congestion_counters().changed, 2u);
}

TEST_F(RealCongestion, a_system_that_refuses_to_change_is_asked_once_and_keeps_its_own) {
  connect({.algorithm = "no-such", .long_path = Duration(1)});
  connect({.algorithm = "no-such", .long_path = Duration(1)});
  EXPECT_EQ(sockets_with_congestion(system_), 6);
  EXPECT_EQ(network_->congestion_counters().refused, 1u);
  EXPECT_EQ(network_->congestion_counters().changed, 0u);
}

TEST(CongestionByPath, replaces_what_works_by_loss_from_the_threshold_on) {
  const Congestion by_path{.algorithm = "bbr", .long_path = 10ms};
  EXPECT_TRUE(by_path.replaces("cubic", 10ms));
  EXPECT_TRUE(by_path.replaces("reno", 1s));
  EXPECT_FALSE(by_path.replaces("cubic", 10ms - Duration(1)));
  EXPECT_FALSE(by_path.replaces("cubic", 0ms)) << "nobody knows";
  for (const char* chosen : {"bbr", "dctcp", "hybla", ""}) EXPECT_FALSE(by_path.replaces(chosen, 1s)) << chosen;
}

TEST(CongestionByPath, the_systems_and_a_named_one_are_not_by_path) {
  for (const Congestion& each : {Congestion{}, Congestion{.algorithm = "bbr"}, Congestion{.long_path = 10ms}})
    EXPECT_FALSE(each.replaces("cubic", 1s));
}

TEST_F(RealNetworkTest, congestion_control_that_the_system_lacks_is_an_error_that_says_where_to_look) {
  const auto listener = network_->listen(loopback_, {.congestion = {.algorithm = "no-such"}});
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error(), ErrorCode::Unsupported);
  const auto dialed = run_task(
      *reactor_, network_->connect({loopback_.address, 1}, {.local = {}, .congestion = {.algorithm = "no-such"}}));
  ASSERT_FALSE(dialed);
  EXPECT_EQ(dialed.error(), ErrorCode::Unsupported);
  EXPECT_NE(dialed.error().message().find("tcp_allowed_congestion_control"), std::string::npos);
}

TEST_F(RealNetworkTest, out_of_descriptors_is_an_error_that_passes) {
#if __has_feature(undefined_behavior_sanitizer)
  GTEST_SKIP() << "the sanitizer opens a pipe to look at an object's type, and reports a bad object when it cannot";
#endif
  auto listener = *network_->listen(loopback_, {});
  auto waiting = run_task(*reactor_, network_->connect(listener->local(), {}));
  ASSERT_TRUE(waiting);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int lowest_free = ::dup(0);
  ::close(lowest_free);
  const rlimit none{static_cast<rlim_t>(lowest_free), before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto refused = run_task(*reactor_, listener->accept());
  const auto dialled = run_task(*reactor_, network_->connect(listener->local(), {}));
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(code_of(refused), ErrorCode::OutOfDescriptors);
  EXPECT_EQ(code_of(dialled), ErrorCode::OutOfDescriptors);
  EXPECT_TRUE(run_task(*reactor_, listener->accept()));
}

TEST_F(RealNetworkTest, sockets_may_be_left_open_when_the_reactor_goes) {
  auto listener = *network_->listen(loopback_, {});
  auto pair = *run_task(*reactor_, make_pair(*network_, *listener, listener->local()));
  std::uint8_t byte;
  auto late = with_deadline(1ms, timeout_error(Op::Read, "test"), read_some(*pair.client, {&byte, 1}));
  EXPECT_EQ(code_of(run_task(*reactor_, std::move(late))), ErrorCode::Timeout);
}

TEST(IpAddress, text_and_kinds) {
  const auto ip = [](const char* text) { return *IpAddress::from_string(text); };
  EXPECT_EQ(ip("1.2.3.4").to_string(), "1.2.3.4");
  EXPECT_EQ((Endpoint{ip("::1"), 5}.to_string()), "[::1]:5");
  EXPECT_EQ((Endpoint{ip("1.2.3.4"), 5}.to_string()), "1.2.3.4:5");
  for (const char* text : {"", "1.2.3", "1.2.3.4.5", "::g", "localhost"})
    EXPECT_FALSE(IpAddress::from_string(text)) << text;
  for (const char* text : {"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "fd00::1"})
    EXPECT_TRUE(ip(text).is_private()) << text;
  for (const char* text :
       {"11.0.0.1", "172.15.0.1", "172.32.0.1", "192.169.0.1", "100.63.255.255", "100.128.0.1", "2001:db8::1"})
    EXPECT_FALSE(ip(text).is_private()) << text;
  EXPECT_TRUE(ip("127.9.9.9").is_loopback());
  EXPECT_TRUE(ip("::1").is_loopback());
  EXPECT_FALSE(ip("::2").is_loopback());
  EXPECT_TRUE(ip("0.0.0.0").is_unspecified());
  EXPECT_TRUE(ip("::").is_unspecified());
}

TEST(IpAddress, link_local_is_169_254_and_fe80) {
  const auto ip = [](const char* text) { return *IpAddress::from_string(text); };
  for (const char* text : {"169.254.0.1", "fe80::1", "febf::1"}) EXPECT_TRUE(ip(text).is_link_local()) << text;
  for (const char* text : {"169.1.2.3", "169.253.0.1", "fec0::1"}) EXPECT_FALSE(ip(text).is_link_local()) << text;
}

}  // namespace
}  // namespace starling::io
