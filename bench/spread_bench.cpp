// Connections over one and over several reactors. Both ends of every connection are in this process, with one home
// reactor for all of them, so that with one reactor everything is one thread. On loopback; Noise and yamux.
//
// "reactors" counts the home reactor. home_share and lane_share say how busy these threads were (1: all the time);
// cpu_ns is processor time of all threads per byte, connection or round trip, busiest_ns that of the busiest thread,
// which is what bounds the node once each thread has a core of its own: that figure holds on a busy machine, too.
// `--benchmark_enable_random_interleaving=true
// --benchmark_repetitions=7` makes the runs comparable on a machine that has other work.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <ctime>
#include <memory>
#include <optional>
#include <vector>

#include "starling/io/lane.hpp"
#include "starling/io/real.hpp"
#include "starling/transport/spread.hpp"
#include "starling/transport/transport.hpp"

namespace starling::transport {
namespace {

using std::literals::chrono_literals::operator""s;

constexpr std::size_t kConnections = 16;
constexpr std::size_t kBulkBytes = 16u << 20;  // of each connection, per iteration
constexpr std::size_t kWindow = 512u << 10;

UpgraderOptions options() {
  UpgraderOptions options{};
  options.negotiate_timeout = options.security_timeout = options.connect_timeout = options.close_timeout = 10s;
  options.identify_timeout = 5s;
  options.max_pending_inbound = 1024;
  options.max_stream_inbox = 4u << 20;
  options.output_buffer = 256u << 10;
  options.listen_backlog = 1024;
  return options;
}

/// A connection that runs.
class Live final : public ConnectionEvents {
 public:
  explicit Live(std::unique_ptr<Connection> made) : connection(std::move(made)) { connection->start(*this); }
  io::Task<void> until_stream() {
    while (!arrived && !closed_) (void)co_await changed_.wait();
  }
  io::Task<void> close() {
    connection->close(CloseReason::local(CloseCode::Shutdown));
    while (!closed_) (void)co_await changed_.wait();
    co_await connection->join();
  }
  std::unique_ptr<Connection> connection;
  std::unique_ptr<RawStream> arrived;

 private:
  void on_inbound_stream(std::unique_ptr<RawStream> stream) override {
    arrived = std::move(stream);
    changed_.notify_all();
  }
  void on_closed(const CloseReason&) override {
    closed_ = true;
    changed_.notify_all();
  }
  bool closed_ = false;
  io::WaitQueue changed_;
};

struct End {
  End(io::World world, std::span<const std::unique_ptr<io::Lane>> lanes)
      : key(*crypto::PrivateKey::generate(crypto::KeyType::Ed25519, world.random)),
        spread(world.reactor, lanes, kWindow),
        upgrader(new Upgrader{world, options(), {}, {}, {}}) {
    upgrader->securities.push_back(std::move(*security::make_noise(key, world.random)));
    upgrader->muxers.push_back({std::string(muxer::kYamuxId), muxer::make_yamux});
    if (!lanes.empty()) upgrader->spread = &spread;
    transport = make_tcp_transport(*upgrader);
  }
  crypto::PrivateKey key;
  Spread spread;
  std::unique_ptr<Upgrader> upgrader;
  std::unique_ptr<Transport> transport;
};

struct Pair {
  std::unique_ptr<Live> dialer, acceptor;
};

/// Two ends on one home reactor, and the lanes they share.
class Ends {
 public:
  explicit Ends(std::size_t reactors) : lanes_(io::start_lanes(*reactor_, reactors - 1)) {
    listener_ = std::move(*server_.transport->listen(tcp_multiaddr({*io::IpAddress::from_string("127.0.0.1"), 0})));
  }
  ~Ends() { io::run_task(*reactor_, shut_down()); }

  void run(io::Task<void> task) { io::run_task(*reactor_, std::move(task)); }
  io::Task<void> connect(Pair& pair) {
    auto dialed = co_await client_.transport->dial(listener_->address(), {});
    pair.dialer = std::make_unique<Live>(std::move(*dialed));
  }
  io::Task<void> accept(Pair& pair) {
    pair.acceptor = std::make_unique<Live>(std::move(*(co_await listener_->accept())));
  }
  /// One after the other, so that both ends of a pair belong together.
  io::Task<void> connect_in_order(std::vector<Pair>& pairs) {
    for (Pair& each : pairs) {
      io::TaskGroup group(*reactor_);
      group.spawn(accept(each));
      co_await connect(each);
      co_await group.join();
    }
  }
  /// All at once.
  io::Task<void> connect_all(std::vector<Pair>& pairs) {
    io::TaskGroup group(*reactor_);
    for (Pair& each : pairs) {
      group.spawn(accept(each));
      group.spawn(connect(each));
    }
    co_await group.join();
  }
  io::Task<void> close_all(std::vector<Pair>& pairs) {
    io::TaskGroup group(*reactor_);
    for (Pair& each : pairs) {
      group.spawn(each.dialer->close());
      group.spawn(each.acceptor->close());
    }
    co_await group.join();
  }
  io::Reactor& reactor() { return *reactor_; }
  std::vector<Duration> lane_times() const {
    std::vector<Duration> times;
    for (const auto& lane : lanes_) times.push_back(lane->cpu_time());
    return times;
  }

 private:
  io::Task<void> shut_down() {
    co_await listener_->close();
    co_await client_.spread.close();
    co_await server_.spread.close();
  }
  std::unique_ptr<io::RealReactor> reactor_ = io::RealReactor::create();
  std::unique_ptr<io::Network> network_ = reactor_->make_network();
  std::vector<std::unique_ptr<io::Lane>> lanes_;
  End client_{{*reactor_, *network_, system_random()}, lanes_},
      server_{{*reactor_, *network_, system_random()}, lanes_};
  std::unique_ptr<TransportListener> listener_;
};

Duration this_thread_time() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

/// Tells how the work of an interval was divided.
class Split {
 public:
  explicit Split(const Ends& ends) : ends_(ends) {}
  void tell(benchmark::State& state, double units) const {
    const auto wall = std::chrono::steady_clock::now() - wall_;
    const Duration home = this_thread_time() - home_;
    Duration lanes{}, busiest = home;
    const auto now = ends_.lane_times();
    for (std::size_t i = 0; i < now.size(); ++i) {
      lanes += now[i] - lanes_[i];
      busiest = std::max(busiest, now[i] - lanes_[i]);
    }
    state.counters["home_share"] = share(home, wall);
    state.counters["lane_share"] = share(lanes, wall);
    state.counters["cpu_ns"] = double((home + lanes).count()) / units;
    state.counters["busiest_ns"] = double(busiest.count()) / units;
  }

 private:
  static double share(Duration time, std::chrono::steady_clock::duration wall) {
    return double(time.count()) / double(wall.count());
  }
  const Ends& ends_;
  std::chrono::steady_clock::time_point wall_ = std::chrono::steady_clock::now();
  Duration home_ = this_thread_time();
  std::vector<Duration> lanes_ = ends_.lane_times();
};

io::Task<void> pour(RawStream& stream, Bytes piece, std::size_t bytes) {
  while (bytes > 0) {
    const auto took = stream.try_write(piece.first(std::min(piece.size(), bytes)));
    if (took) {
      bytes -= *took;
    } else if (!(took.error() == ErrorCode::WouldBlock) || !co_await stream.writable()) {
      co_return;
    }
  }
}

io::Task<void> drink(RawStream& stream, std::size_t bytes) {
  while (bytes > 0) {
    const std::size_t got = std::min(stream.peek().size(), bytes);
    if (got > 0) {
      stream.consume(got);
      bytes -= got;
    } else if (!stream.at_end() || !co_await stream.readable()) {
      co_return;
    }
  }
}

struct Flow {
  std::unique_ptr<RawStream> from, to;
};

io::Task<void> open_flow(Pair& pair, Flow& flow, Bytes piece) {
  flow.from = std::move(*pair.dialer->connection->open_stream());
  co_await pour(*flow.from, piece, 1);
  co_await pair.acceptor->until_stream();
  flow.to = std::move(pair.acceptor->arrived);
  co_await drink(*flow.to, 1);
}

// Half of the connections upload, half download.
io::Task<void> transfer(io::Reactor& home, std::vector<Flow>& flows, Bytes piece) {
  io::TaskGroup group(home);
  for (std::size_t i = 0; i < flows.size(); ++i) {
    RawStream &near = *flows[i].from, &far = *flows[i].to;
    group.spawn(pour(i % 2 == 0 ? near : far, piece, kBulkBytes));
    group.spawn(drink(i % 2 == 0 ? far : near, kBulkBytes));
  }
  co_await group.join();
}

void bulk(benchmark::State& state) {
  Ends ends{std::size_t(state.range(0))};
  std::vector<Pair> pairs(kConnections);
  std::vector<Flow> flows(kConnections);
  const ByteVector piece(64u << 10, 7);
  ends.run(ends.connect_in_order(pairs));
  for (std::size_t i = 0; i < kConnections; ++i) ends.run(open_flow(pairs[i], flows[i], piece));
  ends.run(transfer(ends.reactor(), flows, piece));  // windows grow
  const Split split(ends);
  for (auto _ : state) ends.run(transfer(ends.reactor(), flows, piece));
  const auto bytes = std::int64_t(state.iterations()) * std::int64_t(kConnections * kBulkBytes);
  split.tell(state, double(bytes));
  state.SetBytesProcessed(bytes);
  flows.clear();
  ends.run(ends.close_all(pairs));
}

void handshakes(benchmark::State& state) {
  Ends ends{std::size_t(state.range(0))};
  const Split split(ends);
  for (auto _ : state) {
    std::vector<Pair> pairs(kConnections);
    ends.run(ends.connect_all(pairs));
    ends.run(ends.close_all(pairs));
  }
  const auto connections = std::int64_t(state.iterations()) * std::int64_t(kConnections);
  split.tell(state, double(connections));
  state.SetItemsProcessed(connections);
}

// A byte there and back on each connection at once.
io::Task<void> round_trips(io::Reactor& home, std::vector<Flow>& flows, Bytes piece) {
  struct Parts {
    static io::Task<void> one(Flow& flow, Bytes piece) {
      for (int i = 0; i < 50; ++i) {
        co_await pour(*flow.from, piece, 64);
        co_await drink(*flow.to, 64);
        co_await pour(*flow.to, piece, 64);
        co_await drink(*flow.from, 64);
      }
    }
  };
  io::TaskGroup group(home);
  for (Flow& each : flows) group.spawn(Parts::one(each, piece));
  co_await group.join();
}

void small_messages(benchmark::State& state) {
  Ends ends{std::size_t(state.range(0))};
  std::vector<Pair> pairs(kConnections);
  std::vector<Flow> flows(kConnections);
  const ByteVector piece(64, 7);
  ends.run(ends.connect_in_order(pairs));
  for (std::size_t i = 0; i < kConnections; ++i) ends.run(open_flow(pairs[i], flows[i], piece));
  const Split split(ends);
  for (auto _ : state) ends.run(round_trips(ends.reactor(), flows, piece));
  const auto trips = std::int64_t(state.iterations()) * std::int64_t(kConnections) * 50;
  split.tell(state, double(trips));
  state.SetItemsProcessed(trips);
  flows.clear();
  ends.run(ends.close_all(pairs));
}

BENCHMARK(bulk)->ArgName("reactors")->DenseRange(1, 3)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(handshakes)->ArgName("reactors")->DenseRange(1, 3)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(small_messages)->ArgName("reactors")->DenseRange(1, 3)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace starling::transport
