// Ordinary web TLS (the certificates of browsers, not those of tls/tls.md): what /wss and DNS over HTTPS stand on.
// A handshake machine that ends in a Channel, as elsewhere in this layer: bytes in, bytes out, no sockets. TLS 1.3, and
// 1.2 with forward secrecy and AEAD for servers that are behind.
// Threading: a client or server object may be shared by the connections of one thread; each handshake is its
// connection's. Both may die before the handshakes and channels they made.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "starling/base/clock.hpp"
#include "starling/security/security.hpp"

namespace starling::security {

struct WebTlsOutcome {
  std::string alpn;  // what both agreed on; empty: nothing
  std::unique_ptr<Channel> channel;
};

/// One run of a handshake, for either side. The calls are those of security::Handshake.
class WebTlsHandshake {
 public:
  virtual ~WebTlsHandshake() = default;
  /// Once, before receive(): appends what this side says first.
  virtual Status start(ByteQueue& out) = 0;
  /// Consumes what it can of `in` and appends answers to `out`; bytes behind the handshake stay in `in`. An error ends
  /// it; what was appended to `out` (an alert) may still be sent. Errors: CertificateUntrusted, HandshakeFailed.
  virtual Status receive(ByteQueue& in, ByteQueue& out) = 0;
  virtual bool done() const = 0;
  /// Once, after done().
  virtual WebTlsOutcome take() = 0;
};

struct WebTlsClientOptions {
  /// PEM file of the authorities to trust; a self-signed server certificate may stand in it. Empty: the system's.
  std::string ca_file;
  /// Seconds since 1970, by which certificates are judged. Empty: the system's clock.
  std::function<std::int64_t()> unix_seconds;
  /// Encrypts towards whoever answers: only for callers whose own protocol inside proves the server.
  bool any_certificate = false;
};

class WebTlsClient {
 public:
  virtual ~WebTlsClient() = default;
  /// Errors: FileUnreadable, FileMalformed for the CA file.
  static Result<std::unique_ptr<WebTlsClient>> create(WebTlsClientOptions options);
  /// `server_name`: the DNS name that the certificate must be for and that is sent as SNI; or an IP address, which must
  /// be in the certificate and is not sent. `alpn`: protocols in order of preference, such as "h2"; may be empty.
  /// A name that cannot be one comes out of start() as InvalidArgument.
  virtual std::unique_ptr<WebTlsHandshake> begin(std::string server_name, std::vector<std::string> alpn) = 0;
};

struct WebTlsServerOptions {
  std::string certificate_file;   // PEM: the certificate, then those above it
  std::string key_file;           // PEM, not encrypted, readable by its owner only
  std::vector<std::string> alpn;  // in order of preference; a client that offers none of them gets none
  Duration check_interval;        // reload_if_changed() looks at the files no more often
};

class WebTlsServer {
 public:
  virtual ~WebTlsServer() = default;
  /// Reads the files. Errors: FileUnreadable, FileExposed, FileMalformed (also: key and certificate do not belong
  /// together).
  static Result<std::unique_ptr<WebTlsServer>> load(WebTlsServerOptions options);
  virtual std::unique_ptr<WebTlsHandshake> begin() = 0;
  /// Reads the files again, for the handshakes that begin from now on. On an error the old certificate stays in use.
  virtual Status reload() = 0;
  /// reload(), if a file is another one than last time or was written to. Looks no more often than `check_interval`,
  /// and again after that if it failed (one of two files may have been in place only). Two stat calls; blocking.
  virtual Status reload_if_changed(TimePoint now) = 0;
};

}  // namespace starling::security
