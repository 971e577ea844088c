// Both sides of a connection do random things at random times over a wire that moves random amounts. Whatever one
// side was told it received must be a prefix of what the other had taken from its application, and all of it once
// both closed. Every run is named by its seed.
#include <gtest/gtest.h>

#include "muxer/muxer_testing.hpp"
#include "starling/base/random.hpp"

namespace starling::muxer::testing {
namespace {

struct Case {
  const char* name;
  Factory make;
};

class MuxerRandom : public ::testing::TestWithParam<Case> {};

INSTANTIATE_TEST_SUITE_P(, MuxerRandom, ::testing::Values(Case{"yamux", make_yamux}, Case{"mplex", make_mplex}),
                         [](const auto& param) { return std::string(param.param.name); });

constexpr std::size_t kMostPerStream = 1u << 20;

class Conversation {
 public:
  Conversation(Factory make, std::uint64_t seed) : random_(seeded_random(seed)), pair_(make, config(), config()) {
    for (Side* side : {&pair_.a, &pair_.b}) side->seen.consume = false;
  }

  void play(int steps) {
    for (int i = 0; i < steps; ++i) step();
    finish();
    check();
  }

 private:
  // What one side knows of a stream: its id there, and what it sent.
  struct End {
    StreamId id = 0;
    ByteVector sent;
    bool closed = false, reset = false;
  };
  // ends[0] at the opener, ends[1] at the acceptor.
  struct Link {
    bool opened_by_a = true;
    std::size_t order = 0;  // among the opener's streams
    End ends[2];
  };

  Config config() {
    Config config;
    config.max_frame_payload = std::uint32_t(1 + random_->below(40000));
    config.max_inbound_streams = 100000;
    config.window_memory_budget = 8u << 20;
    return config;
  }
  Side& side(const Link& link, int end) { return (end == 0) == link.opened_by_a ? pair_.a : pair_.b; }

  void step() {
    pair_.pass(std::chrono::microseconds(random_->below(2000)));
    const auto dice = random_->below(100);
    if (dice < 6) return open(random_->below(2) == 0);
    if (dice < 35) return move();
    if (links_.empty()) return;
    Link& link = links_[random_->below(links_.size())];
    const int end = int(random_->below(2));
    learn(link);
    if (link.ends[end].id == 0) return;
    if (dice < 70) return send(link, end);
    if (dice < 94) return consume(link, end);
    if (dice < 98) return close(link, end);
    reset(link, end);
  }

  void open(bool by_a) {
    Side& opener = by_a ? pair_.a : pair_.b;
    const auto id = opener.session->open_stream();
    if (!id) return;
    Link link{.opened_by_a = by_a, .order = opened_[by_a]++};
    link.ends[0].id = *id;
    links_.push_back(std::move(link));
  }
  void move() {
    const std::size_t most = 1 + random_->below(random_->below(4) == 0 ? 20 : 100000);
    if (random_->below(2) == 0) {
      pair_.move(pair_.a, pair_.b, most);
    } else {
      pair_.move(pair_.b, pair_.a, most);
    }
  }
  // Nothing is refused in a run, so the n-th stream that one side opens is the n-th that the other accepts.
  void learn(Link& link) {
    const auto& accepted = side(link, 1).seen.accepted;
    if (link.order < accepted.size()) link.ends[1].id = accepted[link.order];
  }
  void send(Link& link, int end) {
    End& from = link.ends[end];
    if (from.sent.size() > kMostPerStream) return;
    const ByteVector payload =
        pattern(random_->below(random_->below(3) == 0 ? 200000 : 300), from.sent.size() + std::size_t(end));
    const std::size_t taken = side(link, end).session->send(from.id, payload);
    append(from.sent, Bytes(payload).first(taken));
  }
  void consume(Link& link, int end) {
    Recorder& seen = side(link, end).seen;
    const std::size_t unread = seen.streams[link.ends[end].id].unread;
    if (unread > 0) seen.take(link.ends[end].id, 1 + random_->below(unread));
  }
  void close(Link& link, int end) {
    link.ends[end].closed = true;
    side(link, end).session->close_write(link.ends[end].id);
  }
  void reset(Link& link, int end) {
    link.ends[end].reset = true;
    side(link, end).session->reset(link.ends[end].id, 9);
  }

  void finish() {
    pair_.settle();
    for (Link& link : links_) {
      learn(link);
      for (int end = 0; end < 2; ++end) close(link, end);
    }
    pair_.settle();
  }
  void check() {
    ASSERT_TRUE(pair_.a.status) << pair_.a.status.error().message();
    ASSERT_TRUE(pair_.b.status) << pair_.b.status.error().message();
    ASSERT_EQ(pair_.misuse(), "");
    for (Link& link : links_)
      for (int end = 0; end < 2; ++end) check(link, end);
    for (const Side* each : {&pair_.a, &pair_.b}) {
      EXPECT_EQ(each->session->stats().inbound_streams, 0u);
      EXPECT_EQ(each->session->stats().outbound_streams, 0u);
      EXPECT_EQ(each->session->stats().receive_window_total, 0u);
    }
  }
  void check(Link& link, int end) {
    const Recorder::Seen& seen = side(link, end).seen.streams[link.ends[end].id];
    const ByteVector& sent = link.ends[1 - end].sent;
    ASSERT_LE(seen.data.size(), sent.size());
    ASSERT_TRUE(equal(seen.data, Bytes(sent).first(seen.data.size())));
    const bool reset = link.ends[0].reset || link.ends[1].reset;
    if (!reset) {
      ASSERT_EQ(seen.data.size(), sent.size());
      ASSERT_TRUE(seen.remote_closed);
      ASSERT_FALSE(seen.reset);
    }
  }

  std::unique_ptr<Random> random_;
  Pair pair_;
  std::vector<Link> links_;
  std::size_t opened_[2] = {0, 0};
};

TEST_P(MuxerRandom, delivers_what_was_sent) {
  for (std::uint64_t seed = 1; seed <= 15; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Conversation run(GetParam().make, seed);
    run.play(1500);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace starling::muxer::testing
