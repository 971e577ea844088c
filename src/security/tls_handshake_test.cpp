// What is special to TLS: alerts, time, what a client without our rules is told, and tickets.
#include "security/tls_handshake.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <map>

#include "security/tls_testing.hpp"

namespace starling::security {
namespace {

using namespace testing;
using crypto::KeyType;
using ::testing::HasSubstr;

TEST(TlsHandshake, the_initiator_learns_of_its_refusal_when_it_reads) {
  TlsPair tls;
  Pair two = tls.connect({}, {.expected_peer = peer_of(key(7))});
  ASSERT_TRUE(two.initiator.handshake->done()) << "TLS 1.3: a client finishes first";
  EXPECT_EQ(two.responder.status.error(), ErrorCode::PeerIdMismatch);
  two.initiator.take();
  Collector sink;
  const auto opened = two.initiator.channel->open(two.initiator.received, sink);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error(), ErrorCode::HandshakeFailed);
  EXPECT_EQ(opened.error().origin(), Origin::Remote);
  EXPECT_THAT(opened.error().detail(), HasSubstr("handshake failure"));
}

TEST(TlsHandshake, a_responder_learns_of_its_refusal_by_alert) {
  TlsPair tls;
  Pair two = tls.connect({.expected_peer = peer_of(key(7))});
  EXPECT_EQ(two.initiator.status.error(), ErrorCode::PeerIdMismatch);
  ASSERT_FALSE(two.responder.status);
  EXPECT_EQ(two.responder.status.error(), ErrorCode::HandshakeFailed);
  EXPECT_THAT(two.responder.status.error().detail(), HasSubstr("the peer refused"));
}

// rust-libp2p puts ChaCha20-Poly1305 first, wherever it runs.
TEST(TlsHandshake, the_responder_takes_aes_also_when_the_initiator_would_rather_not) {
  const auto context = make_tls_context(make_libp2p_certificate(key(0)).value(), TlsHandshake::callbacks()).value();
  ASSERT_EQ(SSL_CTX_set_ciphersuites(context.get(), "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"), 1);
  const UnixClock clock = now;
  VerifiedCertificates verified;
  TlsPair tls;
  Pair two(*tls.dialer, *tls.listener, {}, {});
  two.initiator.handshake = std::make_unique<TlsHandshake>(HandshakeConfig{.role = Role::Initiator},
                                                           TlsSession::create(*context), clock, verified);
  two.run();
  ASSERT_TRUE(two.both_done());
  two.take();
  EXPECT_EQ(static_cast<TlsChannel&>(*two.responder.channel).cipher_suite(), 0x1301) << "TLS_AES_128_GCM_SHA256";
}

TEST(TlsHandshake, certificates_are_judged_by_the_clock_passed_in) {
  std::int64_t time = 0;
  const auto listener = make_tls(key(1), [&time] { return time; }).value();
  const auto dialer = make_tls(key(0), now).value();
  const std::pair<std::int64_t, bool> judged[] = {{0, false}, {kNow, true}, {100'000'000'000, false}};  // 1970, 5138
  for (const auto& [at, valid] : judged) {
    time = at;
    Pair two(*dialer, *listener, {}, {});
    two.run();
    EXPECT_EQ(two.responder.handshake->done(), valid) << time;
    if (!valid) EXPECT_EQ(two.responder.status.error(), ErrorCode::BadCertificate);
  }
}

TEST(TlsHandshake, a_muxer_id_that_alpn_cannot_carry_is_our_own_error) {
  TlsPair tls;
  ByteQueue out;
  const auto handshake = tls.dialer->begin({.muxers = {std::string(256, 'm')}});
  EXPECT_EQ(handshake->start(out).error(), ErrorCode::InvalidArgument);
}

/// The extensions of a ClientHello, by type. RFC 8446, section 4.1.2.
std::map<int, std::string> extensions_of_hello(Bytes record) {
  Bytes rest = record.subspan(5 + 4 + 2 + 32);       // record, message, version, random
  rest = rest.subspan(1 + rest[0]);                  // session id
  rest = rest.subspan(2 + get_u16_be(rest.data()));  // cipher suites
  rest = rest.subspan(1 + rest[0] + 2);              // compression methods, size of the extensions
  std::map<int, std::string> extensions;
  while (rest.size() >= 4) {
    const std::size_t size = get_u16_be(rest.data() + 2);
    extensions[get_u16_be(rest.data())] = as_text(rest.subspan(4, size));
    rest = rest.subspan(4 + size);
  }
  return extensions;
}

TEST(TlsHandshake, the_hello_names_no_server_and_offers_tls13_alone) {
  constexpr int kServerName = 0, kAlpn = 16, kSessionTicket = 35, kSupportedVersions = 43, kEarlyData = 42, kPsk = 41;
  TlsPair tls;
  ByteQueue out;
  const auto handshake = tls.dialer->begin({.muxers = {"/yamux/1.0.0"}});
  ASSERT_TRUE(handshake->start(out));
  const auto extensions = extensions_of_hello(out.view());
  for (const int absent : {kServerName, kSessionTicket, kEarlyData, kPsk})
    EXPECT_FALSE(extensions.contains(absent)) << absent;
  EXPECT_EQ(extensions.at(kSupportedVersions), "\x02\x03\x04");
  EXPECT_EQ(extensions.at(kAlpn), std::string("\x00\x14", 2) + "\x0c/yamux/1.0.0\x06libp2p");
}

TEST(TlsHandshake, a_plain_peer_with_a_libp2p_certificate_is_accepted) {
  TlsPair tls;
  Stranger stranger;
  stranger.use(make_libp2p_certificate(key(0)).value());
  EXPECT_TRUE(stranger.dial(*tls.listener));
  EXPECT_TRUE(stranger.accepted());
}

TEST(TlsHandshake, a_peer_without_alpn_is_accepted_and_negotiates_its_muxer_later) {
  TlsPair tls;
  Stranger stranger;
  stranger.use(make_libp2p_certificate(key(0)).value());
  ASSERT_TRUE(stranger.dial(*tls.listener, ""));
  ASSERT_TRUE(stranger.accepted());
  EXPECT_EQ(stranger.ours().handshake->take().muxer, "");
}

TEST(TlsHandshake, peers_that_break_the_rules_are_refused) {
  TlsPair tls;
  const auto identity = make_libp2p_certificate(key(0)).value();

  Stranger anonymous;
  EXPECT_EQ(anonymous.dial(*tls.listener).error(), ErrorCode::HandshakeFailed) << "no certificate";

  Stranger old;
  old.use(identity);
  SSL_CTX_set_max_proto_version(old.context(), TLS1_2_VERSION);
  EXPECT_EQ(old.dial(*tls.listener).error(), ErrorCode::HandshakeFailed) << "TLS 1.2";

  Stranger web;
  web.use(identity);
  EXPECT_EQ(web.dial(*tls.listener, "\x02h2").error(), ErrorCode::HandshakeFailed) << "another application";

  Stranger chain;
  chain.use(identity);
  SSL_CTX_add1_chain_cert(chain.context(), identity.certificate.get());
  const auto two_certificates = chain.dial(*tls.listener);
  EXPECT_EQ(two_certificates.error(), ErrorCode::BadCertificate);
  EXPECT_THAT(two_certificates.error().detail(), HasSubstr("exactly one"));

  Stranger expired;
  auto old_identity = make_libp2p_certificate(key(0)).value();
  ASN1_TIME_set(X509_getm_notAfter(old_identity.certificate.get()), kNow - 1);
  X509_sign(old_identity.certificate.get(), old_identity.key.get(), EVP_sha256());
  expired.use(old_identity);
  EXPECT_EQ(expired.dial(*tls.listener).error(), ErrorCode::BadCertificate);
}

/// What a stranger sends as its ticket_request. RFC 9149, section 4.
int add_request(SSL*, unsigned, unsigned, const unsigned char** out, std::size_t* size, X509*, std::size_t, int*,
                void* request) {
  const auto& bytes = *static_cast<const std::string*>(request);
  *out = as_bytes(bytes).data();
  *size = bytes.size();
  return 1;
}

int take_answer(SSL*, unsigned, unsigned, const unsigned char* answer, std::size_t size, X509*, std::size_t, int*,
                void*) {
  return size == 1 && answer[0] == 1 ? 1 : 0;
}

/// How the handshake of one that sends it ends, and whether it gets a ticket.
std::pair<Status, bool> ask_for_tickets(std::string request) {
  TlsPair tls;
  Stranger stranger;
  stranger.use(make_libp2p_certificate(key(0)).value());
  SSL_CTX_add_custom_ext(stranger.context(), 58, SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS,
                         add_request, nullptr, &request, take_answer, nullptr);
  Status status = stranger.dial(*tls.listener);
  return {std::move(status), stranger.accepted() && !stranger.its().received.empty()};
}

TEST(TlsHandshake, whoever_asks_for_tickets_gets_one) {
  for (const bool asked : {true, false}) {
    const auto [status, ticket] = ask_for_tickets(asked ? std::string("\x04\x00", 2) : std::string("\x00\x00", 2));
    EXPECT_TRUE(status);
    EXPECT_EQ(ticket, asked);
  }
}

TEST(TlsHandshake, a_broken_request_for_tickets_is_refused) {
  for (const char* request : {"", "\x01", "\x01\x01\x01"})
    EXPECT_EQ(ask_for_tickets(request).first.error(), ErrorCode::HandshakeFailed) << request;
}

TEST(TlsHandshake, nobody_gets_tickets_unasked) {
  TlsPair tls;
  Pair two = tls.connect();
  ASSERT_TRUE(two.both_done());
  EXPECT_TRUE(two.responder.sent.empty() && two.initiator.received.empty());
}

}  // namespace
}  // namespace starling::security
