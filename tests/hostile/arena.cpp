#include "hostile/arena.hpp"

#include <malloc.h>

#include <algorithm>
#include <cstdio>

#include "hostile/processor_budget.hpp"

namespace starling::testing {
namespace {

using namespace std::chrono_literals;
using muxer::yamux::Header;
using muxer::yamux::Type;

constexpr Duration kPingPause = 100ms;
constexpr Duration kSlowestPing = 2s;  // two round trips take 40 ms when nobody attacks

std::size_t memory_in_use() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

}  // namespace

std::string to_string(Stage stage) {
  constexpr const char* kNames[] = {"connected", "header", "noise", "muxer_choice", "muxer", "stream"};
  return kNames[std::size_t(stage)];
}

io::Task<Status> reach(RawPeer& peer, io::Endpoint victim, Stage stage) {
  if (stage == Stage::MuxerChoice) co_return co_await peer.secure(victim, {});
  if (stage >= Stage::Muxer) {
    STARLING_CO_CHECK(co_await peer.secure(victim, {std::string(muxer::kYamuxId)}));
    if (stage == Stage::Stream) STARLING_CO_CHECK(co_await peer.send_plain(yamux_open(1)));
    co_return Status{};
  }
  STARLING_CO_CHECK(co_await peer.connect(victim));
  if (stage >= Stage::Header) STARLING_CO_CHECK(co_await peer.send(multistream(transport::kMultistreamId)));
  if (stage >= Stage::Noise) STARLING_CO_CHECK(co_await peer.send(multistream("/noise")));
  co_return Status{};
}

io::Task<Status> put(RawPeer& peer, Stage stage, Bytes bytes) {
  if (stage < Stage::MuxerChoice) co_return co_await peer.send(bytes);
  if (stage < Stage::Stream) co_return co_await peer.send_plain(bytes);
  co_return co_await peer.send_plain(
      yamux_frame({Type::Data, muxer::yamux::kNoFlags, 1, std::uint32_t(bytes.size())}, bytes));
}

runtime::Options victim_options() {
  runtime::Options options = deterministic_options();
  options.transport.muxers = {"yamux", "mplex"};
  options.perf.serve = true;
  return options;
}

Arena::Arena(runtime::Options options, std::uint64_t seed)
    : world_(seed),
      victim_(world_.add_host(), std::move(options)),
      friend_(world_.add_host(), deterministic_options()) {
  victim_.start();
  friend_.start();
  victim_.host().handle(std::string(kSinkProtocol), [this](host::Stream stream) -> io::Task<void> {
    struct Hold {
      static io::Task<void> run(io::Reactor& reactor, host::Stream held) {
        (void)co_await io::sleep_until(reactor, kNever);
        held.reset();
      }
    };
    return Hold::run(world_.reactor(), std::move(stream));
  });
}

void Arena::endure(io::Task<void> attack, std::size_t memory_budget) {
  const ProcessorBudget processor(world_);
  io::run_task(world_.reactor(), run(std::move(attack)));
  world_.reactor().run();
  const std::size_t grown = memory_most_ - std::min(memory_most_, memory_before_);
  const double seconds = processor.used_seconds();
  std::printf(
      "  memory +%zu of %zu KiB, %llu honest pings, slowest %lld ms, %llu KiB passed, %.2f of %.2f s of one core\n",
      grown >> 10, memory_budget >> 10, (unsigned long long)pings_, (long long)(slowest_ / 1ms),
      (unsigned long long)(processor.bytes() >> 10), seconds, processor.allowed_seconds());
  EXPECT_EQ(trouble_, "") << "the honest peer";
  EXPECT_GT(pings_, 0u);
  EXPECT_LE(slowest_, kSlowestPing);
  EXPECT_LE(grown, memory_budget);
  EXPECT_LE(seconds, processor.allowed_seconds()) << processor.bytes() << " bytes passed";
  EXPECT_EQ(victim_.last().still_open, 0u);
  EXPECT_EQ(victim_.machine().open_descriptors(), 0u);
  EXPECT_EQ(world_.reactor().armed_timers(), 0u);
}

io::Task<void> Arena::run(io::Task<void> attack) {
  const auto connected = co_await friend_.host().connect(victim_.id(), {victim_.listen_address()});
  if (!connected) trouble_ = connected.error().message();
  (void)co_await pass(1s);
  memory_before_ = memory_in_use();
  friend_.tasks().spawn(ping_forever());
  co_await std::move(attack);
  attacking_ = false;
  co_await friend_.tasks().join();
  co_await victim_.stop();
  co_await friend_.stop();
}

io::Task<void> Arena::ping_forever() {
  if (const Status status = co_await ping_all_the_time(); !status) trouble_ = status.error().message();
}

// A new stream each time: opening one is what floods hinder.
io::Task<Status> Arena::ping_all_the_time() {
  do {
    const TimePoint start = world_.now();
    STARLING_CO_TRY(ping::Pinger pinger,
                    co_await ping::Pinger::open(friend_.host(), victim_.id(), friend_.node().ping_options()));
    STARLING_CO_CHECK(co_await pinger.ping());
    STARLING_CO_CHECK(co_await pinger.close());
    ++pings_;
    slowest_ = std::max(slowest_, world_.now() - start);
    memory_most_ = std::max(memory_most_, memory_in_use());
    STARLING_CO_CHECK(co_await pass(kPingPause));
  } while (attacking_);
  co_return Status{};
}

}  // namespace starling::testing
