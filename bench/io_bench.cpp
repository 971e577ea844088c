// What the io layer costs: ready awaits, wake-ups, timers, and the simulated network's segments.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "starling/io/sim_network.hpp"

namespace starling::io {
namespace {

Task<int> leaf() { co_return 1; }
Task<int> depth_two() { co_return co_await leaf(); }
Task<int> depth_three() { co_return co_await depth_two(); }

template <typename MakeTask>
Task<void> await_all(benchmark::State& state, MakeTask make) {
  for (auto _ : state) benchmark::DoNotOptimize(co_await make());
}

void ready_await_depth_1(benchmark::State& state) {
  auto reactor = SimReactor::create();
  run_task(*reactor, await_all(state, leaf));
}
BENCHMARK(ready_await_depth_1);

void ready_await_depth_3(benchmark::State& state) {
  auto reactor = SimReactor::create();
  run_task(*reactor, await_all(state, depth_three));
}
BENCHMARK(ready_await_depth_3);

Task<void> await_notified(WaitQueue& mine, WaitQueue& other, const bool& done) {
  while (!done) {
    other.notify_one();
    (void)co_await mine.wait();
  }
  other.notify_one();
}

Task<void> drive(benchmark::State& state, WaitQueue& mine, WaitQueue& other, bool& done) {
  for (auto _ : state) {
    other.notify_one();
    (void)co_await mine.wait();
  }
  done = true;
  other.notify_one();
}

// Two tasks that wake each other: an iteration is two notifies and two resumes.
void notify_and_resume_twice(benchmark::State& state) {
  auto reactor = SimReactor::create();
  WaitQueue ping, pong;
  bool done = false;
  TaskGroup group(*reactor);
  group.spawn(await_notified(ping, pong, done));
  group.spawn(drive(state, pong, ping, done));
  reactor->run();
}
BENCHMARK(notify_and_resume_twice);

Task<void> sleep_again(Reactor& reactor, const std::uint64_t& left, std::uint64_t& fired, std::size_t number) {
  while (fired < left) {
    ++fired;
    (void)co_await sleep_for(reactor, std::chrono::microseconds(1 + number % 97));
  }
}

// Tasks that sleep over and over: an item is a sleep.
void sleeps(benchmark::State& state) {
  constexpr std::uint64_t kPerIteration = 200'000;
  std::uint64_t left = 0, fired = 0;
  auto reactor = SimReactor::create();
  for (auto _ : state) {
    left += kPerIteration;
    TaskGroup group(*reactor);
    for (std::size_t i = 0; i < std::size_t(state.range(0)); ++i) group.spawn(sleep_again(*reactor, left, fired, i));
    reactor->run();
  }
  state.SetItemsProcessed(std::int64_t(fired));
}
BENCHMARK(sleeps)->Arg(100)->Arg(10'000)->Unit(benchmark::kMillisecond);

// All readers read into one buffer: the bytes are not looked at, and 16,000 buffers would measure the machine's memory.
ByteVector& sink_buffer() {
  static ByteVector buffer(64 << 10);
  return buffer;
}

Task<void> sink_all(std::unique_ptr<StreamSocket> socket) {
  for (;;) {
    const auto got = socket->try_read(sink_buffer());
    if (got) {
      if (*got == 0) break;
    } else if (!(got.error() == ErrorCode::WouldBlock) || !co_await socket->readable()) {
      break;
    }
  }
}

Task<void> serve(Listener& listener, TaskGroup& group) {
  for (;;) {
    auto socket = co_await listener.accept();
    if (!socket) break;
    group.spawn(sink_all(std::move(*socket)));
  }
}

Task<void> send_messages(SimHost& from, SimHost& to, int count, std::size_t size) {
  World world = from.world();
  auto socket = co_await world.network.connect(to.at(1), {});
  if (!socket) co_return;
  const ByteVector message(size, 1);
  for (int i = 0; i < count; ++i) {
    (void)(*socket)->try_write(message);
    (void)co_await sleep_for(world.reactor, std::chrono::milliseconds(1));
  }
}

Task<void> close_group(TaskGroup& group) { co_await group.close(); }

// Hosts that each send 100-byte messages over sixteen connections; an item is a segment that was delivered.
void sim_segments(benchmark::State& state) {
  const auto hosts = std::size_t(state.range(0));
  constexpr int kMessages = 50;
  constexpr std::size_t kConnections = 16, kMessageBytes = 100;
  std::uint64_t segments = 0;
  for (auto _ : state) {
    SimWorld world;
    world.set_default_link({.latency = std::chrono::milliseconds(10), .jitter = std::chrono::microseconds(500)});
    TaskGroup servers(world.reactor()), clients(world.reactor());
    std::vector<std::unique_ptr<Listener>> listeners;
    for (std::size_t i = 0; i < hosts; ++i) {
      SimHost& host = world.add_host();
      listeners.push_back(std::move(*host.world().network.listen(host.at(1), {})));
      servers.spawn(serve(*listeners.back(), servers));
    }
    for (std::size_t i = 0; i < hosts; ++i)
      for (std::size_t k = 1; k <= kConnections; ++k)
        clients.spawn(send_messages(world.host(i), world.host((i + k * 7) % hosts), kMessages, kMessageBytes));
    world.run_for(std::chrono::seconds(5));
    run_task(world.reactor(), close_group(servers));
    segments += world.counters().segments;
  }
  state.SetItemsProcessed(std::int64_t(segments));
}
BENCHMARK(sim_segments)->Arg(50)->Arg(1000)->Unit(benchmark::kMillisecond);

Task<void> write_bytes(StreamSocket& socket, std::size_t count) {
  const ByteVector chunk(64 << 10, 1);
  while (count > 0) {
    const auto size = socket.try_write(Bytes(chunk).first(std::min(count, chunk.size())));
    if (size) {
      count -= *size;
    } else if (!(size.error() == ErrorCode::WouldBlock) || !co_await socket.writable()) {
      break;
    }
  }
  socket.shutdown_write();
}

Task<void> transfer(SimWorld& world, Listener& listener, std::size_t count) {
  auto client = co_await world.host(0).world().network.connect(listener.local(), {});
  auto server = co_await listener.accept();
  if (!client || !server) co_return;
  TaskGroup group(world.reactor());
  group.spawn(write_bytes(**client, count));
  co_await sink_all(std::move(*server));
  co_await group.join();
}

// One connection without a bandwidth: bytes through window, queue and copy.
void sim_stream_bytes(benchmark::State& state) {
  constexpr std::size_t kBytes = 16 << 20;
  SimWorld world;
  world.add_host();
  SimHost& server = world.add_host();
  auto listener = std::move(*server.world().network.listen(server.at(1), {}));
  for (auto _ : state) run_task(world.reactor(), transfer(world, *listener, kBytes));
  state.SetBytesProcessed(std::int64_t(state.iterations() * kBytes));
}
BENCHMARK(sim_stream_bytes)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace starling::io
