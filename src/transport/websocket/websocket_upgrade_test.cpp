// The HTTP upgrade: both machines against each other, and each against what the other should not say.
#include "transport/websocket/websocket_upgrade.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "transport/websocket/websocket_address.hpp"

namespace starling::transport {
namespace {

using ::testing::HasSubstr;

constexpr std::size_t kLimit = 1024;

std::string request(std::string_view change_from = "", std::string_view to = "") {
  std::string text =
      "GET /any HTTP/1.1\r\nHost: node.example:4001\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
      "Origin: https://elsewhere.example\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
      "Sec-WebSocket-Version: 13\r\n\r\n";
  if (!change_from.empty()) text.replace(text.find(change_from), change_from.size(), to);
  return text;
}

TEST(WebSocketUpgrade, the_accept_value_is_the_one_of_the_specification) {
  EXPECT_EQ(websocket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(WebSocketUpgrade, client_and_server_agree_in_whatever_pieces_and_leave_what_follows) {
  for (const std::size_t piece : {1u, 10u, 4096u}) {
    const auto random = seeded_random(1);
    const auto client = make_websocket_client_upgrade("node.example:4001", kLimit, *random);
    const auto server = make_websocket_server_upgrade(kLimit);
    ByteQueue to_server, to_client, at_server, at_client, unused;
    ASSERT_TRUE(client->start(to_server));
    EXPECT_THAT(std::string(as_text(to_server.view())), HasSubstr("Host: node.example:4001\r\n"));
    to_server.append(as_bytes("early"));
    while (!to_server.empty() && !server->done()) {
      const std::size_t count = std::min(piece, to_server.size());
      at_server.append(to_server.view().first(count));
      to_server.consume(count);
      ASSERT_TRUE(server->receive(at_server, to_client));
    }
    ASSERT_TRUE(server->done());
    EXPECT_EQ(std::string(as_text(at_server.view())) + std::string(as_text(to_server.view())), "early");
    to_client.append(as_bytes("first"));
    at_client.append(to_client.view());
    ASSERT_TRUE(client->receive(at_client, unused));
    ASSERT_TRUE(client->done());
    EXPECT_EQ(as_text(at_client.view()), "first");
  }
}

std::pair<Status, std::string> ask(std::string_view text) {
  const auto server = make_websocket_server_upgrade(kLimit);
  ByteQueue in, out;
  in.append(as_bytes(text));
  Status status = server->receive(in, out);
  EXPECT_EQ(server->done(), status.has_value());
  return {std::move(status), std::string(as_text(out.view()))};
}

TEST(WebSocketUpgrade, a_browsers_request_is_accepted_from_any_origin) {
  const auto [status, answer] = ask(request());
  ASSERT_TRUE(status) << status.error().message();
  EXPECT_THAT(answer, HasSubstr("HTTP/1.1 101 "));
  EXPECT_THAT(answer, HasSubstr("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
}

TEST(WebSocketUpgrade, other_requests_are_refused_with_a_status) {
  const std::pair<std::string, const char*> requests[] = {
      {request("GET", "POST"), "400"},
      {request("HTTP/1.1", "HTTP/1.0"), "400"},
      {request("Host: node.example:4001\r\n", ""), "400"},
      {request("Host: node.example:4001", "Host: a\r\nHost: b"), "400"},
      {request("Upgrade: websocket\r\n", ""), "426"},
      {request("keep-alive, Upgrade", "keep-alive"), "426"},
      {request("Version: 13", "Version: 8"), "426"},
      {request("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ="), "400"},
      {request("dGhlIHNhbXBsZSBub25jZQ==", "no base64!"), "400"},
      {request("Origin: https://elsewhere.example", "Content-Length: 3"), "400"},
      {request("Origin: https://elsewhere.example", "Transfer-Encoding: chunked"), "400"},
      {"\x13/multistream/1.0.0\n\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: x\r\n bad folding\x01\r\n\r\n", "400"},
  };
  for (const auto& [text, code] : requests) {
    const auto [status, answer] = ask(text);
    ASSERT_FALSE(status) << text;
    EXPECT_EQ(status.error(), ErrorCode::ProtocolViolation) << text;
    EXPECT_THAT(answer, HasSubstr(std::string("HTTP/1.1 ") + code)) << text;
    EXPECT_THAT(answer, HasSubstr("Connection: close"));
  }
}

TEST(WebSocketUpgrade, a_header_without_end_is_refused_at_the_bound) {
  const auto server = make_websocket_server_upgrade(kLimit);
  ByteQueue in, out;
  in.append(as_bytes("GET / HTTP/1.1\r\nX: "));
  while (in.size() < kLimit - 8) {
    in.append(as_bytes("aaaa"));
    ASSERT_TRUE(server->receive(in, out)) << in.size();
  }
  in.append(as_bytes(std::string(16, 'a')));
  EXPECT_EQ(server->receive(in, out).error(), ErrorCode::MessageTooLarge);
  EXPECT_THAT(std::string(as_text(out.view())), HasSubstr("431"));
}

TEST(WebSocketUpgrade, an_answer_that_is_no_switch_is_refused_by_name) {
  const std::string good =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ";
  const auto answered = [](std::string text, bool right_key) {
    const auto random = seeded_random(1);
    const auto client = make_websocket_client_upgrade("h", kLimit, *random);
    ByteQueue in, out, unused;
    EXPECT_TRUE(client->start(out));
    const std::string asked(as_text(out.view()));
    const std::size_t key = asked.find("Sec-WebSocket-Key: ") + 19;
    const std::string accept = right_key ? websocket_accept(asked.substr(key, 24)) : "AAAA";
    if (const std::size_t at = text.find('@'); at != std::string::npos) text.replace(at, 1, accept);
    in.append(as_bytes(text));
    return client->receive(in, unused);
  };
  EXPECT_TRUE(answered(good + "@\r\n\r\n", true));
  EXPECT_EQ(answered(good + "@\r\n\r\n", false).error(), ErrorCode::UpgradeRefused);
  EXPECT_EQ(answered(good + "@\r\nSec-WebSocket-Protocol: x\r\n\r\n", true).error(), ErrorCode::UpgradeRefused);
  EXPECT_EQ(answered("HTTP/1.1 101 S\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", true).error(),
            ErrorCode::UpgradeRefused);
  const Status page = answered("HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot found", true);
  EXPECT_EQ(page.error(), ErrorCode::UpgradeRefused);
  EXPECT_THAT(page.error().detail(), HasSubstr("404"));
  EXPECT_EQ(answered("SSH-2.0-OpenSSH\r\n\r\n\r\n", true).error(), ErrorCode::ProtocolViolation);
}

TEST(WebSocketAddress, every_form_is_told_apart) {
  const auto parse = [](std::string_view text) {
    return WebSocketAddress::parse(Multiaddr::from_string(text).value());
  };
  const auto plain = parse("/ip4/1.2.3.4/tcp/80/ws");
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->tls);
  EXPECT_EQ(plain->host_header(""), "1.2.3.4:80");
  EXPECT_EQ(plain->host_header("node.example"), "node.example");
  for (const char* text : {"/ip6/::1/tcp/4001/wss", "/ip6/::1/tcp/4001/tls/ws"}) {
    const auto secure = parse(text);
    ASSERT_TRUE(secure && secure->tls) << text;
    EXPECT_EQ(secure->server_name(""), "::1");
    EXPECT_EQ(secure->host_header(""), "[::1]:4001");
    EXPECT_EQ(secure->server_name("node.example"), "node.example");
    EXPECT_EQ(secure->with_endpoint(secure->endpoint).to_string(), text);
  }
  const auto named = parse("/ip4/1.2.3.4/tcp/443/tls/sni/a.example/ws");
  ASSERT_TRUE(named && named->tls);
  EXPECT_EQ(named->server_name("b.example"), "a.example") << "/sni is more precise than the name that was resolved";
  EXPECT_EQ(named->host_header(""), "a.example");
  for (const char* text : {"/ip4/1.2.3.4/tcp/80", "/ip4/1.2.3.4/udp/80/ws", "/dns/a.example/tcp/80/ws",
                           "/ip4/1.2.3.4/tcp/80/ws/ws", "/ip4/1.2.3.4/tcp/80/tls", "/ip4/1.2.3.4/tcp/80/tls/wss"})
    EXPECT_FALSE(parse(text)) << text;
}

}  // namespace
}  // namespace starling::transport
