// The muxers alone, without sockets or encryption: payload through send(), output(), receive() and on_data().
// The argument is the payload per frame in bytes. bytes_per_second counts payload.
#include <benchmark/benchmark.h>

#include <utility>
#include <vector>

#include "starling/muxer/muxer.hpp"

namespace starling::muxer {
namespace {

// Takes payload as a reader that is always ready.
class Sink final : public Events {
 public:
  bool on_stream(StreamId id) override {
    last_accepted = id;
    return true;
  }
  void on_data(StreamId id, Bytes payload) override {
    received += payload.size();
    session->consumed(id, payload.size(), now);
  }
  void on_remote_close(StreamId id) override { session->close_write(id); }
  void on_reset(StreamId, ResetCode) override {}
  void on_writable(StreamId) override {}
  void on_go_away(ResetCode) override {}

  Session* session = nullptr;
  TimePoint now{};
  StreamId last_accepted = 0;
  std::uint64_t received = 0;
};

using Factory = std::unique_ptr<Session> (*)(const Config&);

class Pair {
 public:
  Pair(Factory make, Config config) {
    config.initiator = true;
    a = make(config);
    config.initiator = false;
    b = make(config);
    a_events.session = a.get();
    b_events.session = b.get();
    a->start({});
    b->start({});
    settle();
  }
  static void move(Session& from, Session& to, Sink& events) {
    if (!to.receive(from.output().view(), events.now, events)) std::abort();
    from.output().clear();
  }
  void settle() {
    while (!a->output().empty() || !b->output().empty()) {
      move(*a, *b, b_events);
      move(*b, *a, a_events);
    }
  }

  std::unique_ptr<Session> a, b;
  Sink a_events, b_events;
};

constexpr std::size_t kTurn = 256u << 10;  // what a connection sends at once

Config frames_of(std::size_t payload) {
  Config config;
  config.max_frame_payload = std::uint32_t(payload);
  return config;
}

void frame_and_parse(benchmark::State& state, Factory make) {
  Pair pair(make, frames_of(std::size_t(state.range(0))));
  const StreamId id = pair.a->open_stream().value();
  const ByteVector payload(kTurn, 0x5A);
  for (auto _ : state) {
    if (pair.a->send(id, payload) != payload.size()) std::abort();
    Pair::move(*pair.a, *pair.b, pair.b_events);
    Pair::move(*pair.b, *pair.a, pair.a_events);
  }
  state.SetBytesProcessed(std::int64_t(pair.b_events.received));
}

// The receiver's half: the same framed bytes again and again, on a stream whose window opens as it is read.
void parse_only(benchmark::State& state, Factory make) {
  Pair pair(make, frames_of(std::size_t(state.range(0))));
  const StreamId id = pair.a->open_stream().value();
  pair.settle();
  pair.a->send(id, ByteVector(kTurn / 2, 0x5A));
  const ByteVector wire = to_vector(pair.a->output().view());
  pair.settle();
  for (auto _ : state) {
    if (!pair.b->receive(wire, {}, pair.b_events)) std::abort();
    pair.b->output().clear();
  }
  state.SetBytesProcessed(std::int64_t(pair.b_events.received));
}

void copy_alone(benchmark::State& state) {
  const ByteVector from(kTurn, 0x5A);
  ByteQueue to;
  for (auto _ : state) {
    to.append(from);
    benchmark::DoNotOptimize(to.view().data());
    to.clear();
  }
  state.SetBytesProcessed(std::int64_t(state.iterations() * kTurn));
}

// A stream's whole life at both ends: open, accept, close, close; beside the argument's number of idle ones.
void open_and_close(benchmark::State& state, Factory make) {
  Config config;
  config.max_inbound_streams = config.max_outbound_streams = 1u << 20;
  Pair pair(make, config);
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    pair.a->open_stream().value();
    if (i % 100 == 0) pair.settle();
  }
  pair.settle();
  constexpr int kBatch = 64;
  for (auto _ : state) {
    for (int i = 0; i < kBatch; ++i) {
      const StreamId id = pair.a->open_stream().value();
      pair.a->close_write(id);
    }
    pair.settle();
  }
  if (pair.a->stats().outbound_streams != state.range(0)) std::abort();
  state.SetItemsProcessed(state.iterations() * kBatch);
}

BENCHMARK(copy_alone);
BENCHMARK_CAPTURE(frame_and_parse, yamux, make_yamux)->Arg(64 << 10)->Arg(1 << 10);
BENCHMARK_CAPTURE(frame_and_parse, mplex, make_mplex)->Arg(64 << 10)->Arg(1 << 10);
BENCHMARK_CAPTURE(parse_only, yamux, make_yamux)->Arg(64 << 10)->Arg(1 << 10);
BENCHMARK_CAPTURE(parse_only, mplex, make_mplex)->Arg(64 << 10)->Arg(1 << 10);
BENCHMARK_CAPTURE(open_and_close, yamux, make_yamux)->Arg(0)->Arg(10000);
BENCHMARK_CAPTURE(open_and_close, mplex, make_mplex)->Arg(0)->Arg(10000);

}  // namespace
}  // namespace starling::muxer

BENCHMARK_MAIN();
