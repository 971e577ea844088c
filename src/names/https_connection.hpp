// A TLS connection to a web server that carries one HTTP exchange after the other. Resource: nobody waits in it when
// it dies.
#pragma once

#include <memory>
#include <string>

#include "names/doh_exchange.hpp"
#include "starling/io/network.hpp"
#include "starling/security/web_tls.hpp"

namespace starling::names {

class HttpsConnection final : private security::PlaintextSink {
 public:
  /// Connects to `at` and proves by its certificate that it is `host`. Cancellable.
  static io::Task<Result<std::unique_ptr<HttpsConnection>>> open(io::Network& network, io::Endpoint at,
                                                                 std::string host, security::WebTlsClient& tls);

  /// Posts `query` and waits for the whole reply in `exchange`. Cancellable; the connection is of no use after an
  /// error.
  io::Task<Status> run(const DohUrl& url, Bytes query, DohExchange& exchange);
  /// Nothing is left over from the last exchange.
  bool clean() const { return cipher_in_.empty() && plain_in_.empty() && cipher_out_.empty(); }
  /// Says goodbye as far as that goes without waiting.
  void close();

 private:
  explicit HttpsConnection(std::unique_ptr<io::StreamSocket> socket) : socket_(std::move(socket)) {}
  io::Task<Status> shake_hands(std::string host, security::WebTlsClient& tls);
  io::Task<Status> flush();
  /// More bytes in cipher_in_; false at the end of the stream.
  io::Task<Result<bool>> fill();
  Status on_plaintext(Bytes plaintext) override;

  std::unique_ptr<io::StreamSocket> socket_;
  std::unique_ptr<security::Channel> channel_;
  ByteQueue cipher_in_, cipher_out_, plain_in_;
};

}  // namespace starling::names
