// Streams inside one machine: memory and unix sockets, real and simulated.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/stream_testing.hpp"
#include "starling/io/real.hpp"
#include "starling/io/sim_network.hpp"
#include "support/web_certificate.hpp"

namespace starling::io {
namespace {

using namespace testing;
using Kind = LocalPlace::Kind;
using starling::testing::TemporaryFolder;

struct LocalVariant {
  std::string name;
  bool real;
  Kind kind;
};

class LocalStreams : public ::testing::TestWithParam<LocalVariant> {
 protected:
  Reactor& reactor() { return real() ? static_cast<Reactor&>(*reactor_) : world_.reactor(); }
  Network& network() { return real() ? *network_ : host_.world().network; }
  static bool real() { return GetParam().real; }
  LocalPlace place() const { return {GetParam().kind, folder_.path("socket")}; }
  template <typename T>
  T run(Task<T> task) {
    return run_task(reactor(), std::move(task));
  }
  SocketPair connect() {
    SocketPair pair{network().connect_local(place()).value(), nullptr};
    pair.server = run(listener_->accept()).value();
    return pair;
  }
  TemporaryFolder folder_;
  SimWorld world_;
  SimHost& host_ = world_.add_host();
  std::unique_ptr<RealReactor> reactor_ = RealReactor::create();
  std::unique_ptr<Network> network_ = reactor_->make_network();
  std::unique_ptr<Listener> listener_ = network().listen_local(place(), 4).value();
};

Task<void> write_and_end(StreamSocket& socket, const std::string& text) {
  EXPECT_TRUE(co_await write_all(socket, as_bytes(text)));
  socket.shutdown_write();
}

TEST_P(LocalStreams, carry_megabytes_both_ways_and_end_one_way_at_a_time) {
  const SocketPair pair = connect();
  const std::string there(3u << 20, 'x'), back(2u << 20, 'y');
  TaskGroup group(reactor());
  group.spawn(write_and_end(*pair.client, there));
  EXPECT_EQ(run(read_to_end(*pair.server)).value(), there);
  group.spawn(write_and_end(*pair.server, back));
  EXPECT_EQ(run(read_to_end(*pair.client)).value(), back);
  run_task(reactor(), group.join());
  EXPECT_EQ(pair.client->try_write(as_bytes("x")).error(), ErrorCode::Closed);
}

TEST_P(LocalStreams, make_the_writer_wait_for_the_reader) {
  const SocketPair pair = connect();
  const std::string piece(64u << 10, 'x');
  std::size_t written = 0;
  for (;;) {
    const auto took = pair.client->try_write(as_bytes(piece));
    if (!took) {
      EXPECT_EQ(took.error(), ErrorCode::WouldBlock);
      break;
    }
    written += *took;
    ASSERT_LT(written, 16u << 20);
  }
  EXPECT_EQ(run(read_exactly(*pair.server, written)).value().size(), written);
  EXPECT_TRUE(run([](StreamSocket& s) -> Task<Status> { co_return co_await s.writable(); }(*pair.client)));
  EXPECT_TRUE(pair.client->try_write(as_bytes("x")));
}

TEST_P(LocalStreams, tell_a_reader_and_a_writer_that_the_other_end_is_gone) {
  SocketPair pair = connect();
  ASSERT_TRUE(pair.server->try_write(as_bytes("last")));
  pair.server.reset();
  EXPECT_EQ(run(read_to_end(*pair.client)).value(), "last");
  EXPECT_FALSE(run(write_all(*pair.client, as_bytes("x"))));
}

TEST_P(LocalStreams, refuse_where_nobody_listens_and_more_than_may_wait) {
  EXPECT_EQ(network().listen_local(place(), 4).error(), ErrorCode::AddressInUse);
  std::vector<SocketPtr> waiting;
  Error last(ErrorCode::Internal, Op::None, Origin::Bug);
  for (int i = 0; i < 20; ++i) {
    auto made = network().connect_local(place());
    if (made)
      waiting.push_back(std::move(*made));
    else
      last = made.error();
  }
  if (GetParam().name != "real_unix") {  // how many more than the backlog may wait is the kernel's affair
    EXPECT_EQ(last, ErrorCode::ConnectionRefused);
    EXPECT_LE(waiting.size(), 5u);
  }
  listener_->close();
  EXPECT_FALSE(network().connect_local(place()));
  EXPECT_EQ(run(listener_->accept()).error(), ErrorCode::Closed);
  EXPECT_TRUE(network().listen_local(place(), 4)) << "the place is free again";
}

TEST_P(LocalStreams, wake_who_waits_in_them_when_closed) {
  const SocketPair pair = connect();
  std::optional<Status> woke;
  struct Wait {
    static Task<void> go(StreamSocket& socket, std::optional<Status>& woke) { woke = co_await socket.readable(); }
  };
  TaskGroup group(reactor());
  group.spawn(Wait::go(*pair.client, woke));
  run([](Reactor& on) -> Task<Status> { co_return co_await sleep_for(on, std::chrono::milliseconds(1)); }(reactor()));
  EXPECT_FALSE(woke);
  pair.client->close();
  run_task(reactor(), group.join());
  EXPECT_TRUE(woke);
  std::array<std::uint8_t, 1> byte;
  EXPECT_EQ(pair.client->try_read(byte).error(), ErrorCode::Closed);
}

INSTANTIATE_TEST_SUITE_P(Networks, LocalStreams,
                         ::testing::Values(LocalVariant{"real_memory", true, Kind::Memory},
                                           LocalVariant{"real_unix", true, Kind::Unix},
                                           LocalVariant{"sim_memory", false, Kind::Memory},
                                           LocalVariant{"sim_unix", false, Kind::Unix}),
                         [](const auto& info) { return info.param.name; });

class UnixSocketFiles : public ::testing::Test {
 protected:
  auto listen() { return network_->listen_local({Kind::Unix, path_}, 4); }
  TemporaryFolder folder_;
  std::string path_ = folder_.path("socket");
  std::unique_ptr<RealReactor> reactor_ = RealReactor::create();
  std::unique_ptr<Network> network_ = reactor_->make_network();
};

TEST_F(UnixSocketFiles, are_for_their_owner_only_and_go_with_the_listener) {
  auto listener = listen().value();
  struct stat info{};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  listener.reset();
  EXPECT_NE(::stat(path_.c_str(), &info), 0);
}

TEST_F(UnixSocketFiles, that_a_process_left_behind_are_replaced) {
  const int left = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(left, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::close(left);
  EXPECT_TRUE(listen());
}

TEST_F(UnixSocketFiles, are_not_made_over_something_else) {
  folder_.write("socket", "precious");
  EXPECT_EQ(listen().error(), ErrorCode::AddressInUse);
}

TEST_F(UnixSocketFiles, of_others_are_left_alone_when_the_listener_closes) {
  auto listener = listen().value();
  ::unlink(path_.c_str());
  folder_.write("socket", "somebody else's");
  listener.reset();
  EXPECT_EQ(::access(path_.c_str(), F_OK), 0);
}

TEST_F(UnixSocketFiles, with_a_path_too_long_for_the_system_are_refused_by_name) {
  const auto made = network_->listen_local({Kind::Unix, "/tmp/" + std::string(110, 'x')}, 4);
  EXPECT_EQ(made.error(), ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace starling::io
