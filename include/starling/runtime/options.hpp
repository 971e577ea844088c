// Options: every setting of a node, with every default, in this one place. Code below holds no default.
// A field's key, range and one-line description stand in src/runtime/configuration_keys.def: a line for each.
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
using std::literals::chrono_literals::operator""min;

struct Options {
  struct Identity {
    std::string agent_version = std::string("starling/") + kVersion;
    std::string protocol_version = "ipfs/0.1.0";
  } identity;

  struct Daemon {
    std::vector<std::string> listen;  // empty = port 4001 of every transport, on every address
    std::string data_dir;             // empty = the user's data folder
  } daemon;

  struct Runtime {
    std::size_t reactors = 1;                  // threads that carry connections; 0: one for every two processors
    std::size_t crossing_window = 512u << 10;  // bytes on their way between two reactors, per connection and direction
  } runtime;

  struct Transport {
    std::vector<std::string> transports = {"tcp", "quic-v1", "ws"};  // also: memory, unix
    std::vector<std::string> securities = {"noise", "tls"};  // in order of preference; also: plaintext (tests only)
    bool allow_plaintext = false;                            // plaintext is refused without it
    bool tls_resumption = true;                              // of TLS sessions with peers that do it too
    std::vector<std::string> muxers = {"yamux", "mplex"};
    bool reuse_port = true;           // dial from the listening port
    std::string congestion = "auto";  // of TCP and WebSocket; also: system, or the kernel's name (bbr, cubic)
    Duration long_path = 10ms;        // round trip from which `auto` takes bbr
    int listen_backlog = 1024;
    std::size_t max_pending_inbound = 512;  // handshakes at once per listener
    Duration connect_timeout = 5s;
    Duration negotiate_timeout = 10s;
    Duration security_timeout = 10s;
    Duration close_timeout = 2s;
    Duration identify_timeout = 5s;           // first bytes on a port that TCP and WebSocket share
    std::size_t output_buffer = 126u << 10;   // bytes waiting per connection before writers wait: two records of Noise
    std::size_t max_stream_inbox = 4u << 20;  // mplex: a slower reader loses its stream
  } transport;

  struct WebSocket {
    Duration handshake_timeout = 15s;  // web TLS and the HTTP upgrade together
    std::size_t max_header_bytes = 8u << 10;
    std::uint64_t max_frame_bytes = 256u << 20;  // as rust-libp2p; content is handed on as it comes, not held
    std::string certificate_file, key_file;      // PEM; needed to listen on /wss; the key for its owner only
    std::string ca_file;                         // authorities for dialing /wss; empty: the system's
    bool any_certificate = false;                // dialing /wss: take every certificate; libp2p inside proves the peer
    Duration certificate_check = 60s;            // how often a listener looks whether the files changed
  } websocket;

  struct PrivateNetwork {
    std::string key_file;   // /key/swarm/psk/1.0.0/; with one, only peers that have the same key are talked to
    bool required = false;  // refuse to start without a key; LIBP2P_FORCE_PNET=1 does the same for the programs
  } private_network;

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

  struct Quic {
    Duration handshake_timeout = 10s;
    Duration idle_timeout = 30s;
    Duration keep_alive = 5s;  // rust-libp2p gives up after 10 s of silence
    Duration close_timeout = 2s;
    Duration initial_round_trip = 100ms;
    std::uint64_t initial_stream_window = 512u << 10;
    std::uint64_t max_stream_window = 10u << 20;
    std::uint64_t initial_connection_window = 768u << 10;
    std::uint64_t max_connection_window = 15u << 20;
    std::uint32_t max_inbound_streams = 1024;      // open at once, per connection
    std::size_t output_buffer = 512u << 10;        // bytes accepted and not sent yet, per connection; then writers wait
    std::size_t max_unacknowledged = 16u << 20;    // bytes kept for sending again, per connection
    std::size_t max_pending_inbound = 512;         // handshakes at once per socket; the oldest gives way
    std::size_t retry_above = 128;                 // handshakes at once from which on addresses must be proved
    std::size_t max_replies_per_second = 1000;     // packets without a connection, per socket
    std::size_t max_closing = 4096;                // ids of ended connections whose end is repeated, per socket
    std::size_t max_udp_payload = 4096;            // bytes to try; what the path takes is found out
    std::size_t socket_receive_buffer = 7u << 20;  // bytes asked of the system
    std::size_t socket_send_buffer = 7u << 20;
    std::size_t max_datagram_queue = 256u << 10;  // bytes per connection and direction; 0: no datagrams
    std::string congestion = "bbr";               // cubic, bbr, reno
    std::string key_log_file;                     // NSS key log, for debugging: whoever reads it can decrypt
    std::string qlog_dir;                         // a .sqlog file per connection
  } quic;

  struct Dns {
    std::vector<std::string> servers;  // 1.2.3.4, 1.2.3.4:53, [::1]:53; empty: those of /etc/resolv.conf
    /// Others for the names below a suffix, "." for all: "eth=https://dns.example/dns-query", ".=1.1.1.1 [::1]:53".
    std::vector<std::string> resolvers;
    std::string https_ca_file;          // PEM; empty: the system's authorities
    std::size_t https_connections = 4;  // at once, per resolver
    Duration https_idle_timeout = 30s;
    Duration query_timeout = 2s;               // one try at one server; doubles with each round
    int tries = 2;                             // rounds over the servers
    Duration lookup_timeout = 10s;             // one question, all tries together
    std::size_t max_depth = 4;                 // dnsaddr lookups one below the other
    std::size_t max_lookups = 32;              // questions for one dial
    std::size_t max_addresses = 100;           // found for one dial
    std::size_t max_txt_records = 16;          // that fit, of one answer
    std::size_t max_answer_bytes = 16u << 10;  // of TXT records, of one answer
    std::size_t max_pending = 256;             // questions at once
    std::size_t cache_entries = 1024;
    Duration min_ttl = 10s;  // what records say is brought into this range
    Duration max_ttl = 3600s;
    Duration negative_ttl = 30s;       // of "no such name"
    Duration resolution_delay = 50ms;  // that IPv4 addresses of a name wait for its IPv6 ones (RFC 8305)
  } dns;

  struct Swarm {
    Duration dial_timeout = 60s;             // the whole dial of a peer
    Duration dial_address_timeout = 15s;     // one address, handshakes included
    Duration dial_local_timeout = 5s;        // the same in a network of this host
    Duration dial_delay = 250ms;             // RFC 8305: between public addresses of a peer, better ones first
    Duration dial_rest_delay = 1s;           // neither QUIC nor TCP
    Duration dial_local_delay = 30ms;        // as dial_delay, in networks of this host
    Duration dial_local_rest_delay = 100ms;  // as dial_rest_delay, in networks of this host
    Duration dial_relay_delay = 500ms;       // relayed addresses, when there are public ones
    Duration dial_answer_pause = 500ms;      // no other address while the handshakes of one that answered run
    std::size_t max_dials_per_peer = 8;      // addresses at once
    std::size_t max_addresses_per_dial = 100;
    std::size_t max_pending_dials = 1024;    // peers being dialed
    std::size_t max_dials = 160;             // addresses at once that need a descriptor, over all peers
    std::size_t max_half_open_dials = 128;   // addresses at once without an answer; home routers have small tables
    std::size_t max_dials_per_second = 100;  // addresses, on average
    std::size_t max_dials_burst = 200;       // addresses at once after a quiet time
    Duration backoff_base = 5s;              // after the first failure of an address
    Duration backoff_step = 1s;              // times the square of the failures before
    Duration backoff_max = 5min;
    std::size_t backoff_entries = 4096;        // addresses remembered
    std::size_t black_hole_window = 100;       // dials looked at; and how often a blocked kind is probed
    std::size_t black_hole_min_successes = 5;  // of those
    Duration interface_cache = 60s;            // how long the list of the host's interfaces is used
    /// Networks that are not public, in which this host has no interface, and whose addresses are dialed all the same:
    /// "10.0.0.0/8" behind a VPN's router.
    std::vector<std::string> reachable_networks;
    Duration lost_address_timeout = 10s;  // for an answer to a connection whose address this host no longer has
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

  /// What is known of other peers.
  struct AddressBook {
    std::size_t max_addresses = 1'000'000;            // in all
    std::size_t max_addresses_bytes = 256u << 20;     // of all together
    std::size_t max_addresses_per_peer = 64;          // of a peer that is not connected
    std::size_t max_addresses_connected = 500;        // of a connected peer
    std::size_t max_addresses_after_disconnect = 20;  // kept of those
    std::size_t max_address_bytes = 512;              // longer addresses are refused
    std::size_t max_records = 100'000;                // signed peer records
    std::size_t max_record_bytes = 64u << 20;         // of all records together
    std::size_t max_protocols_per_peer = 1024;
    std::size_t max_facts_bytes = 64u << 20;          // agents and protocols of all peers
    std::size_t max_facts_bytes_offline = 16u << 10;  // of one peer, after it disconnected
    std::uint32_t max_failures_shared = 3;            // a signed address that failed so often in a row is not handed on
    Duration temporary_ttl = 120s;
    Duration normal_ttl = 3600s;
    Duration recently_connected_ttl = 900s;
    Duration upkeep_interval = 60s;  // what has expired goes at most this much later
    Duration write_interval = 2s;    // changes wait this long before they go to disk
    std::size_t write_batch = 256;   // peers in one transaction
  } address_book;

  /// Our own addresses as others see them.
  struct ObservedAddresses {
    std::size_t activation_votes = 4;         // networks that must agree
    std::size_t max_external_per_listen = 3;  // external addresses of one listen address
    std::size_t max_votes = 4096;
    std::size_t max_votes_per_observer = 8;  // connections from one network
    std::uint32_t observer_bits_v4 = 32;     // addresses with this many bits in common are one network
    std::uint32_t observer_bits_v6 = 56;
    Duration keep = 1800s;  // a believed address that nobody sees any more
  } observed_addresses;

  /// Which of our addresses others are told.
  struct Announce {
    std::vector<std::string> announce;     // if any: these instead of those that are found
    std::vector<std::string> append;       // besides those that are found
    std::vector<std::string> no_announce;  // never: addresses, or networks as 10.0.0.0/8
    std::size_t max_addresses = 32;
    std::size_t max_bytes = 2048;            // of all addresses; identify messages have 4 KiB
    Duration interface_check_interval = 5s;  // for changed interface addresses, if bound to all or connected; 0: never
  } announce;

  struct Connections {
    std::size_t low_water = 160;    // up to here nothing is closed, however idle
    std::size_t high_water = 192;   // above it the least useful are closed, one by one
    Duration grace_period = 60s;    // a new connection is left alone
    Duration silence_period = 10s;  // at least, between two rounds of closing
    Duration idle_timeout = 60s;    // above low_water; zero = none
    std::size_t max_known_peers = 4096;
    std::size_t max_tags_per_peer = 32;
  } connections;

  struct Resource {
    std::uint64_t memory = 0;              // bytes for connections and streams; 0 = half of what the machine has
    std::uint64_t descriptors = 0;         // sockets; 0 = half of what the process may open
    std::vector<std::string> limits = {};  // "system.streams=5000": single limits instead of derived ones
    std::vector<std::string> allow = {};   // "/ip4/192.0.2.0/ipcidr/24": not limited per network, let in when full
    // Inbound connections from one network: at once, new ones per minute, and new ones that may come at a time.
    std::uint32_t ip4_32_connections = 8, ip4_32_per_minute = 12, ip4_32_burst = 16;
    std::uint32_t ip6_56_connections = 8, ip6_56_per_minute = 12, ip6_56_burst = 16;
    std::uint32_t ip6_48_connections = 64, ip6_48_per_minute = 30, ip6_48_burst = 80;
    std::size_t max_networks = 16384;  // whose rates are remembered
  } resource;

  struct Ping {
    bool serve = true;
    Duration timeout = 60s;
  } ping;

  struct Perf {
    bool serve = false;  // lets strangers use the line
    Duration idle_timeout = 20s;
    std::uint64_t max_download_bytes = std::uint64_t{16} << 30;
  } perf;

  struct Diagnostics {
    std::string address = "127.0.0.1";
    std::uint16_t port = 5101;  // 0 = off; only the daemon serves
    bool allow_remote = false;  // an address that is not loopback is refused without it
    std::size_t max_connections = 16;
    Duration timeout = 30s;
  } diagnostics;

  struct Accounting {
    std::size_t max_peers = 1024;  // disconnected peers kept apart, those with most traffic
    Duration rate_time = 30s;      // rates are averages over about this time
  } accounting;

  struct Log {
    std::string level = "info";
  } log;

  /// Every mistake, each naming the key, the value and the range.
  std::vector<Error> validate() const;
};

}  // namespace starling::runtime
