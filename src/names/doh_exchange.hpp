// One question over DNS over HTTPS: an HTTP/1.1 POST and its reply, as bytes. The reply is parsed by Boost.Beast.
// spec: RFC 8484 §4. Pure.
#pragma once

#include <memory>

#include "starling/base/bytes.hpp"
#include "starling/base/clock.hpp"
#include "starling/names/servers.hpp"

namespace starling::names {

/// Resource.
class DohExchange {
 public:
  /// `max_reply`: bytes of a reply's body; a longer one is an error.
  explicit DohExchange(std::size_t max_reply);
  ~DohExchange();

  /// The request for `query`, a DNS message.
  static void request(const DohUrl& url, Bytes query, ByteQueue& out);

  /// Consumes what it can of `in`. Errors: NameServerFailed for anything but a whole 200 reply with a DNS message.
  Status receive(ByteQueue& in);
  /// The server ended the stream: the end of a reply without a length, else an error as above.
  Status end();
  bool done() const;
  /// Anything came.
  bool started() const;
  /// The connection can carry another exchange.
  bool keeps_alive() const;

  /// After done(): the DNS message, and how long caches on the way had it (RFC 8484 §5.1).
  Bytes message() const;
  Duration age() const;

 private:
  struct Parser;
  Status check_header() const;
  bool too_short(std::size_t bytes) const;
  std::unique_ptr<Parser> parser_;
};

}  // namespace starling::names
