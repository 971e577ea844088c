// Requests: the benchmark's own protocol, which all peers of tests/interop speak. A message is one byte with the
// length, 64, and as many bytes; the answer is the same message. A stream carries any number of them.
#pragma once

#include <string_view>

#include "starling/host/host.hpp"

namespace starling::bench {

inline constexpr std::string_view kRequestsId = "/starling-bench/rr/1.0.0";
inline constexpr std::size_t kRequestBytes = 64;

void serve_requests(host::Host& host);

/// A stream that sends one request after the other.
class Requester {
 public:
  static io::Task<Result<Requester>> open(host::Host& host, PeerId peer);
  /// The time until the answer was there.
  io::Task<Result<Duration>> exchange();
  io::Task<Status> close() { return stream_.close(); }

 private:
  Requester(host::Host& host, host::Stream stream) : reactor_(&host.world().reactor), stream_(std::move(stream)) {}
  io::Reactor* reactor_;
  host::Stream stream_;
};

/// Ends a stream beside other work: what comes next need not wait for the peer's end.
io::Task<void> finish(Requester requester);

}  // namespace starling::bench
