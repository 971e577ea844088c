// Ping: 32 random bytes there and back.
// spec: ping/ping.md. Threading: the host's reactor.
#pragma once

#include <optional>
#include <string_view>

#include "starling/host/host.hpp"

namespace starling::ping {

inline constexpr std::string_view kProtocolId = "/ipfs/ping/1.0.0";
inline constexpr std::size_t kPingSize = 32;

struct PingOptions {
  Duration timeout;  // for one round trip (client), for the next ping to come (server)
};

/// Answers pings of every peer until it closes its side or is silent for `options.timeout`.
void serve(host::Host& host, PingOptions options);

/// A ping stream to one peer, for one ping after the other.
class Pinger {
 public:
  /// Errors: those of Host::open_stream().
  static io::Task<Result<Pinger>> open(host::Host& host, PeerId peer, PingOptions options);
  /// The round-trip time. Errors: Timeout, ProtocolViolation (other bytes came back), StreamReset, ConnectionClosed.
  io::Task<Result<Duration>> ping();
  io::Task<Status> close() { return stream_.close(); }

 private:
  Pinger(host::Host& host, host::Stream stream, PingOptions options)
      : host_(&host),
        stream_(std::move(stream)),
        options_(options),
        too_late_(io::timeout_error(Op::Ping, stream_.info().peer.to_string())) {}
  io::Task<Status> exchange();
  host::Host* host_;
  host::Stream stream_;
  PingOptions options_;
  Error too_late_;  // made once, not for every ping
};

}  // namespace starling::ping
