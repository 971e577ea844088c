#include "starling/runtime/resolver.hpp"

#include <map>
#include <string>
#include <utility>
#include <variant>

#include "starling/names/doh.hpp"
#include "starling/names/servers.hpp"

namespace starling::runtime {
namespace {

constexpr std::size_t kMaxDnsMessage = 65535;  // RFC 1035 §4.2.2: what its length over TCP can say

io::NameClientOptions client_options(const Options::Dns& dns, std::vector<io::Endpoint> servers) {
  io::NameClientOptions client;
  client.servers = std::move(servers);
  client.query_timeout = dns.query_timeout;
  client.tries = dns.tries;
  client.max_pending = dns.max_pending;
  return client;
}

names::ResolverOptions resolver_options(const Options::Dns& dns) {
  return {.lookup_timeout = dns.lookup_timeout,
          .max_depth = dns.max_depth,
          .max_lookups = dns.max_lookups,
          .max_addresses = dns.max_addresses,
          .max_txt_records = dns.max_txt_records,
          .max_answer_bytes = dns.max_answer_bytes,
          .max_pending = dns.max_pending,
          .cache_entries = dns.cache_entries,
          .min_ttl = dns.min_ttl,
          .max_ttl = dns.max_ttl,
          .negative_ttl = dns.negative_ttl,
          .resolution_delay = dns.resolution_delay};
}

Result<std::unique_ptr<io::NameClient>> client_of(io::World world, const Options::Dns& dns, names::NameRoute route,
                                                  io::NameClient& system) {
  if (auto* servers = std::get_if<std::vector<io::Endpoint>>(&route.servers))
    return world.network.make_name_client(client_options(dns, std::move(*servers)));
  STARLING_TRY(auto tls, security::WebTlsClient::create({.ca_file = dns.https_ca_file, .unix_seconds = {}}));
  names::DohOptions options{.url = std::get<names::DohUrl>(std::move(route.servers)),
                            .max_connections = dns.https_connections,
                            .max_reply = kMaxDnsMessage,
                            .idle_timeout = dns.https_idle_timeout};
  return names::make_doh_client(world, std::move(options), std::move(tls), system);
}

}  // namespace

Result<std::unique_ptr<names::Resolver>> make_resolver(io::World world, const Options::Dns& dns) {
  std::vector<io::Endpoint> servers;
  for (const std::string& text : dns.servers) {
    STARLING_TRY(const io::Endpoint server, names::parse_server(text));
    servers.push_back(server);
  }
  auto system = world.network.make_name_client(client_options(dns, std::move(servers)));
  std::map<std::string, std::unique_ptr<io::NameClient>> clients;
  for (const std::string& text : dns.resolvers) {
    STARLING_TRY(names::NameRoute route, names::parse_route(text));
    const std::string suffix = route.suffix;
    STARLING_TRY(clients[suffix], client_of(world, dns, std::move(route), *system));
  }
  return std::make_unique<names::Resolver>(world.reactor, resolver_options(dns), std::move(system), std::move(clients));
}

}  // namespace starling::runtime
