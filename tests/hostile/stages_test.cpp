// Peers that stall, send rubbish or never come to the point, at each stage of a connection's life.
#include "hostile/arena.hpp"

namespace starling::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kSmallBudget = 8u << 20;
constexpr int kSeeds = 20;

class EachStage : public ::testing::TestWithParam<Stage> {};
INSTANTIATE_TEST_SUITE_P(Hostile, EachStage,
                         ::testing::Values(Stage::Connected, Stage::Header, Stage::Noise, Stage::MuxerChoice,
                                           Stage::Muxer, Stage::Stream),
                         [](const auto& info) { return to_string(info.param); });

/// Inbound connections and streams that ended badly, whatever the reason.
std::uint64_t troubles(Arena& arena) {
  const auto& in = arena.inbound();
  return in.failed_negotiation + in.failed_security + in.failed_muxer + in.timed_out + arena.swarm().closed_violation +
         arena.host().negotiation_failed + arena.host().negotiation_timeout;
}

/// What an honest peer would say at `stage`, for one that says it slowly.
ByteVector honest_words(Stage stage) {
  if (stage == Stage::Noise) return ByteVector(34, 0);  // the length says 0: an empty first message
  if (stage == Stage::Muxer) return yamux_frame({muxer::yamux::Type::Ping, muxer::yamux::kSyn, 0, 1});
  return to_vector(
      as_bytes(multistream(stage == Stage::Header ? "/a/protocol/with/a/long/name" : transport::kMultistreamId)));
}

io::Task<void> say_slowly(Arena& arena, Stage stage) {
  RawPeer peer(arena.attacker());
  EXPECT_TRUE(co_await reach(peer, arena.target(), stage));
  ByteVector words = honest_words(stage);
  if (stage == Stage::Noise) words[1] = 32;
  for (const std::uint8_t& byte : words) {
    if (!co_await put(peer, stage, {&byte, 1})) break;
    (void)co_await arena.pass(1s);
  }
  (void)co_await arena.pass(1s);
  if (stage == Stage::Muxer) {  // a slow peer in a finished connection is a legal one
    EXPECT_EQ(troubles(arena), 0u);
  } else {
    EXPECT_EQ(arena.inbound().timed_out + arena.host().negotiation_timeout, 1u);
    EXPECT_EQ(troubles(arena), 1u);
  }
  peer.close();
  (void)co_await arena.pass(1s);
}

TEST_P(EachStage, one_byte_a_second_is_cut_by_the_deadline) {
  Arena arena;
  arena.endure(say_slowly(arena, GetParam()), kSmallBudget);
}

io::Task<void> say_nothing(Arena& arena, Stage stage) {
  RawPeer peer(arena.attacker());
  EXPECT_TRUE(co_await reach(peer, arena.target(), stage));
  (void)co_await arena.pass(12s);
  EXPECT_EQ(arena.inbound().timed_out + arena.host().negotiation_timeout, stage == Stage::Muxer ? 0u : 1u);
  peer.close();
  (void)co_await arena.pass(1s);
}

TEST_P(EachStage, silence_is_cut_by_the_deadline) {
  Arena arena;
  arena.endure(say_nothing(arena, GetParam()), kSmallBudget);
}

io::Task<void> say_rubbish(Arena& arena, Stage stage) {
  for (int seed = 1; seed <= kSeeds; ++seed) {
    RawPeer peer(arena.attacker());
    EXPECT_TRUE(co_await reach(peer, arena.target(), stage));
    ByteVector rubbish(1100 + arena.world().random().below(8000));
    seeded_random(std::uint64_t(seed))->fill(rubbish);
    (void)co_await put(peer, stage, rubbish);
    const Error late = io::timeout_error(Op::Read, "the victim");
    struct Wait {
      static io::Task<Status> run(RawPeer& closed) {
        co_await closed.read_until_closed();
        co_return Status{};
      }
    };
    const Status closed = co_await io::with_deadline(15s, late, Wait::run(peer));
    if (stage != Stage::Stream) EXPECT_TRUE(closed) << "seed " << seed << ": still open";
    peer.close();
    (void)co_await arena.pass(1s);
    EXPECT_EQ(troubles(arena), std::uint64_t(seed));
  }
  (void)co_await arena.pass(1s);
}

TEST_P(EachStage, random_bytes_end_it_with_a_counted_reason) {
  Arena arena;
  arena.endure(say_rubbish(arena, GetParam()), kSmallBudget);
}

// Stages where multistream is spoken.
class EachNegotiation : public ::testing::TestWithParam<Stage> {};
INSTANTIATE_TEST_SUITE_P(Hostile, EachNegotiation,
                         ::testing::Values(Stage::Connected, Stage::MuxerChoice, Stage::Stream),
                         [](const auto& info) { return to_string(info.param); });

io::Task<void> say(Arena& arena, Stage stage, std::string first, std::string again, int times) {
  RawPeer peer(arena.attacker());
  EXPECT_TRUE(co_await reach(peer, arena.target(), stage));
  EXPECT_TRUE(co_await put(peer, stage, as_bytes(first)));
  for (int i = 0; i < times; ++i) {
    if (!co_await put(peer, stage, as_bytes(again))) break;
  }
  (void)co_await arena.pass(1s);
  EXPECT_EQ(troubles(arena), 1u);
  EXPECT_EQ(arena.inbound().timed_out + arena.host().negotiation_timeout, 0u) << "cut at once, not by time";
  peer.close();
  (void)co_await arena.pass(1s);
}

TEST_P(EachNegotiation, oversized_message_is_refused_by_its_length) {
  Arena arena;
  arena.endure(say(arena, GetParam(), "\x81\x08/", std::string(100, 'a'), 3), kSmallBudget);
}

TEST_P(EachNegotiation, length_that_never_ends_is_refused) {
  Arena arena;
  arena.endure(say(arena, GetParam(), std::string(64, '\xff'), "", 0), kSmallBudget);
}

TEST_P(EachNegotiation, endless_proposals_are_refused) {
  Arena arena;
  arena.endure(say(arena, GetParam(), multistream(transport::kMultistreamId), multistream("/no/such/thing"), 100),
               kSmallBudget);
}

TEST_P(EachNegotiation, endless_na_is_refused) {
  Arena arena;
  arena.endure(say(arena, GetParam(), multistream(transport::kMultistreamId), multistream("na"), 100), kSmallBudget);
}

TEST_P(EachNegotiation, endless_ls_is_refused) {
  Arena arena;
  arena.endure(say(arena, GetParam(), multistream(transport::kMultistreamId), multistream("ls"), 100), kSmallBudget);
}

}  // namespace
}  // namespace starling::testing
