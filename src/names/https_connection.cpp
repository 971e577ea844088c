#include "names/https_connection.hpp"

#include <utility>

namespace starling::names {
namespace {

constexpr std::size_t kReadSize = 16u << 10;  // a TLS record
constexpr const char* kHttp11 = "http/1.1";   // RFC 7301 §6

Error ended() {
  return Error(ErrorCode::EndOfStream, Op::Secure, Origin::Remote, "the web server ended the TLS handshake");
}

}  // namespace

io::Task<Result<std::unique_ptr<HttpsConnection>>> HttpsConnection::open(io::Network& network, io::Endpoint at,
                                                                         std::string host,
                                                                         security::WebTlsClient& tls) {
  STARLING_CO_TRY(auto socket, co_await network.connect(at, io::ConnectOptions{}));
  std::unique_ptr<HttpsConnection> connection(new HttpsConnection(std::move(socket)));
  STARLING_CO_CHECK(co_await connection->shake_hands(std::move(host), tls));
  co_return connection;
}

io::Task<Status> HttpsConnection::shake_hands(std::string host, security::WebTlsClient& tls) {
  const auto handshake = tls.begin(std::move(host), {kHttp11});
  STARLING_CO_CHECK(handshake->start(cipher_out_));
  while (!handshake->done()) {
    STARLING_CO_CHECK(co_await flush());
    STARLING_CO_TRY(const bool more, co_await fill());
    if (!more) co_return fail(ended());
    const Status received = handshake->receive(cipher_in_, cipher_out_);
    if (received) continue;
    (void)co_await flush();  // the alert
    co_return received;
  }
  STARLING_CO_CHECK(co_await flush());
  channel_ = handshake->take().channel;
  co_return Status{};
}

io::Task<Status> HttpsConnection::run(const DohUrl& url, Bytes query, DohExchange& exchange) {
  ByteQueue request;
  DohExchange::request(url, query, request);
  STARLING_CO_CHECK(channel_->seal(request.view(), cipher_out_));
  STARLING_CO_CHECK(co_await flush());
  while (!exchange.done()) {
    STARLING_CO_TRY(const bool more, co_await fill());
    STARLING_CO_CHECK(channel_->open(cipher_in_, *this));
    STARLING_CO_CHECK(exchange.receive(plain_in_));
    if (exchange.done()) break;
    if (!more || channel_->remote_closed()) co_return exchange.end();
  }
  co_return Status{};
}

io::Task<Status> HttpsConnection::flush() {
  while (!cipher_out_.empty()) {
    const auto written = socket_->try_write(cipher_out_.view());
    if (written) {
      cipher_out_.consume(*written);
    } else if (written.error() == ErrorCode::WouldBlock) {
      STARLING_CO_CHECK(co_await socket_->writable());
    } else {
      co_return std::unexpected(written.error());
    }
  }
  co_return Status{};
}

io::Task<Result<bool>> HttpsConnection::fill() {
  for (;;) {
    const auto got = socket_->try_read(cipher_in_.prepare(kReadSize));
    if (got) {
      cipher_in_.commit(*got);
      co_return *got > 0;
    }
    if (!(got.error() == ErrorCode::WouldBlock)) co_return std::unexpected(got.error());
    STARLING_CO_CHECK(co_await socket_->readable());
  }
}

Status HttpsConnection::on_plaintext(Bytes plaintext) {
  plain_in_.append(plaintext);
  return {};
}

void HttpsConnection::close() {
  if (channel_ && cipher_out_.empty() && channel_->close(cipher_out_)) (void)socket_->try_write(cipher_out_.view());
  socket_->close();
}

}  // namespace starling::names
