#include "starling/diagnostics/http.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace starling::diagnostics {
namespace {

using testing::HasSubstr;

Bytes bytes(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

HttpReader requests() { return HttpReader(HttpReader::Kind::Requests, {.header = 256, .body = 16}); }

TEST(HttpReader, a_request_may_come_byte_by_byte) {
  HttpReader reader = requests();
  const std::string text = "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:5101\r\n\r\n";
  for (std::size_t i = 0; i + 1 < text.size(); ++i) EXPECT_EQ(*reader.receive(bytes(text.substr(i, 1))), false);
  EXPECT_EQ(*reader.receive(bytes("\n")), true);
  const HttpRequest request = reader.take_request();
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.target, "/metrics");
  EXPECT_EQ(request.host, "127.0.0.1:5101");
  EXPECT_TRUE(request.keep_alive);
  EXPECT_FALSE(reader.busy());
}

TEST(HttpReader, the_last_chunk_may_come_byte_by_byte) {
  HttpReader reader = requests();
  const std::string text = "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto got = reader.receive(bytes(text).subspan(i, 1));
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_EQ(*got, i + 1 == text.size());
  }
  EXPECT_EQ(reader.take_request().method, "POST");
}

TEST(HttpReader, requests_that_come_together_are_taken_one_after_the_other) {
  HttpReader reader = requests();
  EXPECT_EQ(*reader.receive(bytes("GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.0\r\n\r\n")), true);
  EXPECT_EQ(reader.take_request().target, "/a");
  EXPECT_EQ(*reader.receive({}), true);
  const HttpRequest second = reader.take_request();
  EXPECT_EQ(second.target, "/b");
  EXPECT_FALSE(second.keep_alive);
}

TEST(HttpReader, header_fields_of_the_limit_pass_and_one_more_byte_does_not) {
  const std::string line = "GET / HTTP/1.1\r\n", start = "Host: x\r\nA: ", end = "\r\n\r\n";
  for (const std::size_t size : {std::size_t{256}, std::size_t{257}}) {
    HttpReader reader = requests();
    const auto got = reader.receive(bytes(line + start + std::string(size - start.size() - end.size(), 'a') + end));
    EXPECT_EQ(got.has_value(), size == 256) << size;
    if (!got) EXPECT_EQ(got.error().code(), ErrorCode::TooLarge);
  }
}

TEST(HttpReader, an_endless_header_ends_at_the_limit) {
  HttpReader reader = requests();
  ASSERT_TRUE(reader.receive(bytes("GET / HTTP/1.1\r\nA: ")));
  std::size_t sent = 0;
  while (sent < 4096 && reader.receive(bytes("aaaaaaaa"))) sent += 8;
  EXPECT_LE(sent, 512u);
}

TEST(HttpReader, a_body_beyond_the_limit_is_refused) {
  HttpReader reader = requests();
  const auto got = reader.receive(bytes("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 17\r\n\r\n"));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), ErrorCode::TooLarge);
}

TEST(HttpReader, what_is_no_http_is_malformed) {
  for (const char* text : {"\x16\x03\x01\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\r\n\r\n\r\n"}) {
    HttpReader reader = requests();
    const auto got = reader.receive(bytes(text));
    ASSERT_FALSE(got) << text;
    EXPECT_EQ(got.error().code(), ErrorCode::Malformed);
  }
}

TEST(HttpReader, a_response_is_read_to_its_length_or_to_the_end_of_the_stream) {
  HttpReader whole(HttpReader::Kind::Responses, {});
  EXPECT_EQ(*whole.receive(bytes(to_wire({404, "application/json", "{}"}, true, false))), true);
  EXPECT_EQ(whole.take_response().status, 404u);

  HttpReader open(HttpReader::Kind::Responses, {});
  EXPECT_EQ(*open.receive(bytes("HTTP/1.0 200 OK\r\n\r\nab")), false);
  EXPECT_EQ(*open.end(), true);
  EXPECT_EQ(open.take_response().body, "ab");

  HttpReader cut(HttpReader::Kind::Responses, {});
  EXPECT_EQ(*cut.receive(bytes("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")), false);
  EXPECT_EQ(cut.end().error().code(), ErrorCode::Truncated);
}

TEST(Http, the_answer_to_head_tells_the_length_and_has_no_body) {
  const std::string wire = to_wire({200, "text/plain", "hello"}, false, /*head=*/true);
  EXPECT_THAT(wire, HasSubstr("Content-Length: 5\r\n"));
  EXPECT_TRUE(wire.ends_with("\r\n\r\n"));
}

TEST(Http, only_addresses_and_localhost_are_hosts) {
  for (const char* host :
       {"127.0.0.1", "127.0.0.1:5101", "localhost", "LocalHost:5101", "[::1]", "[::1]:5101", "10.0.0.1:1"})
    EXPECT_TRUE(host_is_an_address(host)) << host;
  for (const char* host : {"", "evil.example", "evil.example:5101", "localhost.evil.example", "127.0.0.1.evil.example",
                           "[::1", "[evil]", "::1", "127.1", "2130706433"})
    EXPECT_FALSE(host_is_an_address(host)) << host;
}

}  // namespace
}  // namespace starling::diagnostics
