#include "transport/websocket/websocket_upgrade.hpp"

#include <algorithm>
#include <array>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/write.hpp>
#include <sstream>

#include "starling/crypto/sha1.hpp"
#include "starling/multiformats/multibase.hpp"

namespace starling::transport {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;

constexpr std::string_view kAcceptSuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455, section 1.3
constexpr std::string_view kVersion = "13";
constexpr std::size_t kKeySize = 16;

template <typename Message>
void append_message(const Message& message, ByteQueue& out) {
  std::ostringstream text;
  text << message;
  out.append(as_bytes(text.view()));
}

template <typename Fields>
std::string_view text_of(const Fields& fields, http::field name) {
  const auto value = fields[name];
  return {value.data(), value.size()};
}

template <typename Fields>
bool has_token(const Fields& fields, http::field name, std::string_view token) {
  return http::token_list{fields[name]}.exists({token.data(), token.size()});
}

/// Feeds `in` to `parser`; true when the header is complete, and then consumed.
template <typename Parser>
Result<bool> parse(Parser& parser, ByteQueue& in) {
  beast::error_code error;
  const std::size_t used = parser.put(boost::asio::const_buffer(in.view().data(), in.size()), error);
  in.consume(used);
  if (error == http::error::need_more) return false;
  if (error == http::error::header_limit)
    return fail(ErrorCode::MessageTooLarge, Op::Decode, Origin::Remote,
                "WebSocket upgrade: websocket.max_header_bytes");
  if (error) return fail(ErrorCode::ProtocolViolation, Op::Decode, Origin::Remote, "no HTTP: " + error.message());
  return parser.is_header_done();
}

class ClientUpgrade final : public WebSocketUpgrade {
 public:
  ClientUpgrade(std::string host, std::size_t max_header_bytes, Random& random) : host_(std::move(host)) {
    std::array<std::uint8_t, kKeySize> nonce;
    random.fill(nonce);
    key_ = base64_encode(nonce);
    parser_.header_limit(std::uint32_t(max_header_bytes));
    parser_.skip(true);  // a switch of protocols has no body
  }

  Status start(ByteQueue& out) override {
    http::request<http::empty_body> request{http::verb::get, "/", 11};
    request.set(http::field::host, host_);
    request.set(http::field::upgrade, "websocket");
    request.set(http::field::connection, "Upgrade");
    request.set(http::field::sec_websocket_key, key_);
    request.set(http::field::sec_websocket_version, std::string(kVersion));
    append_message(request, out);
    return {};
  }

  Status receive(ByteQueue& in, ByteQueue&) override {
    STARLING_TRY(const bool complete, parse(parser_, in));
    if (!complete) return {};
    STARLING_CHECK(check(parser_.get()));
    done_ = true;
    return {};
  }
  bool done() const override { return done_; }

 private:
  Status check(const http::response<http::empty_body>& answer) const {
    const auto refused = [&](std::string why) {
      return fail(ErrorCode::UpgradeRefused, Op::Negotiate, Origin::Remote, host_ + ": " + std::move(why));
    };
    if (answer.result_int() != unsigned(http::status::switching_protocols))
      return refused("it answered " + std::to_string(answer.result_int()));
    if (!has_token(answer, http::field::upgrade, "websocket") || !has_token(answer, http::field::connection, "upgrade"))
      return refused("its answer switches to something else");
    if (text_of(answer, http::field::sec_websocket_accept) != websocket_accept(key_))
      return refused("its answer is not to our question");
    if (answer.count(http::field::sec_websocket_extensions) > 0 ||
        answer.count(http::field::sec_websocket_protocol) > 0)
      return refused("it chose an extension or a protocol that we did not offer");
    return {};
  }

  std::string host_, key_;
  http::response_parser<http::empty_body> parser_;
  bool done_ = false;
};

class ServerUpgrade final : public WebSocketUpgrade {
 public:
  explicit ServerUpgrade(std::size_t max_header_bytes) { parser_.header_limit(std::uint32_t(max_header_bytes)); }
  Status start(ByteQueue&) override { return {}; }

  Status receive(ByteQueue& in, ByteQueue& out) override {
    auto complete = parse(parser_, in);
    if (!complete) {
      const bool large = complete.error() == ErrorCode::MessageTooLarge;
      refuse(large ? http::status::request_header_fields_too_large : http::status::bad_request, out);
      return std::unexpected(std::move(complete).error());
    }
    if (!*complete) return {};
    STARLING_CHECK(check(parser_.get(), out));
    accept(text_of(parser_.get(), http::field::sec_websocket_key), out);
    done_ = true;
    return {};
  }
  bool done() const override { return done_; }

 private:
  Status check(const http::request<http::empty_body>& request, ByteQueue& out) {
    const auto violation = [&](http::status status, std::string why) {
      refuse(status, out);
      return fail(ErrorCode::ProtocolViolation, Op::Negotiate, Origin::Remote, "WebSocket upgrade: " + std::move(why));
    };
    if (request.method() != http::verb::get || request.version() < 11)
      return violation(http::status::bad_request, "not a GET of HTTP/1.1");
    if (request.count(http::field::host) != 1 || request[http::field::host].empty())
      return violation(http::status::bad_request, "not exactly one Host");
    if (!has_token(request, http::field::upgrade, "websocket") ||
        !has_token(request, http::field::connection, "upgrade"))
      return violation(http::status::upgrade_required, "an ordinary HTTP request");
    if (text_of(request, http::field::sec_websocket_version) != kVersion)
      return violation(http::status::upgrade_required, "another version than 13");
    if (parser_.chunked() || parser_.content_length().value_or(0) > 0)
      return violation(http::status::bad_request, "a request with a body");
    const auto key = base64_decode(text_of(request, http::field::sec_websocket_key));
    if (!key || key->size() != kKeySize || request.count(http::field::sec_websocket_key) != 1)
      return violation(http::status::bad_request, "the key is not 16 bytes");
    return {};
  }

  static void refuse(http::status status, ByteQueue& out) {
    http::response<http::empty_body> answer{status, 11};
    answer.set(http::field::connection, "close");
    answer.set(http::field::content_length, "0");
    if (status == http::status::upgrade_required) {
      answer.set(http::field::upgrade, "websocket");
      answer.set(http::field::sec_websocket_version, std::string(kVersion));
    }
    append_message(answer, out);
  }
  static void accept(std::string_view key, ByteQueue& out) {
    http::response<http::empty_body> answer{http::status::switching_protocols, 11};
    answer.set(http::field::upgrade, "websocket");
    answer.set(http::field::connection, "Upgrade");
    answer.set(http::field::sec_websocket_accept, websocket_accept(key));
    append_message(answer, out);
  }

  http::request_parser<http::empty_body> parser_;
  bool done_ = false;
};

}  // namespace

std::string websocket_accept(std::string_view key) {
  const crypto::Sha1Digest digest = crypto::sha1({as_bytes(key), as_bytes(kAcceptSuffix)});
  return base64_encode(digest);
}

std::unique_ptr<WebSocketUpgrade> make_websocket_client_upgrade(std::string host, std::size_t max_header_bytes,
                                                                Random& random) {
  return std::make_unique<ClientUpgrade>(std::move(host), max_header_bytes, random);
}

std::unique_ptr<WebSocketUpgrade> make_websocket_server_upgrade(std::size_t max_header_bytes) {
  return std::make_unique<ServerUpgrade>(max_header_bytes);
}

}  // namespace starling::transport
