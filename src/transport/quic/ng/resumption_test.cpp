// TLS sessions that are resumed between engines that met before.
#include <gtest/gtest.h>
#include <ngtcp2/ngtcp2.h>

#include "transport/quic/ng/session.hpp"
#include "transport/quic/ng/session_testing.hpp"

namespace starling::transport::quic {
namespace {

using namespace starling::testing;

constexpr std::int64_t kTooLate = 100'000'000'000;  // 5138

class QuicResumption : public SessionPair {
 protected:
  std::unique_ptr<Engine> fresh(int key, const std::int64_t* time = nullptr) {
    auto certificate = security::make_certificate_der(test_key(key)).value();
    return ng::make_engine_of({std::move(certificate), false}, as_bytes("secret"), *random_, options_,
                              [time] { return time == nullptr ? kUnixNow : *time; })
        .value();
  }
  static PeerId listener_id() { return peer_of(test_key(2)); }

  void meet(Engine& dialer, Engine& listener, std::optional<PeerId> expected = listener_id()) {
    client_.session.reset();
    server_.session.reset();
    shake_hands(dialer, listener, std::move(expected));
  }
  void expect_met(bool resumed) {
    ASSERT_TRUE(client_.session->established() && server_.session->established());
    EXPECT_EQ(client_.session->resumed(), resumed);
    EXPECT_EQ(server_.session->resumed(), resumed);
    EXPECT_EQ(client_.session->remote_peer(), listener_id());
    EXPECT_EQ(server_.session->remote_peer(), peer_of(test_key(1)));
    EXPECT_TRUE(*client_.session->remote_key() == test_key(2).public_key());
    EXPECT_TRUE(*server_.session->remote_key() == test_key(1).public_key());
  }
};

TEST_F(QuicResumption, whoever_meets_again_resumes_and_is_the_same_peer) {
  const auto dialer = fresh(1), listener = fresh(2);
  for (const bool resumed : {false, true, true, true}) {
    meet(*dialer, *listener);
    expect_met(resumed);
  }
}

TEST_F(QuicResumption, dials_of_nobody_in_particular_do_not_resume) {
  const auto dialer = fresh(1), listener = fresh(2);
  for (int round = 0; round < 2; ++round) {
    meet(*dialer, *listener, std::nullopt);
    expect_met(false);
  }
}

TEST_F(QuicResumption, a_ticket_is_used_once) {
  const auto dialer = fresh(1), listener = fresh(2);
  meet(*dialer, *listener);
  Side unheard;
  unheard.session = dialer->connect(to_server_, listener_id(), unheard, now_);
  meet(*dialer, *listener);
  expect_met(false);
  meet(*dialer, *listener);
  expect_met(true);
}

TEST_F(QuicResumption, a_listener_that_forgot_shakes_hands_in_full) {
  const auto dialer = fresh(1), listener = fresh(2);
  meet(*dialer, *listener);
  const auto restarted = fresh(2);
  meet(*dialer, *restarted);
  expect_met(false);
  meet(*dialer, *restarted);
  expect_met(true);
}

TEST_F(QuicResumption, another_peer_in_the_listeners_place_is_refused) {
  const auto dialer = fresh(1), listener = fresh(2), other = fresh(3);
  meet(*dialer, *listener);
  meet(*dialer, *other);
  ASSERT_NE(client_.session->ended(), nullptr);
  EXPECT_EQ(client_.session->ended()->error->code(), ErrorCode::PeerIdMismatch);
}

TEST_F(QuicResumption, certificates_are_judged_by_the_time_again) {
  for (const bool at_the_client : {true, false}) {
    std::int64_t time = kUnixNow;
    const auto dialer = fresh(1, at_the_client ? &time : nullptr), listener = fresh(2, at_the_client ? nullptr : &time);
    meet(*dialer, *listener);
    expect_met(false);
    time = kTooLate;
    meet(*dialer, *listener);
    Side &judge = at_the_client ? client_ : server_, &judged = at_the_client ? server_ : client_;
    ASSERT_NE(judge.session->ended(), nullptr);
    EXPECT_FALSE(judge.session->established());
    EXPECT_EQ(judge.session->ended()->error->code(), ErrorCode::BadCertificate);
    ASSERT_NE(judged.session->ended(), nullptr) << "and is told";
  }
}

TEST_F(QuicResumption, either_side_can_leave_it) {
  for (const bool at_the_client : {true, false}) {
    options_.resumption = !at_the_client;
    const auto dialer = fresh(1);
    options_.resumption = at_the_client;
    const auto listener = fresh(2);
    for (int round = 0; round < 2; ++round) {
      meet(*dialer, *listener);
      expect_met(false);
    }
  }
}

TEST_F(QuicResumption, peers_with_long_certificates_get_no_tickets) {
  const auto rsa = crypto::PrivateKey::generate(crypto::KeyType::Rsa, *random_, 3072).value();
  const auto with_rsa = engine(security::make_certificate_der(rsa).value());
  const auto other = fresh(2);
  for (int round = 0; round < 2; ++round) {
    meet(*with_rsa, *other);
    ASSERT_TRUE(server_.session->established());
    EXPECT_FALSE(server_.session->resumed()) << "the listener gave one";
  }
  for (int round = 0; round < 2; ++round) {
    meet(*other, *with_rsa, peer_of(rsa));
    ASSERT_TRUE(client_.session->established());
    EXPECT_FALSE(client_.session->resumed()) << "the dialer kept one";
  }
}

class QuicLateCrypto : public QuicResumption {
 protected:
  void SetUp() override { meet(*dialer_, *listener_); }
  /// What TLS would say, were it asked.
  void say(Side& from, Bytes message) {
    ngtcp2_conn* connection = static_cast<ng::NgSession&>(*from.session).native();
    ASSERT_EQ(ngtcp2_conn_submit_crypto_data(connection, NGTCP2_ENCRYPTION_LEVEL_1RTT, message.data(), message.size()),
              0);
    talk();
  }
  std::unique_ptr<Engine> dialer_ = fresh(1), listener_ = fresh(2);
};

constexpr std::uint8_t kKeyUpdate[] = {24, 0, 0, 1, 1};
constexpr std::uint8_t kShortTicket[] = {4, 0, 0, 2, 9, 9}, kEndlessTicket[] = {4, 0xff, 0xff, 0xff, 9};

TEST_F(QuicLateCrypto, tickets_that_nobody_waits_for_pass) {
  for (const Bytes message : {Bytes(kShortTicket), Bytes(kShortTicket), Bytes(kEndlessTicket), Bytes(kKeyUpdate)})
    say(server_, message);  // the last is inside the endless one
  EXPECT_EQ(client_.session->ended(), nullptr);
  meet(*dialer_, *listener_);
  expect_met(true);
}

// spec: RFC 9001, section 6
TEST_F(QuicLateCrypto, a_key_update_of_tls_ends_the_connection) {
  say(server_, kShortTicket);
  say(server_, kKeyUpdate);
  ASSERT_NE(client_.session->ended(), nullptr);
  EXPECT_EQ(client_.session->ended()->error->code(), ErrorCode::ProtocolViolation);
  EXPECT_NE(server_.session->ended(), nullptr) << "and is told";
}

TEST_F(QuicLateCrypto, a_client_has_nothing_to_say) {
  say(client_, kShortTicket);
  ASSERT_NE(server_.session->ended(), nullptr);
  EXPECT_EQ(server_.session->ended()->error->code(), ErrorCode::ProtocolViolation);
}

}  // namespace
}  // namespace starling::transport::quic
