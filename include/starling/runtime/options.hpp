// Options: every setting of a node, with every default, in this one place. Code below holds no default.
// Values with units in their types. Check with validate(): all mistakes at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "starling/base/clock.hpp"
#include "starling/base/error.hpp"
#include "starling/base/version.hpp"

namespace starling::runtime {

using std::literals::chrono_literals::operator""s;
using std::literals::chrono_literals::operator""ms;

struct Options {
  struct Identity {
    std::string agent_version = std::string("starling/") + kVersion;
    std::string protocol_version = "ipfs/0.1.0";
  } identity;

  struct Transport {
    std::vector<std::string> transports = {"tcp"};
    std::vector<std::string> securities = {"noise", "tls"};  // in order of preference; also: plaintext (tests only)
    bool allow_plaintext = false;                            // plaintext is refused without it
    std::vector<std::string> muxers = {"yamux", "mplex"};
    bool reuse_port = true;  // dial from the listening port
    int listen_backlog = 1024;
    std::size_t max_pending_inbound = 512;  // handshakes at once per listener
    Duration connect_timeout = 5s;
    Duration negotiate_timeout = 10s;
    Duration security_timeout = 10s;
    Duration close_timeout = 2s;
    std::size_t output_buffer = 256u << 10;   // bytes waiting per connection before writers wait
    std::size_t max_stream_inbox = 4u << 20;  // mplex: a slower reader loses its stream
  } transport;

  struct Muxer {
    std::uint32_t max_stream_window = 16u << 20;
    std::uint64_t window_memory = 256u << 20;  // per connection: all receive windows, and all bytes not yet read
    std::uint32_t max_frame_payload = 64u << 10;
    std::uint32_t max_inbound_streams = 4096;  // per connection
    std::uint32_t max_outbound_streams = 16384;
    std::uint32_t accept_backlog = 256;
    Duration keep_alive_interval = 30s;
    Duration keep_alive_timeout = 30s;
  } muxer;

  struct Swarm {
    Duration dial_timeout = 60s;
    Duration dial_stagger = 250ms;
    std::size_t max_dials_per_peer = 8;
    std::size_t max_dials = 160;
    std::size_t max_addresses_per_dial = 100;
    std::size_t max_connections = 16384;
    std::size_t max_inbound_connections = 12288;
    std::size_t max_connections_per_peer = 8;
  } swarm;

  struct Host {
    bool identify = true;
    Duration negotiate_timeout = 10s;
    Duration identify_timeout = 10s;
    Duration push_delay = 200ms;
    std::size_t max_negotiating_streams = 1024;           // inbound, per connection
    std::size_t max_inbound_streams_per_protocol = 4096;  // per connection
  } host;

  struct Ping {
    bool serve = true;
    Duration timeout = 60s;
  } ping;

  struct Perf {
    bool serve = false;  // lets strangers use the line
    Duration idle_timeout = 20s;
    std::uint64_t max_download_bytes = std::uint64_t{16} << 30;
  } perf;

  /// Every mistake, each naming the key, the value and the range.
  std::vector<Error> validate() const;
};

}  // namespace starling::runtime
