// Web TLS: who is trusted under which name, ALPN, certificate files and their reload, and traffic both ways.
#include "starling/security/web_tls.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "security/security_test_support.hpp"
#include "security/tls_session.hpp"
#include "security/web_tls_context.hpp"
#include "support/web_certificate.hpp"

namespace starling::security {
namespace {

using namespace testing;
using namespace starling::testing;
using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr TimePoint kStart{};

struct WebSide {
  std::unique_ptr<WebTlsHandshake> handshake;
  ByteQueue received, sent;
  Status status = {};
  WebTlsOutcome outcome;
};

void move_bytes(WebSide& from, WebSide& to, std::size_t most) {
  const std::size_t count = std::min(from.sent.size(), most);
  to.received.append(from.sent.view().first(count));
  from.sent.consume(count);
}

// Until nothing moves.
void shake_hands(WebSide& client, WebSide& server, std::size_t piece = ~std::size_t{0}) {
  client.status = client.handshake->start(client.sent);
  server.status = server.handshake->start(server.sent);
  while (!client.sent.empty() || !server.sent.empty()) {
    move_bytes(client, server, piece);
    if (server.status) server.status = server.handshake->receive(server.received, server.sent);
    move_bytes(server, client, piece);
    if (client.status) client.status = client.handshake->receive(client.received, client.sent);
  }
  if (client.status && client.handshake->done()) client.outcome = client.handshake->take();
  if (server.status && server.handshake->done()) server.outcome = server.handshake->take();
}

class WebTls : public ::testing::Test {
 protected:
  std::unique_ptr<WebTlsServer> server(std::vector<std::string> alpn = {}) {
    return WebTlsServer::load({certificate_, key_, std::move(alpn), 10s}).value();
  }
  std::unique_ptr<WebTlsClient> client(std::string ca_file, std::int64_t now = kWebCertificateTime) {
    return WebTlsClient::create({std::move(ca_file), [now] { return now; }}).value();
  }
  std::unique_ptr<WebTlsClient> client() { return client(certificate_); }
  struct Two {
    WebSide client, server;
  };
  Two connect(WebTlsClient& client, WebTlsServer& server, std::string name = "node.example",
              std::vector<std::string> alpn = {}, std::size_t piece = ~std::size_t{0}) {
    Two two{{client.begin(std::move(name), std::move(alpn)), {}, {}, {}, {}}, {server.begin(), {}, {}, {}, {}}};
    shake_hands(two.client, two.server, piece);
    return two;
  }

  TemporaryFolder folder_;
  std::string certificate_ = folder_.write("chain.pem", kWebCertificateA, 0644);
  std::string key_ = folder_.write("key.pem", kWebKeyA);
};

TEST_F(WebTls, traffic_goes_both_ways_and_ends_with_a_farewell) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{100}, std::size_t{1} << 20}) {
    const auto serving = server();
    const auto dialing = client();
    Two two = connect(*dialing, *serving, "node.example", {}, piece);
    ASSERT_TRUE(two.client.outcome.channel && two.server.outcome.channel);
    Collector there, back;
    const ByteVector data = noise_bytes(100'000, 1);
    ASSERT_TRUE(two.client.outcome.channel->seal(data, two.client.sent));
    move_bytes(two.client, two.server, ~std::size_t{0});
    ASSERT_TRUE(two.server.outcome.channel->open(two.server.received, there));
    EXPECT_EQ(there.bytes, data);
    ASSERT_TRUE(two.server.outcome.channel->seal(as_bytes("answer"), two.server.sent));
    ASSERT_TRUE(two.server.outcome.channel->close(two.server.sent));
    move_bytes(two.server, two.client, ~std::size_t{0});
    ASSERT_TRUE(two.client.outcome.channel->open(two.client.received, back));
    EXPECT_EQ(back.text(), "answer");
    EXPECT_TRUE(two.client.outcome.channel->remote_closed());
  }
}

TEST_F(WebTls, the_certificate_must_be_for_the_name_or_address_that_was_asked_for) {
  const auto serving = server();
  const auto dialing = client();
  for (const char* name : {"node.example", "NODE.example.", "localhost", "127.0.0.1", "::1"})
    EXPECT_TRUE(connect(*dialing, *serving, name).client.outcome.channel) << name;
  for (const char* name : {"other.example", "sub.node.example", "127.0.0.2", "example"}) {
    const Two two = connect(*dialing, *serving, name);
    ASSERT_FALSE(two.client.status) << name;
    EXPECT_EQ(two.client.status.error(), ErrorCode::CertificateUntrusted);
    EXPECT_THAT(two.client.status.error().detail(), HasSubstr("mismatch")) << name;
    ASSERT_FALSE(two.server.status) << "the server is told by an alert";
  }
}

TEST_F(WebTls, what_cannot_be_a_name_is_our_own_error) {
  const auto dialing = client();
  for (const std::string& name : {std::string(), std::string("."), std::string(254, 'a'), std::string("a\0b", 3)}) {
    ByteQueue out;
    EXPECT_EQ(dialing->begin(name, {})->start(out).error(), ErrorCode::InvalidArgument) << name;
  }
  ByteQueue out;
  EXPECT_EQ(dialing->begin("node.example", {""})->start(out).error(), ErrorCode::InvalidArgument);
}

TEST_F(WebTls, an_authority_that_is_not_in_the_file_is_not_trusted) {
  const auto serving = server();
  const auto dialing = client(folder_.write("other.pem", kWebCertificateB));
  const Two two = connect(*dialing, *serving);
  ASSERT_FALSE(two.client.status);
  EXPECT_EQ(two.client.status.error(), ErrorCode::CertificateUntrusted);
}

TEST_F(WebTls, the_systems_authorities_do_not_vouch_for_a_self_signed_certificate) {
  const auto serving = server();
  const auto dialing = client("");
  EXPECT_EQ(connect(*dialing, *serving).client.status.error(), ErrorCode::CertificateUntrusted);
}

TEST_F(WebTls, a_client_that_asks_for_no_proof_takes_every_certificate) {
  const auto trusting = WebTlsClient::create({.ca_file = {}, .unix_seconds = {}, .any_certificate = true}).value();
  const auto server = this->server();
  for (const char* name : {"node.example", "somebody.else", "192.0.2.1"}) {
    const Two two = connect(*trusting, *server, name);
    EXPECT_TRUE(two.client.status && two.client.handshake->done() && two.server.handshake->done()) << name;
  }
}

TEST_F(WebTls, certificates_are_judged_by_the_clock_passed_in) {
  const auto serving = server();
  for (const std::int64_t time : {std::int64_t{0}, std::int64_t{9'000'000'000}}) {
    const auto dialing = client(certificate_, time);
    const Two two = connect(*dialing, *serving);
    ASSERT_FALSE(two.client.status);
    EXPECT_EQ(two.client.status.error(), ErrorCode::CertificateUntrusted);
    EXPECT_THAT(two.client.status.error().detail(), HasSubstr(time == 0 ? "not yet valid" : "expired"));
  }
}

TEST_F(WebTls, the_servers_order_decides_alpn_and_no_overlap_is_no_error) {
  const auto serving = server({"http/1.1", "other"});
  const auto dialing = client();
  EXPECT_EQ(connect(*dialing, *serving, "localhost", {"h2", "other", "http/1.1"}).client.outcome.alpn, "http/1.1");
  EXPECT_EQ(connect(*dialing, *serving, "localhost", {"other"}).server.outcome.alpn, "other");
  const Two none = connect(*dialing, *serving, "localhost", {"h2"});
  EXPECT_TRUE(none.client.outcome.channel && none.server.outcome.channel);
  EXPECT_EQ(none.client.outcome.alpn, "");
  const auto silent = server();
  EXPECT_EQ(connect(*dialing, *silent, "localhost", {"h2"}).client.outcome.alpn, "");
}

TEST_F(WebTls, an_older_client_gets_tls_1_2_and_nothing_below) {
  const auto serving = server();
  for (const int version : {TLS1_2_VERSION, TLS1_1_VERSION}) {
    auto context = make_web_client_context(certificate_).value();
    SSL_CTX_set_min_proto_version(context.get(), 0);
    SSL_CTX_set_max_proto_version(context.get(), version);
    SSL_CTX_set_security_level(context.get(), 0);
    SSL_CTX_set_cipher_list(context.get(), "DEFAULT:@SECLEVEL=0");
    const auto session = TlsSession::create(*context);
    SSL_set_connect_state(session->ssl());
    WebSide remote{serving->begin(), {}, {}, {}, {}};
    ASSERT_TRUE(remote.handshake->start(remote.sent));
    ByteQueue from_server;
    for (int flight = 0; flight < 3 && remote.status && !remote.handshake->done(); ++flight) {
      const TlsAttachment attachment(*session, &from_server, from_server.size(), remote.received);
      SSL_do_handshake(session->ssl());
      remote.status = remote.handshake->receive(remote.received, remote.sent);
      from_server.append(remote.sent.view());
      remote.sent.clear();
    }
    EXPECT_EQ(remote.handshake->done(), version == TLS1_2_VERSION) << version;
  }
}

TEST_F(WebTls, what_is_no_tls_ends_the_handshake) {
  const auto serving = server();
  WebSide side{serving->begin(), {}, {}, {}, {}};
  ASSERT_TRUE(side.handshake->start(side.sent));
  side.received.append(as_bytes("GET / HTTP/1.1\r\n\r\n"));
  const Status first = side.handshake->receive(side.received, side.sent);
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error(), ErrorCode::HandshakeFailed);
  EXPECT_EQ(side.handshake->receive(side.received, side.sent).error(), ErrorCode::Closed);
}

TEST_F(WebTls, bad_files_are_refused_by_name) {
  const auto load = [&](std::string certificate, std::string key) {
    return WebTlsServer::load({std::move(certificate), std::move(key), {}, 10s}).error();
  };
  EXPECT_EQ(load(certificate_, folder_.write("open.pem", kWebKeyA, 0640)), ErrorCode::FileExposed);
  EXPECT_EQ(load(certificate_, folder_.path("missing")), ErrorCode::FileUnreadable);
  EXPECT_EQ(load(folder_.path("missing"), key_), ErrorCode::FileUnreadable);
  EXPECT_EQ(load(folder_.write("junk.pem", "junk"), key_), ErrorCode::FileMalformed);
  EXPECT_EQ(load(certificate_, folder_.write("junk.key", "junk")), ErrorCode::FileMalformed);
  const Error mixed = load(certificate_, folder_.write("other.key", kWebKeyB));
  EXPECT_EQ(mixed, ErrorCode::FileMalformed);
  EXPECT_THAT(mixed.detail(), HasSubstr("other.key"));
  EXPECT_EQ(WebTlsClient::create({folder_.path("missing"), {}}).error(), ErrorCode::FileUnreadable);
}

TEST_F(WebTls, new_files_are_used_from_the_next_handshake_on) {
  const auto serving = server();
  const auto old_client = client(folder_.write("ca-a.pem", kWebCertificateA));
  const auto new_client = client(folder_.write("ca-b.pem", kWebCertificateB));
  ASSERT_TRUE(serving->reload_if_changed(kStart));
  EXPECT_TRUE(connect(*old_client, *serving).client.status);
  folder_.write("chain.pem", kWebCertificateB, 0644);
  folder_.write("key.pem", kWebKeyB);
  ASSERT_TRUE(serving->reload_if_changed(kStart + 9s));
  EXPECT_FALSE(connect(*new_client, *serving).client.status) << "nobody looked yet";
  ASSERT_TRUE(serving->reload_if_changed(kStart + 10s));
  EXPECT_TRUE(connect(*new_client, *serving).client.status);
  EXPECT_FALSE(connect(*old_client, *serving).client.status);
}

TEST_F(WebTls, half_of_a_change_keeps_the_old_certificate_and_is_looked_at_again) {
  const auto serving = server();
  const auto old_client = client(folder_.write("ca-a.pem", kWebCertificateA));
  const auto new_client = client(folder_.write("ca-b.pem", kWebCertificateB));
  folder_.write("chain.pem", kWebCertificateB, 0644);
  EXPECT_EQ(serving->reload_if_changed(kStart).error(), ErrorCode::FileMalformed);
  EXPECT_TRUE(connect(*old_client, *serving).client.status);
  folder_.write("key.pem", kWebKeyB);
  EXPECT_TRUE(serving->reload_if_changed(kStart + 10s));
  EXPECT_TRUE(connect(*new_client, *serving).client.status);
}

TEST_F(WebTls, a_reload_that_is_asked_for_happens_at_once) {
  const auto serving = server();
  folder_.write("chain.pem", kWebCertificateB, 0644);
  folder_.write("key.pem", kWebKeyB);
  ASSERT_TRUE(serving->reload());
  EXPECT_TRUE(connect(*client(certificate_), *serving).client.status);
}

}  // namespace
}  // namespace starling::security
