#include "starling/runtime/options.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "starling/names/servers.hpp"

namespace starling::runtime {
namespace {

class Checker {
 public:
  template <typename T>
  void range(std::string_view key, T value, T low, T high) {
    if (value >= low && value <= high) return;
    mistake(std::string(key) + " = " + std::to_string(value) + ": must be in " + std::to_string(low) + " … " +
            std::to_string(high));
  }
  void positive(std::string_view key, Duration value) {
    if (value > Duration::zero()) return;
    mistake(std::string(key) + " = " + std::to_string(value.count()) + " ns: must be more than zero");
  }
  template <std::size_t N>
  void names(std::string_view key, const std::vector<std::string>& given,
             const std::array<std::string_view, N>& known) {
    if (given.empty()) mistake(std::string(key) + " is empty: name at least one");
    for (const std::string& name : given) {
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      std::string all;
      for (const std::string_view each : known) all += (all.empty() ? "" : ", ") + std::string(each);
      mistake(std::string(key) + ": '" + name + "' is not one of " + all);
    }
  }
  void mistake(std::string text) {
    mistakes.emplace_back(ErrorCode::InvalidArgument, Op::Configure, Origin::Local, std::move(text));
  }
  std::vector<Error> mistakes;
};

constexpr std::uint32_t kSpecWindow = 256u << 10;  // spec: yamux/README.md, the window every stream starts with

void check_quic(Checker& check, const Options::Quic& quic) {
  check.positive("quic.handshake_timeout", quic.handshake_timeout);
  check.positive("quic.idle_timeout", quic.idle_timeout);
  check.positive("quic.keep_alive", quic.keep_alive);
  check.positive("quic.close_timeout", quic.close_timeout);
  check.positive("quic.initial_round_trip", quic.initial_round_trip);
  constexpr std::uint64_t kLeast = 16u << 10, kMost = std::uint64_t{1} << 40;
  check.range<std::uint64_t>("quic.initial_stream_window", quic.initial_stream_window, kLeast, quic.max_stream_window);
  check.range<std::uint64_t>("quic.max_stream_window", quic.max_stream_window, kLeast, kMost);
  check.range<std::uint64_t>("quic.initial_connection_window", quic.initial_connection_window, kLeast,
                             quic.max_connection_window);
  check.range<std::uint64_t>("quic.max_connection_window", quic.max_connection_window, kLeast, kMost);
  check.range<std::uint32_t>("quic.max_inbound_streams", quic.max_inbound_streams, 1, 1u << 24);
  check.range<std::size_t>("quic.output_buffer", quic.output_buffer, 4096, 64u << 20);
  check.range<std::size_t>("quic.max_unacknowledged", quic.max_unacknowledged, 64u << 10, std::size_t{1} << 32);
  check.range<std::size_t>("quic.max_pending_inbound", quic.max_pending_inbound, 1, 1u << 20);
  check.range<std::size_t>("quic.retry_above", quic.retry_above, 0, 1u << 20);
  check.range<std::size_t>("quic.max_replies_per_second", quic.max_replies_per_second, 1, 1u << 24);
  check.range<std::size_t>("quic.max_closing", quic.max_closing, 1, 1u << 24);
  check.range<std::size_t>("quic.max_udp_payload", quic.max_udp_payload, 1200, 65'000);
  check.range<std::size_t>("quic.socket_receive_buffer", quic.socket_receive_buffer, 0, 1u << 30);
  check.range<std::size_t>("quic.socket_send_buffer", quic.socket_send_buffer, 0, 1u << 30);
  check.range<std::size_t>("quic.max_datagram_queue", quic.max_datagram_queue, 0, 1u << 30);
  check.names("quic.congestion", {quic.congestion}, std::array<std::string_view, 3>{"cubic", "bbr", "reno"});
}

void check_dns(const Options::Dns& dns, Checker& check) {
  for (const std::string& server : dns.servers)
    if (const auto parsed = names::parse_server(server); !parsed)
      check.mistake("dns.servers: " + parsed.error().detail());
  check.positive("dns.query_timeout", dns.query_timeout);
  check.positive("dns.lookup_timeout", dns.lookup_timeout);
  check.positive("dns.min_ttl", dns.min_ttl);
  check.positive("dns.negative_ttl", dns.negative_ttl);
  if (dns.max_ttl < dns.min_ttl) check.mistake("dns.max_ttl is below dns.min_ttl");
  check.range<int>("dns.tries", dns.tries, 1, 10);
  check.range<std::size_t>("dns.max_depth", dns.max_depth, 1, 32);
  check.range<std::size_t>("dns.max_lookups", dns.max_lookups, 2, 1024);
  check.range<std::size_t>("dns.max_addresses", dns.max_addresses, 1, 1024);
  check.range<std::size_t>("dns.max_txt_records", dns.max_txt_records, 1, 1024);
  check.range<std::size_t>("dns.max_answer_bytes", dns.max_answer_bytes, 512, 65535);
  check.range<std::size_t>("dns.max_pending", dns.max_pending, 1, 1u << 16);
  check.range<std::size_t>("dns.cache_entries", dns.cache_entries, 1, 1u << 20);
}

}  // namespace

std::vector<Error> Options::validate() const {
  Checker check;
  check_dns(dns, check);
  check.names("transport.transports", transport.transports, std::array<std::string_view, 2>{"tcp", "quic-v1"});
  check.names("transport.securities", transport.securities,
              std::array<std::string_view, 3>{"noise", "tls", "plaintext"});
  check.names("transport.muxers", transport.muxers, std::array<std::string_view, 2>{"yamux", "mplex"});
  const auto& offered = transport.securities;
  if (!transport.allow_plaintext && std::find(offered.begin(), offered.end(), "plaintext") != offered.end()) {
    check.mistake(
        "transport.securities: plaintext sends everything in the open; for a test, set transport.allow_plaintext too");
  }
  check.range<std::size_t>("transport.max_pending_inbound", transport.max_pending_inbound, 1, 1u << 20);
  check.range<int>("transport.listen_backlog", transport.listen_backlog, 1, 65535);
  check.range<std::size_t>("transport.output_buffer", transport.output_buffer, 4096, 64u << 20);
  check.range<std::size_t>("transport.max_stream_inbox", transport.max_stream_inbox, 1u << 20, 256u << 20);
  check.positive("transport.connect_timeout", transport.connect_timeout);
  check.positive("transport.negotiate_timeout", transport.negotiate_timeout);
  check.positive("transport.security_timeout", transport.security_timeout);
  check.positive("transport.close_timeout", transport.close_timeout);
  check.range<std::uint32_t>("muxer.max_stream_window", muxer.max_stream_window, kSpecWindow, 1u << 30);
  check.range<std::uint64_t>("muxer.window_memory", muxer.window_memory, kSpecWindow, std::uint64_t{1} << 40);
  check.range<std::uint32_t>("muxer.max_frame_payload", muxer.max_frame_payload, 1024, 1u << 20);
  check.range<std::uint32_t>("muxer.max_inbound_streams", muxer.max_inbound_streams, 1, 1u << 24);
  check.range<std::uint32_t>("muxer.max_outbound_streams", muxer.max_outbound_streams, 1, 1u << 24);
  check.range<std::uint32_t>("muxer.accept_backlog", muxer.accept_backlog, 1, 1u << 16);
  check_quic(check, quic);
  check.positive("swarm.dial_timeout", swarm.dial_timeout);
  check.positive("swarm.dial_stagger", swarm.dial_stagger);
  check.range<std::size_t>("swarm.max_dials_per_peer", swarm.max_dials_per_peer, 1, 1024);
  check.range<std::size_t>("swarm.max_dials", swarm.max_dials, 1, 1u << 16);
  check.range<std::size_t>("swarm.max_addresses_per_dial", swarm.max_addresses_per_dial, 1, 1024);
  check.range<std::size_t>("swarm.max_connections", swarm.max_connections, 1, 1u << 20);
  check.range<std::size_t>("swarm.max_inbound_connections", swarm.max_inbound_connections, 0, swarm.max_connections);
  check.range<std::size_t>("swarm.max_connections_per_peer", swarm.max_connections_per_peer, 1, 1024);
  check.positive("host.negotiate_timeout", host.negotiate_timeout);
  check.positive("host.identify_timeout", host.identify_timeout);
  check.range<std::size_t>("host.max_negotiating_streams", host.max_negotiating_streams, 1, 1u << 20);
  check.range<std::size_t>("host.max_inbound_streams_per_protocol", host.max_inbound_streams_per_protocol, 1, 1u << 20);
  check.positive("ping.timeout", ping.timeout);
  check.positive("perf.idle_timeout", perf.idle_timeout);
  return std::move(check.mistakes);
}

}  // namespace starling::runtime
