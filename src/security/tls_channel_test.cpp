// Records and messages after the handshake, against OpenSSL's own channel wherever it can say what is tested.
#include "security/tls_channel.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "security/tls_testing.hpp"

namespace starling::security {
namespace {

using namespace testing;
using ::testing::HasSubstr;

constexpr std::uint16_t kAes128 = 0x1301;

/// One of ours and OpenSSL's, connected; `ours` dials or listens.
class WithOpenssl : public ::testing::TestWithParam<Role> {
 protected:
  void connect(const char* suites = nullptr) {
    stranger_.use(make_libp2p_certificate(key(0)).value());
    if (suites != nullptr) ASSERT_EQ(SSL_CTX_set_ciphersuites(stranger_.context(), suites), 1);
    const Status status =
        GetParam() == Role::Responder ? stranger_.dial(*tls_.listener) : stranger_.accept(*tls_.dialer);
    ASSERT_TRUE(status) << status.error().detail();
    ASSERT_TRUE(stranger_.accepted());
    stranger_.take();
    Collector sink;
    ASSERT_TRUE(ours().open(stranger_.ours().received, sink)) << "OpenSSL's listener begins with tickets";
  }
  Result<std::string> there(std::string_view text) { return moved(stranger_.ours(), stranger_.its(), text); }
  Result<std::string> back(std::string_view text) { return moved(stranger_.its(), stranger_.ours(), text); }
  TlsChannel& ours() { return static_cast<TlsChannel&>(*stranger_.ours().channel); }

  TlsPair tls_;
  Stranger stranger_;

 private:
  static Result<std::string> moved(Side& from, Side& to, std::string_view text) {
    STARLING_TRY(const ByteVector bytes, transfer(from, to, as_bytes(text)));
    return std::string(as_text(bytes));
  }
};

INSTANTIATE_TEST_SUITE_P(Roles, WithOpenssl, ::testing::Values(Role::Initiator, Role::Responder),
                         [](const auto& info) { return info.param == Role::Initiator ? "initiator" : "responder"; });

TEST_P(WithOpenssl, every_suite_carries_data_both_ways) {
  for (const char* suite : {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}) {
    stranger_ = {};
    connect(suite);
    EXPECT_STREQ(SSL_get_cipher_name(stranger_.ssl()), suite);
    const std::string large(100'000, 'x');
    for (int round = 0; round < 3; ++round) {
      EXPECT_EQ(there(large).value(), large) << suite;
      EXPECT_EQ(back(large).value(), large) << suite;
    }
  }
}

TEST_P(WithOpenssl, key_updates_of_the_remote_are_followed_and_answered_when_asked_for) {
  connect();
  for (int round = 0; round < 20; ++round) {
    const int kind = round % 2 == 0 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED;
    ASSERT_EQ(SSL_key_update(stranger_.ssl(), kind), 1);
    EXPECT_EQ(back("new key").value(), "new key");
    EXPECT_EQ(there("ours too").value(), "ours too");
  }
}

TEST_P(WithOpenssl, several_requests_for_a_key_update_get_one_answer) {
  connect();
  for (int round = 0; round < 20; ++round) {
    ASSERT_EQ(SSL_key_update(stranger_.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
    EXPECT_EQ(back("x").value(), "x");
  }
  ByteQueue& wire = stranger_.ours().sent;
  ASSERT_TRUE(ours().seal(as_bytes("x"), wire));
  EXPECT_EQ(wire.size(), 2 * kTlsRecordOverhead + 5 + 1) << "a key update and the byte";
}

TEST_P(WithOpenssl, a_farewell_ends_each_direction_by_itself) {
  connect();
  Side &ours = stranger_.ours(), &its = stranger_.its();
  Collector sink;
  ASSERT_TRUE(its.channel->close(its.sent));
  ASSERT_TRUE(ours.channel->open(its.sent, sink));
  EXPECT_TRUE(ours.channel->remote_closed());
  EXPECT_EQ(there("last words").value(), "last words");
  ASSERT_TRUE(ours.channel->close(ours.sent));
  ASSERT_TRUE(its.channel->open(ours.sent, sink));
  EXPECT_TRUE(its.channel->remote_closed());
}

TEST_P(WithOpenssl, the_remote_learns_by_alert_why_we_gave_up) {
  connect();
  Side &ours = stranger_.ours(), &its = stranger_.its();
  Collector sink;
  ASSERT_TRUE(its.channel->seal(as_bytes("data"), its.sent));
  its.sent.mutable_view().back() ^= 1;
  EXPECT_EQ(ours.channel->open(its.sent, sink).error(), ErrorCode::DecryptFailed);
  ASSERT_TRUE(ours.channel->close(ours.sent));
  const auto told = its.channel->open(ours.sent, sink);
  ASSERT_FALSE(told);
  EXPECT_THAT(told.error().detail(), HasSubstr("bad record mac"));
}

TEST_P(WithOpenssl, we_learn_by_alert_why_the_remote_gave_up) {
  connect();
  Side &ours = stranger_.ours(), &its = stranger_.its();
  Collector sink;
  ASSERT_TRUE(ours.channel->seal(as_bytes("data"), ours.sent));
  ours.sent.mutable_view().back() ^= 1;
  EXPECT_FALSE(its.channel->open(ours.sent, sink));
  ASSERT_TRUE(its.channel->close(its.sent));
  const auto told = ours.channel->open(its.sent, sink);
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error(), ErrorCode::HandshakeFailed);
  EXPECT_THAT(told.error().detail(), HasSubstr("bad record mac"));
  EXPECT_EQ(ours.channel->open(its.sent, sink).error(), ErrorCode::Closed);
  ASSERT_TRUE(ours.channel->close(ours.sent));
  EXPECT_TRUE(ours.sent.empty()) << "nobody answers an alert";
}

TEST(TlsChannel, a_client_that_asked_for_short_records_gets_them) {
  TlsPair tls;
  Stranger stranger;
  stranger.use(make_libp2p_certificate(key(0)).value());
  ASSERT_EQ(SSL_CTX_set_tlsext_max_fragment_length(stranger.context(), TLSEXT_max_fragment_length_1024), 1);
  ASSERT_TRUE(stranger.dial(*tls.listener));
  stranger.take();
  const ByteVector content(3000, 'x');
  ASSERT_TRUE(stranger.ours().channel->seal(content, stranger.ours().sent));
  EXPECT_EQ(get_u16_be(stranger.ours().sent.view().data() + 3), 1024 + kTlsRecordOverhead - kTlsHeaderBytes);
  Collector sink;
  ASSERT_TRUE(stranger.its().channel->open(stranger.ours().sent, sink));
  EXPECT_TRUE(equal(sink.bytes, content));
}

// OpenSSL's servers give two tickets after each handshake, asked or not.
TEST(TlsChannel, tickets_nobody_asked_for_are_dropped) {
  for (const bool known : {true, false}) {
    TlsPair tls;
    Stranger stranger;
    stranger.use(make_libp2p_certificate(key(1)).value());
    HandshakeConfig config;
    if (known) config.expected_peer = peer_of(key(1));
    ASSERT_TRUE(stranger.accept(*tls.dialer, {.expected_peer = config.expected_peer}));
    EXPECT_FALSE(stranger.ours().received.empty()) << "the tickets";
    stranger.take();
    Collector sink;
    ASSERT_TRUE(stranger.ours().channel->open(stranger.ours().received, sink));
    EXPECT_TRUE(stranger.ours().received.empty() && sink.bytes.empty());
    EXPECT_EQ(as_text(transfer(stranger.its(), stranger.ours(), as_bytes("data")).value()), "data");
    EXPECT_EQ(as_text(transfer(stranger.ours(), stranger.its(), as_bytes("data")).value()), "data");
    ASSERT_TRUE(stranger.accept(*tls.dialer, {.expected_peer = config.expected_peer}));
    stranger.take();
    EXPECT_EQ(SSL_session_reused(stranger.ssl()), 0);
  }
}

/// A stranger that promises a ticket. RFC 9149, section 4.
int promise_ticket(SSL*, unsigned, unsigned, const unsigned char** out, std::size_t* size, X509*, std::size_t, int*,
                   void*) {
  static constexpr unsigned char kOne = 1;
  *out = &kOne;
  *size = 1;
  return 1;
}
int take_request(SSL*, unsigned, unsigned, const unsigned char*, std::size_t, X509*, std::size_t, int*, void*) {
  return 1;
}

TEST(TlsChannel, a_ticket_that_was_promised_and_is_none_ends_the_channel) {
  TlsPair tls;
  Stranger stranger;
  stranger.use(make_libp2p_certificate(key(1)).value());
  watch_traffic_secrets(*stranger.context());
  SSL_CTX_set_num_tickets(stranger.context(), 0);
  SSL_CTX_add_custom_ext(stranger.context(), 58, SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS,
                         promise_ticket, nullptr, nullptr, take_request, nullptr);
  ASSERT_TRUE(stranger.accept(*tls.dialer, {.expected_peer = peer_of(key(1))}));
  auto its_key =
      TlsRecordKey::create(TlsRecordKey::Use::Seal, kAes128, std::move(stranger.session().secrets().server)).value();
  stranger.take();
  const ByteVector message = from_hex("0400000499999999").value();
  ByteVector record(message.size() + kTlsRecordOverhead);
  ASSERT_TRUE(its_key.seal(TlsContent::Handshake, message, record));
  stranger.ours().received.append(record);
  Collector sink;
  const Status opened = stranger.ours().channel->open(stranger.ours().received, sink);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error(), ErrorCode::ProtocolViolation);
}

TEST(TlsChannel, a_record_beyond_the_protocols_size_is_refused_at_once) {
  TlsPair tls;
  Pair two = tls.connected();
  two.responder.received.append(from_hex("1703034200").value());  // 16896 bytes are announced, none is there
  Collector sink;
  EXPECT_EQ(two.responder.channel->open(two.responder.received, sink).error(), ErrorCode::ProtocolViolation);
}

TEST(TlsChannel, bytes_that_are_no_record_are_a_violation) {
  TlsPair tls;
  Pair two = tls.connected();
  two.responder.received.append(as_bytes("GET / HTTP/1.1\r\n\r\n"));
  Collector sink;
  EXPECT_EQ(two.responder.channel->open(two.responder.received, sink).error(), ErrorCode::ProtocolViolation);
}

TEST(TlsChannel, what_comes_after_the_farewell_is_dropped) {
  TlsPair tls;
  Pair two = tls.connected();
  ASSERT_TRUE(two.initiator.channel->close(two.initiator.sent));
  two.initiator.sent.append(as_bytes("rubbish"));
  Collector sink;
  ASSERT_TRUE(two.responder.channel->open(two.initiator.sent, sink));
  EXPECT_TRUE(two.responder.channel->remote_closed());
  EXPECT_TRUE(two.initiator.sent.empty());
  EXPECT_EQ(two.initiator.channel->seal(as_bytes("x"), two.initiator.sent).error(), ErrorCode::Closed);
  // The other direction still works: each side closes its own.
  EXPECT_EQ(as_text(transfer(two.responder, two.initiator, as_bytes("answer")).value()), "answer");
}

/// A channel, and the key of its remote, which may break every rule.
class Rogue {
 public:
  explicit Rogue(Role victim = Role::Responder, std::uint64_t victims_records = 0)
      : victim_({.role = victim,
                 .sending = made(TlsRecordKey::Use::Seal, 1, victims_records),
                 .receiving = made(TlsRecordKey::Use::Open, 2)}) {}

  Status say(TlsContent type, Bytes content) {
    ByteVector record(content.size() + kTlsRecordOverhead);
    EXPECT_TRUE(key_.seal(type, content, record));
    ByteQueue wire;
    wire.append(record);
    return victim_.open(wire, sink_);
  }
  Status say(TlsContent type, std::string_view hex) { return say(type, from_hex(hex).value()); }
  /// Says it and is thrown out; the alert it gets: fatal, and this.
  int refused(TlsContent type, std::string_view hex) {
    const Status said = say(type, hex);
    EXPECT_FALSE(said);
    if (said) return -1;
    EXPECT_EQ(said.error(), ErrorCode::ProtocolViolation) << said.error().detail();
    ByteQueue wire;
    EXPECT_TRUE(victim_.close(wire));
    const auto alert = reader_.open(wire.mutable_view());
    EXPECT_TRUE(alert && alert->type == TlsContent::Alert && alert->content.size() == 2 && alert->content[0] == 2);
    return alert ? alert->content[1] : -1;
  }
  TlsChannel& victim() { return victim_; }
  TlsRecordKey& key() { return key_; }
  TlsRecordKey& reader() { return reader_; }
  Collector& sink() { return sink_; }

 private:
  static TlsRecordKey made(TlsRecordKey::Use use, std::uint64_t seed, std::uint64_t sequence = 0) {
    return TlsRecordKey::create(use, kAes128, crypto::SecretBytes(noise_bytes(32, seed)), sequence).value();
  }
  TlsChannel victim_;
  TlsRecordKey key_ = made(TlsRecordKey::Use::Seal, 2), reader_ = made(TlsRecordKey::Use::Open, 1);
  Collector sink_;
};

TEST(TlsChannel, records_that_break_the_rules_are_refused_with_an_alert) {
  struct Case {
    const char* what;
    TlsContent type;
    const char* hex;
    int alert;
  };
  const Case cases[] = {
      {"no type", TlsContent::Invalid, "", SSL_AD_UNEXPECTED_MESSAGE},
      {"change of cipher", TlsContent(20), "01", SSL_AD_UNEXPECTED_MESSAGE},
      {"unknown type", TlsContent(99), "00", SSL_AD_UNEXPECTED_MESSAGE},
      {"empty alert", TlsContent::Alert, "", SSL_AD_UNEXPECTED_MESSAGE},
      {"alert of one byte", TlsContent::Alert, "01", SSL_AD_DECODE_ERROR},
      {"two alerts", TlsContent::Alert, "01000100", SSL_AD_DECODE_ERROR},
      {"empty handshake", TlsContent::Handshake, "", SSL_AD_UNEXPECTED_MESSAGE},
      {"a hello", TlsContent::Handshake, "01000000", SSL_AD_UNEXPECTED_MESSAGE},
      {"a ticket for a responder", TlsContent::Handshake, "0400000100", SSL_AD_UNEXPECTED_MESSAGE},
      {"endless message", TlsContent::Handshake, "04ffffff", SSL_AD_DECODE_ERROR},
      {"update without a choice", TlsContent::Handshake, "18000000", SSL_AD_ILLEGAL_PARAMETER},
      {"update with an unknown choice", TlsContent::Handshake, "1800000102", SSL_AD_ILLEGAL_PARAMETER},
      {"update of two bytes", TlsContent::Handshake, "180000020000", SSL_AD_ILLEGAL_PARAMETER},
      {"update inside a record", TlsContent::Handshake, "180000010018", SSL_AD_UNEXPECTED_MESSAGE},
  };
  for (const Case& each : cases) {
    Rogue rogue;
    EXPECT_EQ(rogue.refused(each.type, each.hex), each.alert) << each.what;
  }
}

TEST(TlsChannel, more_plaintext_than_a_record_may_have_is_refused) {
  Rogue rogue;
  ASSERT_TRUE(rogue.say(TlsContent::ApplicationData, ByteVector(kMaxTlsPlaintext, 'x')));
  const Status said = rogue.say(TlsContent::ApplicationData, ByteVector(kMaxTlsPlaintext + 1, 'x'));
  ASSERT_FALSE(said);
  EXPECT_EQ(said.error(), ErrorCode::ProtocolViolation);
  EXPECT_EQ(rogue.sink().bytes.size(), kMaxTlsPlaintext);
}

TEST(TlsChannel, a_message_in_pieces_is_put_together_but_nothing_may_come_between) {
  Rogue rogue;
  for (const char* piece : {"18", "0000", "01"}) ASSERT_TRUE(rogue.say(TlsContent::Handshake, piece));
  ASSERT_TRUE(rogue.say(TlsContent::Handshake, "00"));
  ASSERT_TRUE(rogue.key().update());
  ASSERT_TRUE(rogue.say(TlsContent::ApplicationData, as_bytes("data")));
  EXPECT_EQ(rogue.sink().text(), "data");
  ASSERT_TRUE(rogue.say(TlsContent::Handshake, "1800"));
  EXPECT_EQ(rogue.refused(TlsContent::ApplicationData, "00"), SSL_AD_UNEXPECTED_MESSAGE);
}

TEST(TlsChannel, an_alert_of_any_level_but_two_kinds_ends_the_channel) {
  for (const char* hex : {"0128", "0228", "0050"}) {
    Rogue rogue;
    EXPECT_EQ(rogue.say(TlsContent::Alert, hex).error(), ErrorCode::HandshakeFailed) << hex;
  }
  Rogue canceled;
  ASSERT_TRUE(canceled.say(TlsContent::Alert, "015a"));
  EXPECT_FALSE(canceled.victim().remote_closed());
  ASSERT_TRUE(canceled.say(TlsContent::ApplicationData, as_bytes("data")));
  ASSERT_TRUE(canceled.say(TlsContent::Alert, "0200"));
  EXPECT_TRUE(canceled.victim().remote_closed());
}

TEST(TlsChannel, records_without_data_are_borne_up_to_a_limit_in_a_row) {
  Rogue rogue;
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < TlsChannel::kMaxIdleRecords; ++i)
      ASSERT_TRUE(rogue.say(TlsContent::ApplicationData, Bytes{}));
    ASSERT_TRUE(rogue.say(TlsContent::ApplicationData, as_bytes("x"))) << "data begins the count anew";
  }
  EXPECT_EQ(rogue.sink().calls, 3u) << "the sink sees no empty records";
  for (std::size_t i = 0; i < TlsChannel::kMaxIdleRecords; ++i) {
    ASSERT_TRUE(rogue.say(TlsContent::Handshake, "1800000101"));
    ASSERT_TRUE(rogue.key().update());
  }
  EXPECT_EQ(rogue.refused(TlsContent::ApplicationData, ""), SSL_AD_UNEXPECTED_MESSAGE);
}

TEST(TlsChannel, a_key_is_changed_before_it_has_protected_too_much) {
  Rogue rogue(Role::Responder, TlsChannel::kRecordsPerKey - 1);
  auto reader = TlsRecordKey::create(TlsRecordKey::Use::Open, kAes128, crypto::SecretBytes(noise_bytes(32, 1)),
                                     TlsChannel::kRecordsPerKey - 1)
                    .value();
  ByteQueue last, next;
  ASSERT_TRUE(rogue.victim().seal(as_bytes("last"), last));
  EXPECT_EQ(as_text(reader.open(last.mutable_view()).value().content), "last");
  ASSERT_TRUE(rogue.victim().seal(as_bytes("first"), next));
  const MutableBytes update = next.mutable_view().first(kTlsRecordOverhead + 5);
  const auto message = reader.open(update);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->type, TlsContent::Handshake);
  EXPECT_EQ(to_hex(message->content), "1800000100") << "and the remote need not do the same";
  ASSERT_TRUE(reader.update());
  next.consume(kTlsRecordOverhead + 5);
  EXPECT_EQ(as_text(reader.open(next.mutable_view()).value().content), "first");
}

}  // namespace
}  // namespace starling::security
