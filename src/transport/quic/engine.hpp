// The core of QUIC as pure machines, without a type of the library that does the work: an Engine per identity judges
// packets that belong to no connection, a Session is one connection. Packets and `now` go in; calls on SessionEvents,
// packets and the next deadline come out. Threading: one thread for each session; an engine's are all on one reactor.
// spec: RFC 9000, 9001, 9002, 9221
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "starling/transport/quic.hpp"

namespace starling::transport::quic {

using StreamId = std::uint64_t;

/// Connection ids that we choose all have this size; random, so a table keyed by them cannot be driven into one bucket
/// by somebody who does not know them.
inline constexpr std::size_t kOwnIdSize = 8;
inline constexpr std::size_t kMaxIdSize = 20;
inline constexpr std::size_t kMinInitialSize = 1200;  // spec: RFC 9000, 14.1

struct ConnectionId {
  std::array<std::uint8_t, kMaxIdSize> bytes{};
  std::uint8_t size = 0;
  Bytes view() const { return {bytes.data(), size}; }
  friend bool operator==(const ConnectionId&, const ConnectionId&) = default;
};

/// By which a peer that lost its state proves that it had given us the connection id. spec: RFC 9000, 10.3
using ResetToken = std::array<std::uint8_t, 16>;

struct ResetTokenHash {
  std::size_t operator()(const ResetToken& token) const { return std::hash<std::string_view>{}(as_text(token)); }
};

struct ConnectionIdHash {
  std::size_t operator()(const ConnectionId& id) const { return std::hash<std::string_view>{}(as_text(id.view())); }
};

/// What can be read of any packet without keys.
struct PacketHead {
  ConnectionId to, from;
  std::uint32_t version = 0;  // 0: short header
  bool long_header = false, known_version = true;
};

/// The way of a packet. `local` is what the socket is bound to, the same for all packets of a session.
struct Path {
  io::Endpoint local, remote;
};

/// Packets that leave together: `size` bytes at `offset` of the buffer they were written into, cut by `segment`.
struct PacketBatch {
  std::size_t offset = 0, size = 0, segment = 0;
  io::Endpoint remote;
  std::uint8_t ecn = 0;
};

/// What happens to a session, told while receive(), on_timer() or write() runs. A call may use send(), close_write(),
/// reset() and consumed() of the session, not the three it comes from.
class SessionEvents {
 public:
  /// The handshake is over and the peer is who remote_peer() says.
  virtual void on_established() = 0;
  virtual void on_stream(StreamId id) = 0;
  virtual void on_data(StreamId id, Bytes data) = 0;
  virtual void on_remote_close(StreamId id) = 0;
  /// The remote gave up sending (RESET_STREAM).
  virtual void on_reset(StreamId id, std::uint64_t code) = 0;
  /// The remote does not want what we send (STOP_SENDING).
  virtual void on_stop(StreamId id, std::uint64_t code) = 0;
  /// open_stream() may succeed again.
  virtual void on_openable() = 0;
  virtual void on_datagram(Bytes datagram) = 0;
  /// A connection id by which packets for this session come, or come no more.
  virtual void on_id_added(const ConnectionId& id) = 0;
  virtual void on_id_removed(const ConnectionId& id) = 0;
  /// A packet that ends in `token` is the peer's word that it no longer knows the session; or is so no more.
  virtual void on_reset_token_added(const ResetToken& token) = 0;
  virtual void on_reset_token_removed(const ResetToken& token) = 0;
  /// The peer goes on from another address, which it has proved.
  virtual void on_path_changed(const io::Endpoint& remote) = 0;

 protected:
  ~SessionEvents() = default;
};

class Session {
 public:
  virtual ~Session() = default;

  virtual void receive(const Path& path, std::uint8_t ecn, Bytes packet, TimePoint now) = 0;
  virtual void on_timer(TimePoint now) = 0;
  virtual TimePoint next_deadline() const = 0;
  /// Writes what may leave now into `room` (64 KiB) and says how it leaves. Again until it gives nothing.
  virtual std::span<const PacketBatch> write(MutableBytes room, TimePoint now) = 0;

  /// Errors: StreamLimit.
  virtual Result<StreamId> open_stream() = 0;
  /// Takes all of `data`: how much to offer is bounded by the caller through unsent() and unacknowledged().
  virtual void send(StreamId id, Bytes data) = 0;
  virtual void close_write(StreamId id) = 0;
  /// Both directions at once.
  virtual void reset(StreamId id, std::uint64_t code) = 0;
  /// The application took `bytes` of a stream: its windows may open again.
  virtual void consumed(StreamId id, std::size_t bytes, TimePoint now) = 0;
  /// The user let go of the stream. Once both sides have, the remote may open another.
  virtual void release(StreamId id) = 0;
  virtual std::size_t unsent() const = 0;
  virtual std::size_t unacknowledged() const = 0;

  virtual std::size_t max_datagram_size() const = 0;
  virtual bool send_datagram(Bytes datagram) = 0;  // false: the queue is full

  /// Ends the session; the packet that says so goes into `room`, nothing where none can be written.
  virtual std::optional<PacketBatch> close(std::uint64_t code, MutableBytes room, TimePoint now) = 0;
  /// Why the session is over, if it is. An error of ours or the peer's also leaves a packet to send: farewell().
  virtual const CloseReason* ended() const = 0;
  virtual std::optional<PacketBatch> farewell(MutableBytes room, TimePoint now) = 0;

  virtual bool established() const = 0;
  /// The handshake had no certificates: these peers met before.
  virtual bool resumed() const = 0;
  virtual const PeerId& remote_peer() const = 0;
  virtual const std::optional<crypto::PublicKey>& remote_key() const = 0;
  virtual Duration round_trip() const = 0;
  /// How long a closed session's packets may still wander about.
  virtual Duration drain_time() const = 0;
  /// From now on by `path`, whose local end is another one. False when the state of the session, or the peer, does not
  /// permit it. spec: RFC 9000, 9.2
  virtual bool migrate(const Path& path, TimePoint now) = 0;
  /// From now on, new keys. False when it is too early for it.
  virtual bool update_keys(TimePoint now) = 0;
};

/// What becomes of a packet for no known session.
struct Verdict {
  enum class Kind : std::uint8_t { Drop, Accept, VersionNegotiation, Retry, StatelessReset, BadToken, Refuse };
  Kind kind = Kind::Drop;
  ConnectionId original, retry_source;  // Accept: the ids that the client's first packet, and our Retry, had
  bool validated = false;               // Accept: the address was proved by a token
};

class Engine {
 public:
  virtual ~Engine() = default;
  virtual std::optional<PacketHead> parse(Bytes packet) const = 0;
  virtual std::unique_ptr<Session> connect(const Path& path, std::optional<PeerId> expected, SessionEvents& events,
                                           TimePoint now) = 0;
  /// `require_proof`: strangers must prove their address first.
  virtual Verdict judge(const Path& path, Bytes packet, const PacketHead& head, bool require_proof, TimePoint now) = 0;
  /// Null when the session cannot be made. The packet is for its receive().
  virtual std::unique_ptr<Session> accept(const Path& path, const PacketHead& head, const Verdict& verdict,
                                          Bytes packet, SessionEvents& events, TimePoint now) = 0;
  /// The packet that a verdict of VersionNegotiation, Retry, StatelessReset, BadToken or Refuse calls for; may be
  /// empty.
  virtual ByteVector answer(const Path& path, Bytes packet, const PacketHead& head, Verdict::Kind kind,
                            TimePoint now) = 0;
};

/// Borrows `random` and `options`. Errors: Unsupported in a build without QUIC; certificate material.
Result<std::unique_ptr<Engine>> make_engine(Random& random, const crypto::PrivateKey& identity,
                                            const QuicOptions& options, std::function<std::int64_t()> unix_seconds);

}  // namespace starling::transport::quic
