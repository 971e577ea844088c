#include "starling/diagnostics/http.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cctype>
#include <utility>

#include "starling/base/assert.hpp"
#include "starling/base/version.hpp"
#include "starling/io/network.hpp"

namespace starling::diagnostics {

namespace http = boost::beast::http;

struct HttpReader::Parser {
  std::optional<http::request_parser<http::string_body>> request;
  std::optional<http::response_parser<http::string_body>> response;
};

namespace {

Error broken(const boost::system::error_code& problem) {
  const bool large = problem == http::error::header_limit || problem == http::error::body_limit ||
                     problem == http::error::buffer_overflow;
  return Error(large ? ErrorCode::TooLarge : ErrorCode::Malformed, Op::Read, Origin::Remote,
               "HTTP: " + problem.message());
}

template <typename Parser>
void start(std::optional<Parser>& parser, const HttpLimits& limits) {
  parser.emplace();
  parser->header_limit(limits.header);
  parser->body_limit(limits.body);
  parser->eager(true);
}

// A chunked body ends with five bytes at least ("0\r\n\r\n"). Beast insists on them when it has seen the last chunk's
// size in an earlier piece, so pieces of such a body are held back until there are as many.
constexpr std::size_t kShortestChunkedEnd = 5;

template <typename Parser>
bool too_short(const Parser& parser, const std::string& buffer) {
  return parser.is_header_done() && parser.chunked() && buffer.size() < kShortestChunkedEnd;
}

template <typename Parser>
Result<bool> feed(Parser& parser, std::string& buffer, const HttpLimits& limits) {
  while (!buffer.empty() && !parser.is_done() && !too_short(parser, buffer)) {
    boost::system::error_code problem;
    const std::size_t used = parser.put(boost::asio::const_buffer(buffer.data(), buffer.size()), problem);
    buffer.erase(0, used);
    if (problem == http::error::need_more) {
      if (buffer.size() > limits.header) return fail(ErrorCode::TooLarge, Op::Read, Origin::Remote, "HTTP: header");
      return false;
    }
    if (problem) return std::unexpected(broken(problem));
  }
  return parser.is_done();
}

template <typename Parser>
Result<bool> finish(Parser& parser) {
  boost::system::error_code problem;
  if (parser.got_some()) parser.put_eof(problem);
  if (problem || !parser.is_done())
    return fail(ErrorCode::Truncated, Op::Read, Origin::Remote, "HTTP: the connection ended within a message");
  return true;
}

std::string_view reason(unsigned status) {
  const boost::beast::string_view text = http::obsolete_reason(http::int_to_status(status));
  return {text.data(), text.size()};
}

}  // namespace

HttpReader::HttpReader(Kind kind, HttpLimits limits)
    : kind_(kind), limits_(limits), parser_(std::make_unique<Parser>()) {
  reset();
}
HttpReader::~HttpReader() = default;

void HttpReader::reset() {
  if (kind_ == Kind::Requests) {
    start(parser_->request, limits_);
  } else {
    start(parser_->response, limits_);
  }
}

Result<bool> HttpReader::parse() {
  return kind_ == Kind::Requests ? feed(*parser_->request, buffer_, limits_)
                                 : feed(*parser_->response, buffer_, limits_);
}

Result<bool> HttpReader::receive(Bytes data) {
  buffer_.append(reinterpret_cast<const char*>(data.data()), data.size());
  return parse();
}

Result<bool> HttpReader::end() {
  return kind_ == Kind::Requests ? finish(*parser_->request) : finish(*parser_->response);
}

HttpRequest HttpReader::take_request() {
  STARLING_ASSERT(kind_ == Kind::Requests && parser_->request->is_done(), "a request is complete before it is taken");
  const auto& message = parser_->request->get();
  const auto text = [](boost::beast::string_view view) { return std::string(view.data(), view.size()); };
  HttpRequest request{text(message.method_string()), text(message.target()), text(message[http::field::host]),
                      message.keep_alive()};
  reset();
  return request;
}

HttpResponse HttpReader::take_response() {
  STARLING_ASSERT(kind_ == Kind::Responses && parser_->response->is_done(),
                  "a response is complete before it is taken");
  auto message = parser_->response->release();
  const boost::beast::string_view type = message[http::field::content_type];
  HttpResponse response{message.result_int(), std::string(type.data(), type.size()), std::move(message.body())};
  reset();
  return response;
}

bool HttpReader::busy() const {
  return !buffer_.empty() || (kind_ == Kind::Requests ? parser_->request->got_some() : parser_->response->got_some());
}

std::string to_wire(const HttpResponse& response, bool keep_alive, bool head) {
  return fmt::format(
      "HTTP/1.1 {} {}\r\nServer: starling/{}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n"
      "X-Content-Type-Options: nosniff\r\nConnection: {}\r\n\r\n{}",
      response.status, reason(response.status), kVersion, response.content_type, response.body.size(),
      keep_alive ? "keep-alive" : "close", head ? "" : response.body);
}

std::string to_wire_get(std::string_view target, std::string_view host) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", target, host);
}

bool host_is_an_address(std::string_view host) {
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    if (end == std::string_view::npos) return false;
    return io::IpAddress::from_string(host.substr(1, end - 1)).has_value();
  }
  host = host.substr(0, host.find(':'));
  constexpr std::string_view kLocal = "localhost";
  const auto same = [](char a, char b) { return std::tolower(std::uint8_t(a)) == b; };
  if (std::equal(host.begin(), host.end(), kLocal.begin(), kLocal.end(), same)) return true;
  const auto address = io::IpAddress::from_string(host);
  return address.has_value() && address->is_v4();
}

}  // namespace starling::diagnostics
