// The one place where a node is put together.
#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <thread>
#include <utility>

#include "runtime/address_wiring.hpp"
#include "runtime/diagnostics.hpp"
#include "runtime/limits.hpp"
#include "runtime/quic_wiring.hpp"
#include "runtime/stream_wiring.hpp"
#include "starling/multiformats/ip_prefix.hpp"
#include "starling/runtime/configuration.hpp"
#include "starling/runtime/node.hpp"
#include "starling/runtime/resolver.hpp"
#include "starling/transport/local.hpp"
#include "starling/transport/websocket.hpp"

namespace starling::runtime {
namespace {

Status add_securities(transport::Upgrader& upgrader, const Options& options, const crypto::PrivateKey& key) {
  for (const std::string& name : options.transport.securities) {
    if (name == "noise") {
      STARLING_TRY(auto noise, security::make_noise(key, upgrader.world.random));
      upgrader.securities.push_back(std::move(noise));
    } else if (name == "tls") {
      STARLING_TRY(auto tls, security::make_tls(key, {}, options.transport.tls_resumption));
      upgrader.securities.push_back(std::move(tls));
    } else {
      upgrader.securities.push_back(security::make_plaintext(key));
    }
  }
  return {};
}

void add_muxers(transport::Upgrader& upgrader, const Options& options) {
  for (const std::string& name : options.transport.muxers) {
    if (name == "yamux") upgrader.muxers.push_back({std::string(muxer::kYamuxId), muxer::make_yamux});
    if (name == "mplex") upgrader.muxers.push_back({std::string(muxer::kMplexId), muxer::make_mplex});
  }
}

// The transports that can keep everything inside a private network: those that go through the upgrader.
bool honours_private_network(std::string_view transport) {
  constexpr std::array<std::string_view, 5> kStreams{"tcp", "ws", "wss", "memory", "unix"};
  return std::find(kStreams.begin(), kStreams.end(), transport) != kStreams.end();
}

// The default list shrinks to the transports that keep the key; a list of one's own that names another is refused.
Status enter_private_network(transport::Upgrader& upgrader, Options& options) {
  const auto& network = options.private_network;
  if (network.key_file.empty()) {
    if (!network.required) return {};
    return fail(ErrorCode::InvalidArgument, Op::Configure, Origin::Local,
                "private_network.required (or LIBP2P_FORCE_PNET) is set, and private_network.key_file is not");
  }
  auto& transports = options.transport.transports;
  if (transports == Options().transport.transports)
    std::erase_if(transports, [](const std::string& name) { return !honours_private_network(name); });
  for (const std::string& name : transports) {
    if (honours_private_network(name)) continue;
    return fail(ErrorCode::Unsupported, Op::Configure, Origin::Local,
                "private_network.key_file is set, and " + name +
                    " would send in the open; leave it out of transport.transports (tcp and ws keep the key)");
  }
  STARLING_TRY(upgrader.private_network, security::load_private_network_key(network.key_file));
  return {};
}

transport::WebSocketOptions websocket_options(const Options& options) {
  const auto& w = options.websocket;
  return {.handshake_timeout = w.handshake_timeout,
          .max_header_bytes = w.max_header_bytes,
          .max_frame_bytes = w.max_frame_bytes,
          .certificate_file = w.certificate_file,
          .key_file = w.key_file,
          .ca_file = w.ca_file,
          .any_certificate = w.any_certificate,
          .certificate_check = w.certificate_check};
}

host::HostOptions host_options(const Options& options, std::uint64_t wall_clock_ns) {
  const auto& h = options.host;
  return {.agent_version = options.identity.agent_version,
          .protocol_version = options.identity.protocol_version,
          .negotiate_timeout = h.negotiate_timeout,
          .identify_timeout = h.identify_timeout,
          .push_delay = h.push_delay,
          .max_negotiating_streams = h.max_negotiating_streams,
          .identify = h.identify,
          .policies = protocol_policies(),
          .traffic = {options.accounting.max_peers, options.accounting.rate_time},
          .record_sequence = wall_clock_ns,
          .address_book = address_book_options(options),
          .observed = observed_options(options),
          .announce = announce_rules(options),
          .upkeep_interval = options.address_book.upkeep_interval,
          .interface_check_interval = options.announce.interface_check_interval};
}

// `reachable_networks` was validated.
std::vector<IpPrefix> prefixes(const std::vector<std::string>& texts) {
  std::vector<IpPrefix> parsed;
  for (const std::string& text : texts)
    if (const auto prefix = IpPrefix::from_string(text)) parsed.push_back(*prefix);
  return parsed;
}

swarm::SwarmOptions swarm_options(const Options& options, resource::Manager& resources) {
  const auto& s = options.swarm;
  return {.dial_timeout = s.dial_timeout,
          .dial_address_timeout = s.dial_address_timeout,
          .dial_local_timeout = s.dial_local_timeout,
          .max_dials_per_peer = s.max_dials_per_peer,
          .max_addresses_per_dial = s.max_addresses_per_dial,
          .max_pending_dials = s.max_pending_dials,
          .dial_delays = {.step = s.dial_delay,
                          .rest = s.dial_rest_delay,
                          .local_step = s.dial_local_delay,
                          .local_rest = s.dial_local_rest_delay,
                          .relay = s.dial_relay_delay,
                          .answer_pause = s.dial_answer_pause},
          .dial_limits = {.max_dials = s.max_dials,
                          .max_half_open = s.max_half_open_dials,
                          .per_second = s.max_dials_per_second,
                          .burst = s.max_dials_burst},
          .backoff = {s.backoff_base, s.backoff_step, s.backoff_max, s.backoff_entries},
          .black_hole = {s.black_hole_window, s.black_hole_min_successes},
          .interface_cache = s.interface_cache,
          .reachable_networks = prefixes(s.reachable_networks),
          .lost_address_timeout = s.lost_address_timeout,
          .connections = connection_manager_options(options, resources.limits()),
          .resources = &resources};
}

}  // namespace

std::size_t lanes_wanted(const Options& options) {
  constexpr std::size_t kProcessorsPerReactor = 2;
  if (options.runtime.reactors > 0) return options.runtime.reactors - 1;
  return std::max<std::size_t>(std::thread::hardware_concurrency() / kProcessorsPerReactor, 1) - 1;
}

Node::Node(Options options) : options_(std::move(options)) {}
Node::~Node() = default;

perf::PerfOptions Node::perf_options() const { return {options_.perf.idle_timeout, options_.perf.max_download_bytes}; }

Status Node::keep_addresses(io::World world, std::unique_ptr<AddressStore> store, std::uint64_t wall_clock_ns) {
  const CalendarOffset calendar{std::int64_t(wall_clock_ns) - world.reactor.now().time_since_epoch().count()};
  const host::AddressKeeperOptions options{options_.address_book.write_interval, options_.address_book.write_batch};
  keeper_ = std::make_unique<host::AddressKeeper>(world.reactor, host_->book(), std::move(store), calendar, options);
  STARLING_CHECK(keeper_->load());
  keeper_->start();
  return {};
}

io::Task<void> Node::close() {
  co_await host_->close();
  if (spread_) co_await spread_->close();
  if (keeper_) co_await keeper_->close();
}

Result<std::unique_ptr<Node>> Node::create(io::World world, crypto::PrivateKey key, Options options,
                                           std::uint64_t wall_clock_ns, std::unique_ptr<AddressStore> store,
                                           std::span<const std::unique_ptr<io::Lane>> lanes) {
  STARLING_CHECK(to_status(options.validate()));
  std::unique_ptr<Node> node(new Node(std::move(options)));
  const Options& settings = node->options_;
  node->resources_ = make_resource_manager(settings, this_machine());
  node->door_ = std::make_unique<swarm::Door>(world.reactor, *node->resources_, node->gater_);
  node->upgrader_ = std::make_unique<transport::Upgrader>(
      transport::Upgrader{world, upgrader_options(settings, node->resources_->limits()), {}, {}, {}});
  node->upgrader_->gate = node->door_.get();
  if (!lanes.empty()) {
    node->spread_ = std::make_unique<transport::Spread>(world.reactor, lanes, settings.runtime.crossing_window);
    node->upgrader_->spread = node->spread_.get();
  }
  STARLING_CHECK(enter_private_network(*node->upgrader_, node->options_));
  STARLING_CHECK(add_securities(*node->upgrader_, settings, key));
  add_muxers(*node->upgrader_, settings);
  node->host_ = std::make_unique<host::Host>(world, std::move(key), host_options(settings, wall_clock_ns),
                                             swarm_options(settings, *node->resources_));
  node->host_->swarm().set_gater(&node->gater_);
  STARLING_TRY(auto resolver, make_resolver(world, settings.dns));
  node->host_->swarm().use_resolver(std::move(resolver));
  for (const std::string& name : settings.transport.transports) STARLING_CHECK(node->add_transport(name, world));
  if (store) STARLING_CHECK(node->keep_addresses(world, std::move(store), wall_clock_ns));
  if (settings.ping.serve) ping::serve(*node->host_, node->ping_options());
  if (settings.perf.serve) perf::serve(*node->host_, node->perf_options());
  add_diagnostics(*node);
  return node;
}

Status Node::add_transport(const std::string& name, io::World world) {
  if (name == "quic-v1") return add_quic(world);
  swarm::Swarm& swarm = host_->swarm();
  if (name == "tcp") swarm.add_transport(transport::make_tcp_transport(*upgrader_));
  if (name == "memory") swarm.add_transport(transport::make_memory_transport(*upgrader_));
  if (name == "unix") swarm.add_transport(transport::make_unix_transport(*upgrader_));
  const auto& names = options_.transport.transports;
  const bool other_name = name == "wss" && std::find(names.begin(), names.end(), "ws") != names.end();
  if ((name == "ws" || name == "wss") && !other_name) {  // one transport, with TLS or without
    STARLING_TRY(auto websocket, transport::make_websocket_transport(*upgrader_, websocket_options(options_)));
    swarm.add_transport(std::move(websocket));
  }
  return {};
}

Status Node::add_quic(io::World world) {
  STARLING_TRY(transport::QuicOptions quic, quic_options(options_));
  STARLING_TRY(auto transport, transport::make_quic_transport(world, host_->key(), std::move(quic)));
  transport->set_gate(door_.get());
  quic_ = transport.get();
  host_->swarm().add_transport(std::move(transport));
  return {};
}

}  // namespace starling::runtime
