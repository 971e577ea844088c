// QUIC version 1 with libp2p's certificates: /ip4|ip6/…/udp/…/quic-v1. Security and streams come with it, so there is
// no upgrade: a dial takes one round trip, the first answer on a stream arrives after the second.
// spec: quic/README.md; RFC 9000, 9001, 9002, 9221. Threading: the world's reactor.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "starling/io/network.hpp"
#include "starling/transport/accept_gate.hpp"
#include "starling/transport/transport.hpp"

namespace starling::transport {

/// Which congestion controller sends. Bbr (version 3) keeps to the bandwidth that it measures: queues stay short, and
/// losses by chance cost little. Cubic and Reno fill the queue until it overflows, and take every loss for that.
enum class QuicCongestion : std::uint8_t { Cubic, Bbr, Reno };

struct QuicOptions {
  Duration handshake_timeout;                                      // of a dial, and of a stranger's
  Duration idle_timeout;                                           // ours; the smaller one of both sides counts
  Duration keep_alive;                                             // silence after which we ask for a sign of life
  Duration close_timeout;                                          // for what was written before close()
  Duration initial_round_trip;                                     // assumed until the first is measured
  std::uint64_t initial_stream_window, max_stream_window;          // bytes; grow with use
  std::uint64_t initial_connection_window, max_connection_window;  // bytes; bound what a connection makes us hold
  std::uint32_t max_inbound_streams;                               // open at once, per connection
  std::size_t output_buffer;           // bytes per connection accepted for sending and not sent yet; then writers wait
  std::size_t max_unacknowledged;      // bytes per connection that we keep for sending again
  std::size_t max_pending_inbound;     // handshakes at once per socket; the oldest gives way
  std::size_t retry_above;             // handshakes at once from which on strangers must prove their address (Retry)
  std::size_t max_replies_per_second;  // packets without a connection per socket: version negotiation, Retry, reset
  std::size_t max_closing;             // connections per socket whose end is repeated to a peer that missed it
  std::size_t max_udp_payload;         // bytes of a datagram, when path and peer permit
  std::size_t socket_receive_buffer, socket_send_buffer;  // bytes asked of the system
  std::size_t max_datagram_queue;  // bytes per connection of unread datagrams, and of unsent ones; 0: not offered
  QuicCongestion congestion;
  bool resumption;  // of TLS sessions with peers of this implementation that were met before
  /// One line of an NSS key log at a time; empty: none. For debugging: whoever has the lines can decrypt.
  std::function<void(std::string_view line)> key_log;
  /// Given a connection's name, the sink for its qlog (JSON text sequence); empty: none.
  std::function<std::function<void(Bytes)>(std::string_view name)> qlog;
};

/// What happened on the sockets of a transport. Never reset.
struct QuicCounters {
  std::uint64_t accepted = 0, established = 0;  // inbound handshakes begun and ended well
  std::uint64_t handshakes_failed = 0, handshakes_timed_out = 0, evicted_pending = 0, refused_accepts = 0;
  std::uint64_t refused_by_gate = 0;
  std::uint64_t retries_sent = 0, versions_sent = 0, resets_sent = 0, replies_suppressed = 0;
  std::uint64_t foreign_packets = 0;    // not QUIC, or for no connection of ours
  std::uint64_t invalid_tokens = 0;     // Retry tokens that are not ours, too old, or of another address
  std::uint64_t path_changes = 0;       // peers that went on from another address
  std::uint64_t migrations = 0;         // of our own, when an address of this host went away
  std::uint64_t datagrams_dropped = 0;  // of the application, by a full queue
  std::uint64_t send_errors = 0;        // datagrams the system refused
};

/// Datagrams of a QUIC connection (RFC 9221): unreliable, unordered, within congestion control. An API of ours; the
/// other side must offer them too.
class DatagramChannel {
 public:
  /// Bytes that fit into one now; 0 when the peer takes none.
  virtual std::size_t max_datagram_size() const = 0;
  /// Errors: Unsupported (the peer takes none), TooLarge, WouldBlock (the queue is full: drop it or try later),
  /// ConnectionClosed.
  virtual Status send_datagram(Bytes datagram) = 0;
  /// The oldest that was not read; nothing when there is none.
  virtual std::optional<ByteVector> receive_datagram() = 0;
  /// Ends when receive_datagram() may have one, or the connection has ended.
  virtual io::QueueWait datagram_readable() = 0;

 protected:
  ~DatagramChannel() = default;
};

/// The datagrams of a connection, or null where its transport has none. Lives as long as the connection.
DatagramChannel* datagrams_of(Connection& connection);

class QuicTransport : public Transport {
 public:
  virtual const QuicCounters& counters() const = 0;
  /// Asked before a stranger's handshake begins; null, as at first, lets everybody in. Must outlive the transport.
  virtual void set_gate(AcceptGate* gate) = 0;
  /// Sockets that are open now.
  virtual std::size_t open_sockets() const = 0;
};

/// Whether this build has QUIC. Without it every dial and listen of the transport fails with Unsupported.
bool quic_available();

/// `unix_seconds` tells the time of day by which certificates are judged; without one the system's clock does.
/// Connections and listeners must be gone before it. Errors: key or certificate material that cannot be made.
Result<std::unique_ptr<QuicTransport>> make_quic_transport(io::World world, const crypto::PrivateKey& identity,
                                                           QuicOptions options,
                                                           std::function<std::int64_t()> unix_seconds = {});

/// /ip4/…/udp/…/quic-v1 or /ip6/….
Multiaddr quic_multiaddr(const io::Endpoint& endpoint);
/// The endpoint of an address that is exactly /ip4|ip6/…/udp/…/quic-v1; nullopt for anything else.
std::optional<io::Endpoint> quic_endpoint(const Multiaddr& address);

}  // namespace starling::transport
