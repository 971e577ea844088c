// HTTP/1.1 as the diagnostics server and its client need it: bytes to messages and back, without sockets. Parsing is
// Boost.Beast's. spec: RFC 9112. Threading: one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "starling/base/bytes.hpp"
#include "starling/base/error.hpp"

namespace starling::diagnostics {

/// What a message may have; more is Error TooLarge.
struct HttpLimits {
  std::uint32_t header = 8u << 10;  // the first line, and all fields together, each
  std::uint64_t body = 64u << 10;
};

struct HttpRequest {
  std::string method, target, host;
  bool keep_alive = false;
};

struct HttpResponse {
  unsigned status = 200;
  std::string content_type, body;
};

/// Reads one request or response after the other from a stream of bytes. Resource.
class HttpReader {
 public:
  enum class Kind : std::uint8_t { Requests, Responses };
  HttpReader(Kind kind, HttpLimits limits);
  ~HttpReader();

  /// Takes `data` and what was left over. Ok(true): a message is complete. After an error the connection is of no use.
  /// Errors: Malformed, TooLarge.
  Result<bool> receive(Bytes data);
  /// The stream has ended; a response without a length is complete by that. Error Truncated.
  Result<bool> end();
  /// The complete message, once; what followed it is kept for the next.
  HttpRequest take_request();
  HttpResponse take_response();
  /// Whether a message has begun.
  bool busy() const;

 private:
  struct Parser;
  void reset();
  Result<bool> parse();
  Kind kind_;
  HttpLimits limits_;
  std::string buffer_;
  std::unique_ptr<Parser> parser_;
};

/// The response as it goes on the wire; a HEAD request gets no body.
std::string to_wire(const HttpResponse& response, bool keep_alive, bool head);
/// GET with `Connection: close`.
std::string to_wire_get(std::string_view target, std::string_view host);

/// Whether a Host header names this machine by an IP address or as localhost. A page in a browser reaches a loopback
/// server only under a domain name that it made resolve to 127.0.0.1 (DNS rebinding): such a name is refused.
bool host_is_an_address(std::string_view host);

}  // namespace starling::diagnostics
