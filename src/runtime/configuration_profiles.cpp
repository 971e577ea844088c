// Profiles: overlays for a kind of machine, each value with its reason. Only what differs from the defaults.
#include <array>

#include "starling/runtime/configuration.hpp"

namespace starling::runtime {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

// A machine with a public address and nothing else to do: it is there for others, so it accepts many.
constexpr Pair kServer[] = {
    {"swarm.max_connections", "65536"},
    {"swarm.max_inbound_connections", "61440"},
    {"transport.max_pending_inbound", "2048"},  // restarts of a large network arrive all at once
    {"transport.listen_backlog", "4096"},
};

// Shares its machine with a user: a few hundred peers serve it as well as thousands do.
constexpr Pair kDesktop[] = {
    {"swarm.max_connections", "1024"}, {"swarm.max_inbound_connections", "512"},
    {"swarm.max_dials", "64"},  // home routers lose count of more half-open connections
    {"muxer.window_memory", "64MiB"},  {"muxer.max_inbound_streams", "1024"},
};

// A battery and little memory: few peers, small buffers, rare wake-ups.
constexpr Pair kLowPower[] = {
    {"swarm.max_connections", "128"},    {"swarm.max_inbound_connections", "64"}, {"swarm.max_dials", "16"},
    {"swarm.max_dials_per_peer", "3"},   {"transport.max_pending_inbound", "32"}, {"transport.output_buffer", "64KiB"},
    {"muxer.max_stream_window", "1MiB"}, {"muxer.window_memory", "8MiB"},         {"muxer.max_inbound_streams", "256"},
    {"muxer.keep_alive_interval", "2m"},  // each probe wakes the radio; most routers keep a mapping for longer
    {"host.push_delay", "2s"},           {"accounting.max_peers", "128"},
};

// Peers a millisecond away: what has not answered in a second will not.
constexpr Pair kLan[] = {
    {"transport.connect_timeout", "1s"}, {"transport.negotiate_timeout", "3s"}, {"transport.security_timeout", "3s"},
    {"swarm.dial_timeout", "10s"},       {"swarm.dial_delay", "20ms"},          {"host.negotiate_timeout", "3s"},
    {"host.identify_timeout", "3s"},     {"muxer.keep_alive_interval", "10s"},  {"muxer.keep_alive_timeout", "5s"},
};

// Tests: any free port on loopback, many nodes on one machine, limits near enough to be met.
constexpr Pair kTest[] = {
    {"daemon.listen", "/ip4/127.0.0.1/tcp/0"},
    {"diagnostics.port", "0"},
    {"swarm.max_connections", "256"},
    {"swarm.max_inbound_connections", "192"},
    {"swarm.dial_timeout", "10s"},
    {"transport.max_pending_inbound", "64"},
    {"transport.connect_timeout", "2s"},
    {"transport.close_timeout", "500ms"},
    {"accounting.max_peers", "16"},
};

constexpr std::array kProfiles = {
    Profile{"server", "a machine with a public address that is there for others", kServer},
    Profile{"desktop", "a machine that a user works on", kDesktop},
    Profile{"low-power", "a phone, a small board: battery, little memory", kLowPower},
    Profile{"lan", "peers in the same building", kLan},
    Profile{"test", "many nodes on one machine, on loopback", kTest},
};

}  // namespace

std::span<const Profile> profiles() { return kProfiles; }

}  // namespace starling::runtime
