// Lanes with threads of their own and lanes on the caller's reactor: both behave alike.
#include "starling/io/lane.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "starling/io/real.hpp"
#include "starling/io/sim_network.hpp"

namespace starling::io {
namespace {

using std::literals::chrono_literals::operator""ms;

class Note final : public Mail {
 public:
  explicit Note(std::function<void()> action) : action_(std::move(action)) {}
  void deliver() override { action_(); }

 private:
  std::function<void()> action_;
};

TEST(MailboxTest, what_a_thread_sends_arrives_complete_and_in_its_order) {
  constexpr int kSenders = 3, kEach = 20'000;
  const auto reactor = RealReactor::create();
  Mailbox mailbox(*reactor);
  std::array<std::vector<int>, kSenders> got;
  int left = kSenders * kEach;
  std::vector<std::thread> senders;
  for (int sender = 0; sender < kSenders; ++sender) {
    senders.emplace_back([&, sender] {
      for (int i = 0; i < kEach; ++i)
        mailbox.send(std::make_unique<Note>([&, sender, i] {
          got[std::size_t(sender)].push_back(i);
          if (--left == 0) reactor->stop();
        }));
    });
  }
  reactor->run();
  for (auto& each : senders) each.join();
  for (const auto& numbers : got) {
    ASSERT_EQ(numbers.size(), std::size_t(kEach));
    EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
  }
}

TEST(MailboxTest, many_messages_wake_the_reactor_once) {
  const auto reactor = RealReactor::create();
  Mailbox mailbox(*reactor);
  int delivered = 0;
  for (int i = 0; i < 100; ++i) mailbox.send(std::make_unique<Note>([&] { ++delivered; }));
  mailbox.send(std::make_unique<Note>([&] { reactor->stop(); }));
  reactor->run();
  EXPECT_EQ(delivered, 100);
  EXPECT_LE(reactor->counters().turns, 3u);
}

TEST(MailboxTest, mail_sent_by_a_delivery_comes_behind_what_was_there) {
  SimWorld world;
  Mailbox mailbox(world.reactor());
  std::vector<int> order;
  mailbox.send(std::make_unique<Note>([&] {
    order.push_back(1);
    mailbox.send(std::make_unique<Note>([&] { order.push_back(3); }));
  }));
  mailbox.send(std::make_unique<Note>([&] { order.push_back(2); }));
  world.reactor().run();
  EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

/// Work made of a function.
struct Doing final : LaneWork {
  explicit Doing(std::function<Task<void>()> what_in) : what(std::move(what_in)) {}
  Task<void> work() override { co_await what(); }
  std::function<Task<void>()> what;
};

class LaneTest : public ::testing::TestWithParam<bool> {
 protected:
  static bool threads() { return GetParam(); }
  Reactor& home() { return threads() ? static_cast<Reactor&>(*real_) : sim_.reactor(); }
  static std::vector<std::unique_ptr<Lane>> one_more(Reactor& home, const World& world) {
    std::vector<std::unique_ptr<Lane>> lanes;
    lanes.push_back(std::make_unique<Lane>(home, world));
    return lanes;
  }
  std::unique_ptr<RealReactor> real_ = RealReactor::create();
  SimWorld sim_;
  std::vector<std::unique_ptr<Lane>> lanes_ =
      threads() ? start_lanes(*real_, 2) : one_more(sim_.reactor(), sim_.add_host().world());
  Lane& lane_ = *lanes_.front();
};

TEST_P(LaneTest, work_runs_on_the_lane_and_its_end_comes_home) {
  std::thread::id there;
  Reactor* reactor = nullptr;
  Doing doing([&]() -> Task<void> {
    there = std::this_thread::get_id();
    reactor = (co_await current_context()).reactor;
    (void)co_await sleep_for(*reactor, 1ms);
  });
  run_task(home(), lane_.run(doing));
  EXPECT_EQ(reactor, &lane_.world().reactor);
  EXPECT_EQ(there != std::this_thread::get_id(), threads());
}

TEST_P(LaneTest, a_cancel_is_passed_on_and_the_work_still_ends_first) {
  Status ended;
  bool cleaned_up = false;
  Doing doing([&]() -> Task<void> {
    ended = co_await sleep_for(lane_.world().reactor, std::chrono::hours(1));
    CancelScope always(nullptr);
    struct Parts {
      static Task<void> clean(Reactor& reactor) { (void)co_await sleep_for(reactor, 1ms); }
    };
    co_await Parts::clean(lane_.world().reactor).in(always);
    cleaned_up = true;
  });
  const Error why(ErrorCode::Timeout, Op::Run, Origin::Timeout, "test");
  run_task(home(), with_deadline(5ms, why, lane_.run(doing)));
  EXPECT_TRUE(cleaned_up);
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error(), ErrorCode::Timeout);
}

TEST_P(LaneTest, a_cancel_that_crosses_the_end_of_the_work_does_no_harm) {
  for (int round = 0; round < 300; ++round) {
    Doing doing([]() -> Task<void> { co_return; });
    struct Parts {
      static Task<void> all(Reactor& home, Lane& lane, LaneWork& work, int yields) {
        TaskGroup group(home);
        group.spawn(lane.run(work));
        for (int i = 0; i < yields; ++i) co_await yield();
        co_await group.close();
      }
    };
    run_task(home(), Parts::all(home(), lane_, doing, round % 7));
  }
}

TEST_P(LaneTest, much_work_at_once_from_one_home) {
  constexpr int kRuns = 200;
  std::atomic<int> done = 0;
  std::vector<Doing> works;
  for (int i = 0; i < kRuns; ++i)
    works.emplace_back([&]() -> Task<void> {
      for (int step = 0; step < 10; ++step) co_await yield();
      ++done;
    });
  struct Parts {
    static Task<void> all(Reactor& home, const std::vector<std::unique_ptr<Lane>>& lanes, std::vector<Doing>& works) {
      TaskGroup group(home);
      for (std::size_t i = 0; i < works.size(); ++i) group.spawn(lanes[i % lanes.size()]->run(works[i]));
      co_await group.join();
    }
  };
  run_task(home(), Parts::all(home(), lanes_, works));
  EXPECT_EQ(done, kRuns);
}

INSTANTIATE_TEST_SUITE_P(Lanes, LaneTest, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "thread" : "same_reactor"; });

// ---- sockets that move ----------------------------------------------------------------------------------------------

/// Echoes once on the lane what the home thread sends.
struct EchoOnce final : LaneWork {
  explicit EchoOnce(std::unique_ptr<StreamSocket> socket_in) : socket(std::move(socket_in)) {}
  Task<void> work() override {
    std::array<std::uint8_t, 64> bytes;
    for (;;) {
      const auto got = socket->try_read(bytes);
      if (got) {
        (void)socket->try_write(Bytes(bytes).first(*got));
        break;
      }
      if (!(got.error() == ErrorCode::WouldBlock) || !co_await socket->readable()) break;
    }
    socket.reset();
  }
  std::unique_ptr<StreamSocket> socket;
};

TEST(LaneThreadTest, a_tcp_socket_moves_with_its_ends_and_what_is_in_it) {
  const auto reactor = RealReactor::create();
  const auto network = reactor->make_network();
  const auto lanes = start_lanes(*reactor, 1);
  struct Parts {
    static Task<void> all(Network& network, Lane& lane) {
      auto listener = std::move(*network.listen({*IpAddress::from_string("127.0.0.1"), 0}, {}));
      auto near = std::move(*(co_await network.connect(listener->local(), {})));
      EXPECT_TRUE(near->try_write(as_bytes("before")));
      auto far = std::move(*(co_await listener->accept()));
      const Endpoint local = far->local(), remote = far->remote();
      EchoOnce echo(lane.adopt(far));
      EXPECT_EQ(far, nullptr);
      EXPECT_EQ(echo.socket->local(), local);
      EXPECT_EQ(echo.socket->remote(), remote);
      co_await lane.run(echo);
      std::array<std::uint8_t, 64> bytes;
      auto got = near->try_read(bytes);
      while (!got && (co_await near->readable())) got = near->try_read(bytes);
      EXPECT_EQ(as_text(Bytes(bytes).first(*got)), "before");
    }
  };
  run_task(*reactor, Parts::all(*network, *lanes.front()));
}

TEST(LaneThreadTest, a_socket_inside_the_process_stays_where_it_is) {
  const auto reactor = RealReactor::create();
  const auto network = reactor->make_network();
  const auto lanes = start_lanes(*reactor, 1);
  const auto listener = *network->listen_local({LocalPlace::Kind::Memory, "here"}, 4);
  auto socket = *network->connect_local({LocalPlace::Kind::Memory, "here"});
  EXPECT_EQ(lanes.front()->adopt(socket), nullptr);
  EXPECT_NE(socket, nullptr);
}

TEST(LaneThreadTest, lanes_stop_when_nothing_is_under_way) {
  const auto reactor = RealReactor::create();
  for (int round = 0; round < 20; ++round) EXPECT_EQ(start_lanes(*reactor, 3).size(), 3u);
}

}  // namespace
}  // namespace starling::io
