#include "starling/runtime/options.hpp"

#include <algorithm>

#include "starling/base/units.hpp"
#include "starling/host/announced_addresses.hpp"
#include "starling/io/network.hpp"
#include "starling/multiformats/ip_prefix.hpp"
#include "starling/names/servers.hpp"
#include "starling/runtime/configuration.hpp"

#include "runtime/limits.hpp"

namespace starling::runtime {

// The range of each key stands in configuration_keys.def; here are the rules between keys.
std::vector<Error> Options::validate() const {
  std::vector<Error> mistakes;
  for (auto& [index, error] : check_keys(*this)) mistakes.push_back(std::move(error));
  const auto mistake = [&](std::string text) {
    mistakes.emplace_back(ErrorCode::InvalidArgument, Op::Configure, Origin::Local, std::move(text));
  };
  const auto& offered = transport.securities;
  if (!transport.allow_plaintext && std::find(offered.begin(), offered.end(), "plaintext") != offered.end()) {
    mistake(
        "transport.securities: plaintext sends everything in the open; for a test, set transport.allow_plaintext too");
  }
  constexpr std::size_t kAlgorithmName = 15;  // of Linux, which would cut off the rest
  if (transport.congestion.empty() || transport.congestion.size() > kAlgorithmName)
    mistake("transport.congestion = \"" + transport.congestion +
            "\": must be auto, system, or an algorithm's name of up to " + std::to_string(kAlgorithmName) + " letters");
  if (swarm.max_inbound_connections > swarm.max_connections) {
    mistake("swarm.max_inbound_connections = " + std::to_string(swarm.max_inbound_connections) +
            ": must not exceed swarm.max_connections = " + std::to_string(swarm.max_connections));
  }
  if (swarm.black_hole_min_successes > swarm.black_hole_window)
    mistake("swarm.black_hole_min_successes: must not exceed swarm.black_hole_window");
  for (const std::string& network : swarm.reachable_networks)
    if (const auto parsed = IpPrefix::from_string(network); !parsed)
      mistake("swarm.reachable_networks: " + parsed.error().detail());
  const auto ordered = [&](const char* low, std::uint64_t low_value, const char* high, std::uint64_t high_value) {
    if (low_value > high_value)
      mistake(std::string(low) + " = " + exact_size(low_value) + ": must not exceed " + high + " = " +
              exact_size(high_value));
  };
  ordered("quic.initial_stream_window", quic.initial_stream_window, "quic.max_stream_window", quic.max_stream_window);
  ordered("quic.initial_connection_window", quic.initial_connection_window, "quic.max_connection_window",
          quic.max_connection_window);
  for (const std::string& server : dns.servers)
    if (const auto parsed = names::parse_server(server); !parsed) mistake("dns.servers: " + parsed.error().detail());
  for (const std::string& route : dns.resolvers)
    if (const auto parsed = names::parse_route(route); !parsed) mistake("dns.resolvers: " + parsed.error().detail());
  if (websocket.certificate_file.empty() != websocket.key_file.empty())
    mistake("websocket.certificate_file and websocket.key_file go together: give both or neither");
  if (dns.max_ttl < dns.min_ttl) mistake("dns.max_ttl is below dns.min_ttl");
  if (address_book.max_addresses_after_disconnect > address_book.max_addresses_per_peer)
    mistake(
        "address_book.max_addresses_after_disconnect = " + std::to_string(address_book.max_addresses_after_disconnect) +
        ": must not exceed address_book.max_addresses_per_peer = " +
        std::to_string(address_book.max_addresses_per_peer));
  const auto rules = host::parse_announce_rules({announce.announce, announce.append, announce.no_announce}, 1, 1);
  if (!rules) mistake(rules.error().detail());
  if (connections.low_water > connections.high_water)
    mistake("connections.low_water = " + std::to_string(connections.low_water) +
            ": must not exceed connections.high_water = " + std::to_string(connections.high_water));
  for (Error& each : limit_mistakes(*this)) mistakes.push_back(std::move(each));
  if (!io::IpAddress::from_string(diagnostics.address))
    mistake("diagnostics.address = \"" + diagnostics.address + "\": must be an IP address");
  return mistakes;
}

}  // namespace starling::runtime
