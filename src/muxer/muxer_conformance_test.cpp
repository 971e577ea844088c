// What every muxer does alike: the contract of starling/muxer/muxer.hpp, run against each implementation.
#include <gtest/gtest.h>

#include "muxer/muxer_testing.hpp"

namespace starling::muxer::testing {
namespace {

struct Muxer {
  const char* name;
  std::string_view id;
  Factory make;
  std::size_t refusal_size;  // bytes of the frame that refuses stream 1
};

class MuxerConformance : public ::testing::TestWithParam<Muxer> {
 protected:
  Pair pair(Config a = {}, Config b = {}) { return Pair(GetParam().make, a, b); }
};

INSTANTIATE_TEST_SUITE_P(, MuxerConformance,
                         ::testing::Values(Muxer{"yamux", kYamuxId, make_yamux, 12},
                                           Muxer{"mplex", kMplexId, make_mplex, 2}),
                         [](const auto& param) { return std::string(param.param.name); });

TEST_P(MuxerConformance, names_its_protocol) {
  Pair p = pair();
  EXPECT_EQ(p.a.session->protocol_id(), GetParam().id);
}

TEST_P(MuxerConformance, remote_is_told_of_a_new_stream_once) {
  Pair p = pair();
  const auto [here, there] = p.open();
  EXPECT_NE(here, 0u);
  EXPECT_EQ(p.b.seen.accepted.size(), 1u);
  EXPECT_TRUE(p.a.seen.accepted.empty());
  EXPECT_EQ(p.a.session->stats().outbound_streams, 1u);
  EXPECT_EQ(p.b.session->stats().inbound_streams, 1u);
}

TEST_P(MuxerConformance, both_sides_open_streams_that_stay_apart) {
  Pair p = pair();
  const StreamId a0 = *p.a.session->open_stream(), b0 = *p.b.session->open_stream();
  p.settle();
  p.a.session->send(a0, bytes_of("from a"));
  p.b.session->send(b0, bytes_of("from b"));
  p.settle();
  EXPECT_EQ(p.b.seen.text(p.b.seen.accepted.at(0)), "from a");
  EXPECT_EQ(p.a.seen.text(p.a.seen.accepted.at(0)), "from b");
  EXPECT_NE(p.a.seen.accepted.at(0), a0);
}

TEST_P(MuxerConformance, data_flows_both_ways_on_one_stream) {
  Pair p = pair();
  const auto [here, there] = p.open();
  EXPECT_EQ(p.a.session->send(here, bytes_of("question")), 8u);
  EXPECT_EQ(p.b.session->send(there, bytes_of("answer")), 6u);
  p.settle();
  EXPECT_EQ(p.b.seen.text(there), "question");
  EXPECT_EQ(p.a.seen.text(here), "answer");
}

TEST_P(MuxerConformance, data_may_follow_the_opening_at_once) {
  Pair p = pair();
  const StreamId id = *p.a.session->open_stream();
  p.a.session->send(id, bytes_of("hello"));
  p.a.session->close_write(id);
  p.settle();
  const StreamId there = p.b.seen.accepted.at(0);
  EXPECT_EQ(p.b.seen.text(there), "hello");
  EXPECT_TRUE(p.b.seen.streams[there].remote_closed);
}

TEST_P(MuxerConformance, frames_carry_no_more_than_max_frame_payload) {
  for (const std::uint32_t most : {1u, 7u, 1024u}) {
    Config config;
    config.max_frame_payload = most;
    Pair p = pair(config, config);
    const auto [here, there] = p.open();
    std::size_t largest = 0;
    p.b.seen.data_hook = [&](StreamId, Bytes piece) { largest = std::max(largest, piece.size()); };
    const ByteVector payload = pattern(3000);
    EXPECT_EQ(p.a.session->send(here, payload), payload.size());
    p.settle();
    EXPECT_EQ(p.b.seen.streams[there].data, payload);
    EXPECT_EQ(largest, most);
  }
}

TEST_P(MuxerConformance, sending_nothing_frames_nothing) {
  Pair p = pair();
  const auto [here, there] = p.open();
  EXPECT_EQ(p.a.session->send(here, {}), 0u);
  EXPECT_TRUE(p.a.session->output().empty());
}

TEST_P(MuxerConformance, half_closed_stream_goes_on_the_other_way) {
  Pair p = pair();
  const auto [here, there] = p.open();
  p.a.session->send(here, bytes_of("last words"));
  p.a.session->close_write(here);
  p.settle();
  EXPECT_TRUE(p.b.seen.streams[there].remote_closed);
  EXPECT_EQ(p.b.seen.text(there), "last words");
  EXPECT_EQ(p.b.session->send(there, bytes_of("still here")), 10u);
  p.settle();
  EXPECT_EQ(p.a.seen.text(here), "still here");
  EXPECT_FALSE(p.a.seen.streams[here].remote_closed);
  EXPECT_EQ(p.a.session->send(here, bytes_of("x")), 0u);
}

TEST_P(MuxerConformance, stream_is_gone_when_both_sides_closed) {
  Pair p = pair();
  const auto [here, there] = p.open();
  p.b.session->close_write(there);
  p.settle();
  EXPECT_EQ(p.a.session->stats().outbound_streams, 1u);
  p.a.session->close_write(here);
  EXPECT_EQ(p.a.session->stats().outbound_streams, 0u);
  p.settle();
  EXPECT_EQ(p.b.session->stats().inbound_streams, 0u);
  EXPECT_TRUE(p.b.seen.streams[there].remote_closed);
  EXPECT_FALSE(p.b.seen.streams[there].reset);
  EXPECT_EQ(p.b.session->stats().receive_window_total, 0u);
}

TEST_P(MuxerConformance, closing_twice_is_closing_once) {
  Pair p = pair();
  const auto [here, there] = p.open();
  p.a.session->close_write(here);
  const std::size_t size = p.a.session->output().size();
  p.a.session->close_write(here);
  EXPECT_EQ(p.a.session->output().size(), size);
  p.settle();
  EXPECT_EQ(p.misuse(), "");
}

TEST_P(MuxerConformance, reset_ends_both_directions) {
  Pair p = pair();
  const auto [here, there] = p.open();
  p.a.session->reset(here, 0);
  p.settle();
  EXPECT_TRUE(p.b.seen.streams[there].reset);
  EXPECT_FALSE(p.a.seen.streams[here].reset) << "nobody is told what it did itself";
  EXPECT_EQ(p.a.session->send(here, bytes_of("x")), 0u);
  EXPECT_EQ(p.b.session->send(there, bytes_of("x")), 0u);
  EXPECT_EQ(p.a.session->stats().outbound_streams, 0u);
  EXPECT_EQ(p.b.session->stats().inbound_streams, 0u);
}

TEST_P(MuxerConformance, acceptor_can_reset_too) {
  Pair p = pair();
  const auto [here, there] = p.open();
  p.b.session->reset(there, 0);
  p.settle();
  EXPECT_TRUE(p.a.seen.streams[here].reset);
}

TEST_P(MuxerConformance, reset_after_half_close_still_reaches_the_other_side) {
  Pair p = pair();
  const auto [here, there] = p.open();
  p.a.session->close_write(here);
  p.settle();
  p.a.session->reset(here, 0);
  p.settle();
  EXPECT_TRUE(p.b.seen.streams[there].reset);
}

TEST_P(MuxerConformance, resetting_twice_or_the_unknown_does_nothing) {
  Pair p = pair();
  const auto [here, there] = p.open();
  p.a.session->reset(here, 0);
  p.settle();
  for (const StreamId id : {here, StreamId(0), StreamId(12345), ~StreamId(0)}) {
    p.a.session->reset(id, 1);
    p.a.session->close_write(id);
    p.a.session->consumed(id, 100, p.now);
    EXPECT_EQ(p.a.session->send(id, bytes_of("x")), 0u);
  }
  EXPECT_TRUE(p.a.session->output().empty());
}

TEST_P(MuxerConformance, data_on_the_way_to_a_reset_stream_is_discarded) {
  Pair p = pair();
  const auto [here, there] = p.open();
  const auto [other_here, other_there] = p.open();
  p.a.session->send(here, pattern(5000));
  p.a.session->send(other_here, bytes_of("unharmed"));
  p.b.session->reset(there, 0);
  p.settle();
  EXPECT_TRUE(p.b.seen.streams[there].data.empty());
  EXPECT_EQ(p.b.session->stats().discarded_bytes, 5000u);
  EXPECT_EQ(p.b.seen.text(other_there), "unharmed");
  EXPECT_TRUE(p.a.seen.streams[here].reset);
}

TEST_P(MuxerConformance, reset_in_the_middle_of_a_frame_discards_its_rest) {
  Pair p = pair();
  const auto [here, there] = p.open();
  p.a.session->send(here, pattern(1000));
  p.a.session->close_write(here);
  p.b.seen.consume = false;
  p.b.seen.data_hook = [&](StreamId id, Bytes) { p.b.session->reset(id, 0); };
  while (p.move(p.a, p.b, 100)) {
  }
  EXPECT_LE(p.b.seen.streams[there].data.size(), 100u);
  EXPECT_EQ(p.b.seen.streams[there].data.size() + p.b.session->stats().discarded_bytes, 1000u);
  EXPECT_FALSE(p.b.seen.streams[there].remote_closed);
  EXPECT_EQ(p.misuse(), "");
}

TEST_P(MuxerConformance, refused_stream_is_reset) {
  Pair p = pair();
  p.b.seen.accept = false;
  const StreamId id = *p.a.session->open_stream();
  p.a.session->send(id, bytes_of("nobody hears this"));
  p.settle();
  EXPECT_TRUE(p.a.seen.streams[id].reset);
  EXPECT_EQ(p.b.session->stats().inbound_streams, 0u);
  EXPECT_EQ(p.b.session->stats().refused_streams, 1u);
  EXPECT_EQ(p.b.session->stats().discarded_bytes, 17u);
  EXPECT_TRUE(p.b.seen.streams[p.b.seen.accepted.at(0)].data.empty());
}

TEST_P(MuxerConformance, inbound_limit_refuses_the_first_stream_beyond_it) {
  Config limited;
  limited.max_inbound_streams = 3;
  Pair p = pair({}, limited);
  std::vector<StreamId> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(*p.a.session->open_stream());
  p.settle();
  EXPECT_EQ(p.b.seen.accepted.size(), 3u);
  EXPECT_EQ(p.b.session->stats().refused_streams, 1u);
  EXPECT_FALSE(p.a.seen.streams[ids[2]].reset);
  EXPECT_TRUE(p.a.seen.streams[ids[3]].reset);
  p.a.session->reset(ids[0], 0);
  p.a.session->open_stream().value();
  p.settle();
  EXPECT_EQ(p.b.seen.accepted.size(), 4u) << "room again after one ended";
}

TEST_P(MuxerConformance, outbound_limit_is_an_error_until_a_stream_ends) {
  Config limited;
  limited.max_outbound_streams = 2;
  Pair p = pair(limited);
  p.open();
  p.open();
  const auto third = p.a.session->open_stream();
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code(), ErrorCode::StreamLimit);
  EXPECT_EQ(third.error().origin(), Origin::Limit);
  EXPECT_EQ(p.a.seen.openable, 0);
  p.b.session->reset(p.b.seen.accepted[0], 0);
  p.settle();
  EXPECT_EQ(p.a.seen.openable, 1);
  EXPECT_TRUE(p.a.session->open_stream());
}

TEST_P(MuxerConformance, go_away_stops_new_streams_and_keeps_old_ones) {
  Pair p = pair();
  const auto [here, there] = p.open();
  p.b.session->go_away(0);
  p.b.session->go_away(0);
  const auto own = p.b.session->open_stream();
  ASSERT_FALSE(own);
  EXPECT_EQ(own.error().code(), ErrorCode::GoAway);
  const StreamId late = *p.a.session->open_stream();  // before the news arrives
  p.settle();
  EXPECT_TRUE(p.a.seen.streams[late].reset);
  EXPECT_EQ(p.b.session->stats().refused_streams, 1u);
  p.a.session->send(here, bytes_of("goes on"));
  p.settle();
  EXPECT_EQ(p.b.seen.text(there), "goes on");
}

// Refusals that the peer does not read are bounded: exactly max_control_output bytes of them may wait.
TEST_P(MuxerConformance, refusals_nobody_reads_cut_the_peer) {
  constexpr std::uint32_t kRefusals = 10;
  Config limited;
  limited.max_inbound_streams = 0;
  limited.max_control_output = std::uint32_t(kRefusals * GetParam().refusal_size);
  Pair p = pair({}, limited);
  p.settle();
  for (std::uint32_t i = 0; i < kRefusals; ++i) p.a.session->open_stream().value();
  while (p.move(p.a, p.b)) {
  }
  EXPECT_TRUE(p.b.status);
  p.a.session->open_stream().value();
  p.move(p.a, p.b);
  ASSERT_FALSE(p.b.status);
  EXPECT_EQ(p.b.status.error().code(), ErrorCode::LimitExceeded);
  EXPECT_EQ(p.b.status.error().origin(), Origin::Remote);
}

TEST_P(MuxerConformance, refusals_that_are_read_cut_nobody) {
  Config limited;
  limited.max_inbound_streams = 0;
  limited.max_control_output = std::uint32_t(GetParam().refusal_size) * 3;
  Pair p = pair({}, limited);
  for (int i = 0; i < 100; ++i) {
    p.a.session->open_stream().value();
    p.settle();
  }
  EXPECT_TRUE(p.b.status);
  EXPECT_EQ(p.b.session->stats().refused_streams, 100u);
}

TEST_P(MuxerConformance, failed_session_stays_failed_and_quiet) {
  Pair p = pair();
  const auto [here, there] = p.open();
  const ByteVector nonsense(64, 0xFF);
  ASSERT_FALSE(p.b.session->receive(nonsense, p.now, p.b.seen));
  p.b.session->output().clear();
  const Status again = p.b.session->receive(bytes_of("x"), p.now, p.b.seen);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), ErrorCode::ProtocolViolation);
  EXPECT_FALSE(p.b.session->on_timer(p.now, p.b.seen));
  EXPECT_EQ(p.b.session->open_stream().error().code(), ErrorCode::ConnectionClosed);
  EXPECT_EQ(p.b.session->send(there, bytes_of("x")), 0u);
  p.b.session->close_write(there);
  p.b.session->reset(there, 1);
  EXPECT_TRUE(p.b.session->output().empty());
  EXPECT_EQ(p.b.session->next_deadline(), kNever);
}

// One conversation as bytes, delivered in two pieces cut at every place, and in pieces of one byte.
TEST_P(MuxerConformance, cut_anywhere_the_bytes_mean_the_same) {
  Pair sender = pair();
  const StreamId one = *sender.a.session->open_stream(), two = *sender.a.session->open_stream();
  sender.a.session->send(one, pattern(70, 1));
  sender.a.session->send(two, pattern(50, 2));
  sender.a.session->close_write(one);
  sender.a.session->reset(two, 7);
  const ByteVector wire = to_vector(sender.a.session->output().view());
  for (std::size_t cut = 0; cut <= wire.size() + 1; ++cut) {
    Pair p = pair();
    const Bytes all(wire);
    const bool bytewise = cut == wire.size() + 1;
    const std::size_t step = bytewise ? 1 : std::max<std::size_t>(cut, 1);
    for (std::size_t at = 0; at < all.size();) {
      const std::size_t size = std::min(at == 0 || bytewise ? step : all.size(), all.size() - at);
      ASSERT_TRUE(p.b.session->receive(all.subspan(at, size), p.now, p.b.seen)) << cut;
      at += size;
    }
    ASSERT_EQ(p.b.seen.accepted.size(), 2u) << cut;
    ASSERT_EQ(p.b.seen.streams[p.b.seen.accepted[0]].data, pattern(70, 1)) << cut;
    ASSERT_TRUE(p.b.seen.streams[p.b.seen.accepted[0]].remote_closed) << cut;
    ASSERT_EQ(p.b.seen.streams[p.b.seen.accepted[1]].data, pattern(50, 2)) << cut;
    ASSERT_TRUE(p.b.seen.streams[p.b.seen.accepted[1]].reset) << cut;
    ASSERT_EQ(p.misuse(), "");
  }
}

TEST_P(MuxerConformance, payload_is_told_before_its_frame_is_complete) {
  Pair p = pair();
  const auto [here, there] = p.open();
  p.a.session->send(here, pattern(1000));
  p.move(p.a, p.b, 500);
  EXPECT_GT(p.b.seen.streams[there].data.size(), 400u);
}

TEST_P(MuxerConformance, events_may_use_the_session) {
  Pair p = pair();
  std::vector<StreamId> spare;
  for (int i = 0; i < 20; ++i) spare.push_back(p.open().second);
  p.b.seen.stream_hook = [&](StreamId id) {
    p.b.session->send(id, bytes_of("welcome"));
    for (int i = 0; i < 10; ++i, spare.pop_back()) p.b.session->reset(spare.back(), 0);  // the table shrinks
    for (int i = 0; i < 30; ++i) p.b.session->open_stream().value();                     // and grows
  };
  p.b.seen.data_hook = [&](StreamId id, Bytes payload) {
    p.b.session->send(id, payload);
    p.b.session->close_write(id);
  };
  p.b.seen.close_hook = [&](StreamId id) { p.b.session->send(id, bytes_of("never sent")); };
  const StreamId id = *p.a.session->open_stream();
  p.a.session->send(id, bytes_of(" echo"));
  p.a.session->close_write(id);
  p.settle();
  EXPECT_EQ(p.a.seen.text(id), "welcome echo");
  EXPECT_TRUE(p.a.seen.streams[id].remote_closed);
  EXPECT_EQ(p.a.seen.accepted.size(), 30u);
  EXPECT_EQ(p.misuse(), "");
}

TEST_P(MuxerConformance, stream_reset_inside_on_stream_is_simply_over) {
  Pair p = pair();
  p.b.seen.stream_hook = [&](StreamId id) { p.b.session->reset(id, 0); };
  for (const bool accept : {true, false}) {
    p.b.seen.accept = accept;
    const StreamId id = *p.a.session->open_stream();
    p.a.session->send(id, bytes_of("lost"));
    p.settle();
    EXPECT_TRUE(p.a.seen.streams[id].reset);
  }
  EXPECT_EQ(p.b.session->stats().inbound_streams, 0u);
  EXPECT_EQ(p.misuse(), "");
}

TEST_P(MuxerConformance, ten_thousand_streams_at_once) {
  constexpr std::size_t kStreams = 10000;
  Config many;
  many.max_inbound_streams = many.max_outbound_streams = kStreams;
  Pair p = pair(many, many);
  std::vector<StreamId> ids;
  while (ids.size() < kStreams) {
    const auto id = p.a.session->open_stream();
    if (id) {
      ids.push_back(*id);
    } else {
      p.settle();
    }
  }
  p.settle();
  ASSERT_EQ(p.b.session->stats().inbound_streams, kStreams);
  for (std::size_t i = 0; i < kStreams; ++i) p.a.session->send(ids[i], pattern(20, i));
  p.settle();
  for (std::size_t i = 0; i < kStreams; ++i) ASSERT_EQ(p.b.seen.streams[p.b.seen.accepted[i]].data, pattern(20, i));
  for (std::size_t i = 0; i < kStreams; ++i) {
    p.b.session->close_write(p.b.seen.accepted[i]);
    p.a.session->close_write(ids[i]);
  }
  p.settle();
  EXPECT_EQ(p.a.session->stats().outbound_streams, 0u);
  EXPECT_EQ(p.b.session->stats().inbound_streams, 0u);
  EXPECT_EQ(p.a.session->stats().receive_window_total, 0u);
  EXPECT_EQ(p.misuse(), "");
}

}  // namespace
}  // namespace starling::muxer::testing
