// What every security protocol must do, run against all three and every type of identity key.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "security/security_test_support.hpp"

namespace starling::security {
namespace {

using namespace testing;
using crypto::KeyType;
using Muxers = std::vector<std::string>;

struct Case {
  std::string_view protocol;  // "noise", "tls", "plaintext"
  KeyType key;

  bool encrypts() const { return protocol != "plaintext"; }
};

std::unique_ptr<Protocol> make(std::string_view name, const crypto::PrivateKey& key) {
  if (name == "noise") return make_noise(key, system_random()).value();
  if (name == "tls") return make_tls(key).value();
  return make_plaintext(key);
}

class Security : public ::testing::TestWithParam<Case> {
 protected:
  const crypto::PrivateKey& dialer_key_ = test_key(GetParam().key, 0);
  const crypto::PrivateKey& listener_key_ = test_key(GetParam().key, 1);
  std::unique_ptr<Protocol> dialer_ = make(GetParam().protocol, dialer_key_);
  std::unique_ptr<Protocol> listener_ = make(GetParam().protocol, listener_key_);

  Pair pair(HandshakeConfig initiator = {}, HandshakeConfig responder = {}) {
    return Pair(*dialer_, *listener_, std::move(initiator), std::move(responder));
  }

  Pair connected() {
    Pair made = pair();
    made.run();
    EXPECT_TRUE(made.both_done());
    made.take();
    return made;
  }
};

std::string case_name(const ::testing::TestParamInfo<Case>& info) {
  return std::string(info.param.protocol) + "_" + std::string(to_string(info.param.key));
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const char* protocol : {"noise", "tls", "plaintext"})
    for (const KeyType key : {KeyType::Ed25519, KeyType::Secp256k1, KeyType::Ecdsa, KeyType::Rsa})
      cases.push_back({protocol, key});
  return cases;
}

std::vector<Case> encrypted_cases() {
  std::vector<Case> cases = all_cases();
  std::erase_if(cases, [](const Case& one) { return !one.encrypts(); });
  return cases;
}

/// What only a protocol that encrypts can promise.
class EncryptedSecurity : public Security {};

INSTANTIATE_TEST_SUITE_P(All, Security, ::testing::ValuesIn(all_cases()), case_name);
INSTANTIATE_TEST_SUITE_P(All, EncryptedSecurity, ::testing::ValuesIn(encrypted_cases()), case_name);

TEST_P(Security, each_side_learns_who_the_other_is) {
  Pair two = connected();
  EXPECT_EQ(two.initiator.outcome->remote_peer, peer_of(listener_key_));
  EXPECT_EQ(two.responder.outcome->remote_peer, peer_of(dialer_key_));
  EXPECT_TRUE(two.initiator.outcome->remote_key == listener_key_.public_key());
  EXPECT_TRUE(two.responder.outcome->remote_key == dialer_key_.public_key());
}

TEST_P(Security, handshake_succeeds_in_pieces_of_any_size) {
  std::vector<Cut> cuts = {pieces_of(1), pieces_of(2), pieces_of(3), pieces_of(100), pieces_of(1000)};
  for (std::uint64_t seed = 0; seed < 10; ++seed) cuts.push_back(random_pieces(seed));
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    Pair two = pair();
    two.run(cuts[i]);
    ASSERT_TRUE(two.both_done()) << i;
    EXPECT_TRUE(two.initiator.received.empty() && two.responder.received.empty()) << i;
    two.take();
    EXPECT_EQ(as_text(transfer(two.initiator, two.responder, as_bytes("ping"), cuts[i]).value()), "ping") << i;
    EXPECT_EQ(as_text(transfer(two.responder, two.initiator, as_bytes("pong"), cuts[i]).value()), "pong") << i;
  }
}

TEST_P(Security, the_expected_peer_is_accepted) {
  Pair two = pair({.expected_peer = peer_of(listener_key_)}, {.expected_peer = peer_of(dialer_key_)});
  two.run();
  EXPECT_TRUE(two.both_done());
}

TEST_P(Security, another_peer_than_the_expected_is_refused_by_the_initiator) {
  const PeerId expected = peer_of(test_key(KeyType::Ed25519, 9)), actual = peer_of(listener_key_);
  Pair two = pair({.expected_peer = expected});
  two.run();
  ASSERT_FALSE(two.initiator.status);
  EXPECT_EQ(two.initiator.status.error(), ErrorCode::PeerIdMismatch);
  EXPECT_EQ(two.initiator.status.error().origin(), Origin::Remote);
  EXPECT_THAT(two.initiator.status.error().detail(), ::testing::HasSubstr(expected.to_string()));
  EXPECT_THAT(two.initiator.status.error().detail(), ::testing::HasSubstr(actual.to_string()));
  EXPECT_FALSE(two.initiator.handshake->done());
  if (GetParam().encrypts()) EXPECT_FALSE(two.responder.handshake->done());
}

TEST_P(Security, another_peer_than_the_expected_is_refused_by_the_responder) {
  Pair two = pair({}, {.expected_peer = peer_of(test_key(KeyType::Ed25519, 9))});
  two.run();
  ASSERT_FALSE(two.responder.status);
  EXPECT_EQ(two.responder.status.error(), ErrorCode::PeerIdMismatch);
  EXPECT_FALSE(two.responder.handshake->done());
}

TEST_P(Security, a_failed_handshake_stays_failed) {
  Pair two = pair({.expected_peer = peer_of(test_key(KeyType::Ed25519, 9))});
  two.run();
  ASSERT_FALSE(two.initiator.status);
  two.initiator.received.append(as_bytes("more"));
  EXPECT_FALSE(two.initiator.handshake->receive(two.initiator.received, two.initiator.sent));
  EXPECT_FALSE(two.initiator.handshake->done());
}

// What the initiator sends in a good run, flight by flight, up to `budget` bytes; then the line goes dead.
TEST_P(Security, a_truncated_handshake_never_ends) {
  Pair good = pair();
  std::size_t total = 0;
  good.run([&](std::size_t available) { return total += available, available; });
  ASSERT_TRUE(good.both_done());
  const std::size_t step = std::max<std::size_t>(1, total / 60);
  for (std::size_t budget = 0; budget + step < total; budget += step) {
    Pair two = pair();
    two.initiator.start();
    two.responder.start();
    std::size_t left = budget;
    const auto limited = [&](std::size_t available) { return left -= std::min(left, available), available; };
    while (left > 0) {
      const Cut cut = [&](std::size_t available) { return limited(std::min(left, available)); };
      bool moved = deliver(two.initiator, two.responder, cut);
      two.responder.receive();
      if (left > 0) moved |= deliver(two.responder, two.initiator, cut);
      two.initiator.receive();
      if (!moved) break;
    }
    EXPECT_TRUE(two.initiator.status && two.responder.status) << budget;
    EXPECT_FALSE(two.initiator.handshake->done() && two.responder.handshake->done()) << budget;
  }
}

// Each run flips one bit of one byte on its way. An unencrypted protocol may not notice; none may crash.
TEST_P(Security, a_garbled_handshake_fails) {
  Pair good = pair();
  std::size_t total = 0;
  good.run([&](std::size_t available) { return total += available, available; });
  const std::size_t step = std::max<std::size_t>(1, total / 80);
  for (std::size_t target = 0; target + 1 < total; target += step) {
    Pair two = pair();
    (void)two.run_garbled(target);
    if (GetParam().encrypts()) EXPECT_FALSE(two.both_done()) << target << " of " << total;
  }
}

TEST_P(Security, random_bytes_are_not_a_handshake) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    for (const Role role : {Role::Initiator, Role::Responder}) {
      Side side{.handshake = dialer_->begin({.role = role})};
      side.start();
      side.received.append(noise_bytes(1 + seed * 40, seed));
      side.receive();
      EXPECT_FALSE(side.handshake->done());
    }
  }
}

TEST_P(Security, bytes_behind_the_handshake_stay_for_the_channel) {
  Pair two = pair();
  two.initiator.start();
  two.responder.start();
  // Up to the moment when the initiator is done, and its last flight still lies in `sent`.
  while (!two.initiator.handshake->done()) {
    deliver(two.initiator, two.responder, whole());
    two.responder.receive();
    deliver(two.responder, two.initiator, whole());
    two.initiator.receive();
  }
  two.initiator.take();
  ByteQueue early;
  ASSERT_TRUE(two.initiator.channel->seal(as_bytes("early data"), early));
  two.initiator.sent.append(early.view());
  deliver(two.initiator, two.responder, whole());
  two.responder.receive();
  ASSERT_TRUE(two.responder.status && two.responder.handshake->done());
  EXPECT_TRUE(equal(two.responder.received.view(), early.view()));
  two.responder.take();
  Collector sink;
  ASSERT_TRUE(two.responder.channel->open(two.responder.received, sink));
  EXPECT_EQ(sink.text(), "early data");
  EXPECT_TRUE(two.responder.received.empty());
}

TEST_P(Security, transfers_of_every_size_arrive_both_ways) {
  Pair two = connected();
  for (const std::size_t size : {0, 1, 15, 16, 17, 255, 16383, 16384, 16385, 65518, 65519, 65520, 131038, 200001}) {
    const ByteVector sent = noise_bytes(size, size);
    EXPECT_TRUE(equal(transfer(two.initiator, two.responder, sent, random_pieces(size)).value(), sent)) << size;
    EXPECT_TRUE(equal(transfer(two.responder, two.initiator, sent, random_pieces(size + 1)).value(), sent)) << size;
  }
}

TEST_P(Security, large_transfers_cross) {
  Pair two = connected();
  const ByteVector there = noise_bytes(3'000'000, 1), back = noise_bytes(2'500'001, 2);
  Collector at_responder, at_initiator;
  ASSERT_TRUE(two.initiator.channel->seal(there, two.initiator.sent));
  ASSERT_TRUE(two.responder.channel->seal(back, two.responder.sent));
  const Cut cut = [random = std::shared_ptr<Random>(seeded_random(3))](std::size_t available) {
    return std::min<std::size_t>(available, 1 + random->below(300'000));
  };
  while (!two.initiator.sent.empty() || !two.responder.sent.empty()) {
    deliver(two.initiator, two.responder, cut);
    ASSERT_TRUE(two.responder.channel->open(two.responder.received, at_responder));
    deliver(two.responder, two.initiator, cut);
    ASSERT_TRUE(two.initiator.channel->open(two.initiator.received, at_initiator));
  }
  EXPECT_TRUE(equal(at_responder.bytes, there));
  EXPECT_TRUE(equal(at_initiator.bytes, back));
}

TEST_P(EncryptedSecurity, an_incomplete_record_stays) {
  Pair two = connected();
  ByteQueue wire, partial;
  ASSERT_TRUE(two.initiator.channel->seal(as_bytes("one record"), wire));
  for (std::size_t size = 0; size < wire.size(); ++size) {
    partial.clear();
    partial.append(wire.view().first(size));
    Collector sink;
    ASSERT_TRUE(two.responder.channel->open(partial, sink)) << size;
    EXPECT_EQ(partial.size(), size);
    EXPECT_TRUE(sink.bytes.empty());
  }
  Collector sink;
  ASSERT_TRUE(two.responder.channel->open(wire, sink));
  EXPECT_EQ(sink.text(), "one record");
}

TEST_P(EncryptedSecurity, the_wire_does_not_show_the_plaintext) {
  Pair two = connected();
  const ByteVector secret(1000, 's');
  ByteQueue first, second;
  ASSERT_TRUE(two.initiator.channel->seal(secret, first));
  ASSERT_TRUE(two.initiator.channel->seal(secret, second));
  EXPECT_EQ(as_text(first.view()).find("ssss"), std::string_view::npos);
  EXPECT_FALSE(equal(first.view(), second.view()));
}

TEST_P(EncryptedSecurity, a_tampered_record_is_refused_and_ends_the_channel) {
  const std::size_t header = GetParam().protocol == "tls" ? 5 : 2;
  for (std::size_t at = header; at < header + 26; ++at) {
    Pair two = connected();
    ByteQueue wire;
    ASSERT_TRUE(two.initiator.channel->seal(as_bytes("0123456789"), wire));
    if (at >= wire.size()) break;
    wire.mutable_view()[at] ^= 1;
    Collector sink;
    const auto opened = two.responder.channel->open(wire, sink);
    ASSERT_FALSE(opened) << at;
    EXPECT_EQ(opened.error(), ErrorCode::DecryptFailed) << at;
    EXPECT_TRUE(sink.bytes.empty());
    EXPECT_EQ(two.responder.channel->open(wire, sink).error(), ErrorCode::Closed);
    EXPECT_EQ(two.responder.channel->seal(as_bytes("x"), wire).error(), ErrorCode::Closed);
  }
}

TEST_P(EncryptedSecurity, records_that_are_lost_repeated_or_reordered_are_refused) {
  for (const std::string_view order : {"1", "00", "10", "02"}) {
    Pair two = connected();
    ByteQueue records[3];
    for (ByteQueue& record : records) ASSERT_TRUE(two.initiator.channel->seal(as_bytes("record"), record));
    ByteQueue wire;
    for (const char which : order) wire.append(records[which - '0'].view());
    Collector sink;
    const auto opened = two.responder.channel->open(wire, sink);
    ASSERT_FALSE(opened) << order;
    EXPECT_EQ(opened.error(), ErrorCode::DecryptFailed) << order;
    EXPECT_EQ(sink.text(), order[0] == '0' ? "record" : "");
  }
}

class Refusing final : public PlaintextSink {
 public:
  Status on_plaintext(Bytes) override { return fail(ErrorCode::LimitExceeded, Op::Read, Origin::Limit, "full"); }
};

// A muxer that finds a violation still wants to say so.
TEST_P(Security, the_sinks_error_comes_back_and_an_answer_can_be_sent) {
  Pair two = connected();
  Refusing sink;
  ASSERT_TRUE(two.initiator.channel->seal(as_bytes("data"), two.initiator.sent));
  EXPECT_EQ(two.responder.channel->open(two.initiator.sent, sink).error(), ErrorCode::LimitExceeded);
  EXPECT_TRUE(two.initiator.sent.empty()) << "what the sink saw is consumed";
  EXPECT_EQ(as_text(transfer(two.responder, two.initiator, as_bytes("go away")).value()), "go away");
}

// TLS says farewell; the others have none.
TEST_P(Security, close_reaches_the_remote_after_the_data) {
  Pair two = connected();
  ASSERT_TRUE(two.initiator.channel->seal(as_bytes("last words"), two.initiator.sent));
  ASSERT_TRUE(two.initiator.channel->close(two.initiator.sent));
  Collector sink;
  ASSERT_TRUE(two.responder.channel->open(two.initiator.sent, sink));
  EXPECT_EQ(sink.text(), "last words");
  EXPECT_TRUE(two.initiator.sent.empty());
  EXPECT_EQ(two.responder.channel->remote_closed(), GetParam().protocol == "tls");
  EXPECT_FALSE(two.initiator.channel->remote_closed());
  ASSERT_TRUE(two.initiator.channel->close(two.initiator.sent)) << "twice is harmless";
  EXPECT_TRUE(two.initiator.sent.empty());
}

TEST_P(Security, the_channel_outlives_protocol_and_handshake) {
  Pair two = connected();
  two.initiator.handshake.reset();
  two.responder.handshake.reset();
  dialer_.reset();
  listener_.reset();
  EXPECT_EQ(as_text(transfer(two.initiator, two.responder, as_bytes("still here")).value()), "still here");
}

TEST_P(Security, peers_with_different_key_types_understand_each_other) {
  for (const KeyType other : {KeyType::Ed25519, KeyType::Secp256k1, KeyType::Ecdsa, KeyType::Rsa}) {
    const auto listener = make(GetParam().protocol, test_key(other, 2));
    Pair two(*dialer_, *listener, {.expected_peer = peer_of(test_key(other, 2))}, {});
    two.run();
    EXPECT_TRUE(two.both_done()) << to_string(other);
  }
}

struct MuxerCase {
  Muxers initiator, responder;
  std::string chosen;
};

TEST_P(Security, the_initiators_order_chooses_the_muxer) {
  const std::string yamux = "/yamux/1.0.0", mplex = "/mplex/6.7.0";
  const MuxerCase cases[] = {
      {{yamux, mplex}, {yamux, mplex}, yamux},
      {{yamux, mplex}, {mplex, yamux}, yamux},
      {{mplex, yamux}, {yamux, mplex}, mplex},
      {{mplex, yamux}, {yamux}, yamux},
      {{yamux}, {mplex, yamux}, yamux},
      {{yamux}, {mplex}, ""},
      {{}, {yamux}, ""},
      {{yamux}, {}, ""},
      {{}, {}, ""},
  };
  for (const MuxerCase& muxers : cases) {
    Pair two = pair({.muxers = muxers.initiator}, {.muxers = muxers.responder});
    two.run();
    ASSERT_TRUE(two.both_done());
    two.take();
    const std::string chosen = GetParam().encrypts() ? muxers.chosen : "";
    EXPECT_EQ(two.initiator.outcome->muxer, chosen);
    EXPECT_EQ(two.responder.outcome->muxer, chosen);
  }
}

TEST(SecurityProtocols, have_the_ids_of_the_specs) {
  const auto& key = test_key(KeyType::Ed25519);
  EXPECT_EQ(make("noise", key)->protocol_id(), "/noise");
  EXPECT_EQ(make("tls", key)->protocol_id(), "/tls/1.0.0");
  EXPECT_EQ(make("plaintext", key)->protocol_id(), "/plaintext/2.0.0");
}

}  // namespace
}  // namespace starling::security
