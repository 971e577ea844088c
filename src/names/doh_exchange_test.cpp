#include "names/doh_exchange.hpp"

#include <gtest/gtest.h>

namespace starling::names {
namespace {

using namespace std::chrono_literals;

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Type: application/dns-message\r\n";

struct Outcome {
  Status status;
  bool done = false;
  std::string message;
  Duration age{};
  bool kept = false;
};

Outcome feed(std::string_view text, std::size_t piece, bool then_end = false, std::size_t max_reply = 64) {
  DohExchange exchange(max_reply);
  ByteQueue in;
  Outcome outcome;
  while (!text.empty() && outcome.status) {
    in.append(as_bytes(text.substr(0, piece)));
    text.remove_prefix(std::min(piece, text.size()));
    outcome.status = exchange.receive(in);
  }
  if (outcome.status && then_end && !exchange.done()) outcome.status = exchange.end();
  outcome.done = exchange.done();
  if (!outcome.status || !outcome.done) return outcome;
  outcome.message = as_text(exchange.message());
  outcome.age = exchange.age();
  outcome.kept = exchange.keeps_alive();
  return outcome;
}

TEST(DohExchange, the_request_is_a_post_with_the_message) {
  ByteQueue out;
  DohExchange::request(*parse_doh_url("https://[::1]:8443/q"), as_bytes("abc"), out);
  EXPECT_EQ(as_text(out.view()),
            "POST /q HTTP/1.1\r\nHost: [::1]:8443\r\nAccept: application/dns-message\r\n"
            "Content-Type: application/dns-message\r\nContent-Length: 3\r\n\r\nabc");
}

TEST(DohExchange, a_reply_is_taken_whole_or_in_pieces) {
  const std::string text = std::string(kOk) + "Content-Length: 5\r\nAge: 7\r\n\r\nhello";
  for (const std::size_t piece : {1u, 3u, 1000u}) {
    const Outcome got = feed(text, piece);
    ASSERT_TRUE(got.status) << got.status.error().message();
    EXPECT_TRUE(got.done);
    EXPECT_EQ(got.message, "hello");
    EXPECT_EQ(got.age, 7s);
    EXPECT_TRUE(got.kept);
  }
}

TEST(DohExchange, chunks_are_put_together_and_a_reply_without_a_length_ends_with_the_stream) {
  const std::string chunked = std::string(kOk) + "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
  EXPECT_EQ(feed(chunked, 1).message, "hello");
  EXPECT_EQ(feed(chunked, 1000).message, "hello");
  const Outcome empty = feed(std::string(kOk) + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 1);
  EXPECT_TRUE(empty.status && empty.done && empty.message.empty());
  const Outcome ended = feed(std::string(kOk) + "Connection: close\r\n\r\nhello", 4, /*then_end=*/true);
  ASSERT_TRUE(ended.status) << ended.status.error().message();
  EXPECT_EQ(ended.message, "hello");
  EXPECT_FALSE(ended.kept);
}

TEST(DohExchange, everything_but_a_whole_dns_message_is_an_error_that_says_what_came) {
  const auto problem = [](const std::string& text, bool then_end = false) {
    const Outcome got = feed(text, 1000, then_end);
    return got.status ? std::string("fine") : got.status.error().detail();
  };
  EXPECT_EQ(problem("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"), "HTTP status 503");
  EXPECT_EQ(problem("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"), "HTTP status 302");
  EXPECT_EQ(problem("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1\r\n\r\nx"),
            "the HTTP reply is no DNS message");
  EXPECT_NE(problem("SSH-2.0-OpenSSH\r\n\r\n").find("malformed"), std::string::npos);
  EXPECT_NE(problem(std::string(kOk) + "Content-Length: 65\r\n\r\n").find("too large"), std::string::npos);
  EXPECT_NE(problem(std::string(kOk) + "X: " + std::string(9000, 'a') + "\r\n\r\n").find("too large"),
            std::string::npos);
  EXPECT_NE(problem(std::string(kOk) + "Connection: close\r\n\r\n" + std::string(65, 'a')).find("too large"),
            std::string::npos);
  EXPECT_EQ(problem(std::string(kOk) + "Content-Length: 5\r\n\r\nhel", /*then_end=*/true),
            "the server ended the HTTP reply in the middle");
  EXPECT_EQ(problem("HTTP/1.1 2", /*then_end=*/true), "the server ended the HTTP reply in the middle");
  EXPECT_EQ(problem("", /*then_end=*/true), "the server ended the HTTP reply in the middle");
}

TEST(DohExchange, the_media_type_may_have_parameters_and_any_case) {
  const auto fine = [](const std::string& type) {
    return feed("HTTP/1.1 200 OK\r\nContent-Type: " + type + "\r\nContent-Length: 1\r\n\r\nx", 1000).status.has_value();
  };
  EXPECT_TRUE(fine("Application/DNS-Message ; charset=utf-8"));
  EXPECT_FALSE(fine("application/dns-message-2"));
  EXPECT_FALSE(fine("application/dns-json"));
}

TEST(DohExchange, an_age_that_is_no_number_counts_as_none) {
  EXPECT_EQ(feed(std::string(kOk) + "Age: x\r\nContent-Length: 1\r\n\r\nx", 1000).age, 0s);
  EXPECT_EQ(feed(std::string(kOk) + "Content-Length: 1\r\n\r\nx", 1000).age, 0s);
}

}  // namespace
}  // namespace starling::names
