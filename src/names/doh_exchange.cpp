#include "names/doh_exchange.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/vector_body.hpp>
#include <charconv>

namespace starling::names {
namespace {

namespace http = boost::beast::http;

constexpr std::uint32_t kMaxHeader = 8192;  // bytes of a reply's header
constexpr std::size_t kShortestChunkedEnd = 5;
constexpr std::string_view kMediaType = "application/dns-message";

std::unexpected<Error> failed(std::string what) {
  return fail(ErrorCode::NameServerFailed, Op::Resolve, Origin::Remote, std::move(what));
}

bool is_dns_message(std::string_view content_type) {
  const std::string_view type = content_type.substr(0, content_type.find(';'));
  return boost::beast::iequals(type.substr(0, type.find_last_not_of(' ') + 1), kMediaType);
}

}  // namespace

struct DohExchange::Parser {
  http::response_parser<http::vector_body<std::uint8_t>> http;
  bool started = false;
};

DohExchange::DohExchange(std::size_t max_reply) : parser_(std::make_unique<Parser>()) {
  parser_->http.header_limit(kMaxHeader);
  parser_->http.body_limit(max_reply);
  parser_->http.eager(true);
}

DohExchange::~DohExchange() = default;

void DohExchange::request(const DohUrl& url, Bytes query, ByteQueue& out) {
  out.append(
      as_bytes("POST " + url.target + " HTTP/1.1\r\nHost: " + url.authority() +
               "\r\nAccept: application/dns-message\r\nContent-Type: application/dns-message\r\nContent-Length: " +
               std::to_string(query.size()) + "\r\n\r\n"));
  out.append(query);
}

// A chunked body ends with five bytes at least ("0\r\n\r\n"). Beast insists on them when it has seen the last chunk's
// size in an earlier piece, so pieces of such a body are held back until there are as many.
bool DohExchange::too_short(std::size_t bytes) const {
  return parser_->http.is_header_done() && parser_->http.chunked() && bytes < kShortestChunkedEnd;
}

Status DohExchange::receive(ByteQueue& in) {
  parser_->started = parser_->started || !in.empty();
  while (!in.empty() && !parser_->http.is_done() && !too_short(in.size())) {
    boost::system::error_code error;
    const std::size_t used = parser_->http.put(boost::asio::buffer(in.view().data(), in.size()), error);
    in.consume(used);
    if (error == http::error::need_more) break;
    if (error) return failed("the HTTP reply is malformed or too large: " + error.message());
    if (used == 0) break;
  }
  return check_header();
}

Status DohExchange::end() {
  boost::system::error_code error;
  if (parser_->http.is_header_done()) parser_->http.put_eof(error);
  if (!done() || error) return failed("the server ended the HTTP reply in the middle");
  return {};
}

// As soon as it is there.
Status DohExchange::check_header() const {
  if (!parser_->http.is_header_done()) return {};
  const auto& reply = parser_->http.get();
  if (reply.result_int() != 200) return failed("HTTP status " + std::to_string(reply.result_int()));
  if (!is_dns_message(reply[http::field::content_type])) return failed("the HTTP reply is no DNS message");
  return {};
}

bool DohExchange::done() const { return parser_->http.is_done(); }
bool DohExchange::started() const { return parser_->started; }
bool DohExchange::keeps_alive() const { return done() && parser_->http.get().keep_alive(); }
Bytes DohExchange::message() const { return parser_->http.get().body(); }

Duration DohExchange::age() const {
  const std::string_view text = parser_->http.get()[http::field::age];
  std::uint32_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  return error == std::errc() ? std::chrono::seconds(seconds) : std::chrono::seconds(0);
}

}  // namespace starling::names
