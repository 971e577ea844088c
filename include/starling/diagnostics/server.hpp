// The diagnostics server: GET /metrics, /debug/p2p/ and /debug/p2p/<page> over HTTP/1.1, on loopback. It only reads.
// Resource: close() before it dies. Threading: the reactor's thread.
// Limits: connections at once, sizes of requests, a deadline for each request, answer and pause between them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "starling/diagnostics/http.hpp"
#include "starling/diagnostics/registry.hpp"
#include "starling/io/network.hpp"

namespace starling::diagnostics {

struct ServerOptions {
  io::Endpoint at;              // port 0 = any free one
  bool allow_remote;            // an address that is not loopback is refused without it
  std::size_t max_connections;  // at once; more are closed unread
  Duration timeout;             // for a request to arrive, an answer to leave, and a connection without a request
};

/// What `request` gets; nothing else is looked at. 400 for a Host that is a domain name, 404, 405.
HttpResponse answer(const Registry& registry, const HttpRequest& request);

class Server {
 public:
  /// `registry` must outlive it.
  Server(io::World world, const Registry& registry, const ServerOptions& options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Where it listens. Errors: InvalidArgument (not loopback, and not allowed), AddressInUse, AddressNotAvailable.
  Result<io::Endpoint> start();
  io::Task<void> close();

  struct Counters {
    std::uint64_t requests = 0, rejected = 0, refused_connections = 0;  // rejected: answered with 4xx, or unreadable
  };
  const Counters& counters() const { return counters_; }

 private:
  io::Task<void> accept();
  io::Task<void> serve(std::unique_ptr<io::StreamSocket> socket);
  io::Task<Status> exchange(io::StreamSocket& socket, HttpReader& reader);
  io::Task<Result<bool>> read_request(io::StreamSocket& socket, HttpReader& reader);

  io::World world_;
  const Registry& registry_;
  ServerOptions options_;
  std::unique_ptr<io::Listener> listener_;
  std::size_t open_ = 0;
  Counters counters_;
  io::TaskGroup tasks_;
};

/// Asks a diagnostics server; `timeout` for everything. The answer may have any status and at most `max_body` bytes.
io::Task<Result<HttpResponse>> http_get(io::Network& network, io::Endpoint server, std::string target, Duration timeout,
                                        std::uint64_t max_body);

}  // namespace starling::diagnostics
