// What every transport hands up: a Connection to an authenticated peer that carries streams, whatever is underneath
// (TCP with security and muxer, QUIC, the simulator). Resources, on one reactor's thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "starling/base/bytes.hpp"
#include "starling/base/clock.hpp"
#include "starling/base/error.hpp"
#include "starling/crypto/keys.hpp"
#include "starling/io/task.hpp"
#include "starling/multiformats/multiaddr.hpp"
#include "starling/peer/peer_id.hpp"
#include "starling/resource/manager.hpp"

namespace starling::transport {

using resource::Direction;

/// Codes that go on the wire with a reset or a close.
/// spec: none yet; go-libp2p core/network is the practice. Connection and stream codes are numbered apart.
enum class CloseCode : std::uint32_t {
  None = 0,
  NegotiationFailed = 0x1000,
  ResourceLimit = 0x1001,
  RateLimited = 0x1002,
  ProtocolViolation = 0x1003,
  Supplanted = 0x1004,
  GarbageCollected = 0x1005,
  Shutdown = 0x1006,
  Gated = 0x1007,
  OutOfRange = 0x1008
};
enum class ResetCode : std::uint32_t {
  None = 0,
  NegotiationFailed = 0x1001,
  ResourceLimit = 0x1002,
  RateLimited = 0x1003,
  ProtocolViolation = 0x1004,
  Supplanted = 0x1005,
  GarbageCollected = 0x1006,
  Shutdown = 0x1007,
  Gated = 0x1008,
  OutOfRange = 0x1009
};

/// Why a connection or a stream ended: who ended it, the code on the wire, and the error if there was one.
struct CloseReason {
  enum class By : std::uint8_t { Local, Remote, Failure };
  By by = By::Local;
  std::uint32_t code = 0;
  std::optional<Error> error;

  static CloseReason local(CloseCode code) { return {By::Local, std::uint32_t(code), std::nullopt}; }
  static CloseReason failure(Error error) { return {By::Failure, 0, std::move(error)}; }
  std::string to_string() const;        // of a connection
  std::string reset_to_string() const;  // of a stream
  /// What the end of a connection, or the reset of a stream, is to whoever used it: RemoteLimit or RemoteGated if the
  /// remote's code says so, else ConnectionClosed and StreamReset. It stands as the cause under those errors. So a
  /// refusal of the remote is told from one of ours.
  ErrorCode meaning() const;
  ErrorCode reset_meaning() const;
  /// With this reason a connection ended: the one with which its streams end.
  CloseReason of_streams() const;
  /// With this reason a stream ended: what `op` on it fails with.
  Error stream_error(Op op) const;
};

/// A stream without a protocol yet. The handle is the owner: dropping it before both directions ended resets the
/// stream.
class RawStream {
 public:
  virtual ~RawStream() = default;
  virtual std::uint64_t id() const = 0;

  /// What has arrived and was not consumed. Valid until the next call on this stream or the next co_await.
  virtual Bytes peek() const = 0;
  virtual void consume(std::size_t bytes) = 0;
  /// Ok(true): peek() will get no more, the remote ended its side. Ok(false): more may come. Error: StreamReset,
  /// ConnectionClosed. Look at peek() first: what arrived before a reset is still there.
  virtual Result<bool> at_end() const = 0;
  /// Bytes taken. Errors: WouldBlock (wait for writable()), StreamClosed, StreamReset, ConnectionClosed.
  virtual Result<std::size_t> try_write(Bytes data) = 0;
  virtual io::QueueWait readable() = 0;
  virtual io::QueueWait writable() = 0;
  /// Half-close; idempotent.
  virtual void close_write() = 0;
  /// Ends both directions at once; idempotent.
  virtual void reset(ResetCode code) = 0;
  /// Set once the stream was reset or its connection went.
  virtual const CloseReason* close_reason() const = 0;
};

/// Told by a connection; called from its own turn, never from inside a call on the connection.
class ConnectionEvents {
 public:
  virtual void on_inbound_stream(std::unique_ptr<RawStream> stream) = 0;
  /// Once. All streams have ended by then. The connection may be destroyed after Connection::join().
  virtual void on_closed(const CloseReason& reason) = 0;

 protected:
  ~ConnectionEvents() = default;
};

/// What was agreed while the connection was made.
struct ConnectionInfo {
  Direction direction = Direction::Outbound;
  PeerId remote_peer;
  std::optional<crypto::PublicKey> remote_key;
  Multiaddr local_address, remote_address;  // without /p2p
  std::string security, muxer;              // protocol ids
  TimePoint opened_at{};
};

struct ConnectionStats {
  std::uint64_t bytes_in = 0, bytes_out = 0;  // on the socket
  std::uint32_t inbound_streams = 0, outbound_streams = 0;
  std::uint64_t refused_streams = 0;  // of the remote, by a limit of the muxer
  std::uint64_t overrun_streams = 0;  // reset because the remote sent more than we hold for a slow reader
  std::uint64_t dropped_pings = 0;    // of the remote, unanswered because too many were waiting
  Duration round_trip{};
};

class Connection {
 public:
  virtual ~Connection() = default;
  virtual const ConnectionInfo& info() const = 0;
  virtual ConnectionStats stats() const = 0;
  /// Once, and soon: the last bytes of the handshake may leave only now. `events` must outlive the connection.
  virtual void start(ConnectionEvents& events) = 0;
  /// Errors: StreamLimit (wait for openable()), GoAway, ConnectionClosed.
  virtual Result<std::unique_ptr<RawStream>> open_stream() = 0;
  /// Ends when open_stream() may succeed after a StreamLimit (not a promise: try again in a loop), or when the
  /// connection has ended.
  virtual io::QueueWait openable() = 0;
  /// There is reason to doubt that the remote can be reached: asks it now, and ends with Timeout and `doubt` if nothing
  /// comes for `patience`. Does nothing where the muxer cannot ask (mplex) or the transport finds another way (QUIC).
  virtual void probe(Duration /*patience*/, std::string /*doubt*/) {}
  /// The reason for probe() is gone: an answer that has not come yet may take as long as the keep-alive's.
  virtual void trust() {}
  /// Starts closing; what was written is still sent within the close time-out. Idempotent; the first reason counts.
  virtual void close(CloseReason reason) = 0;
  virtual bool closed() const = 0;
  /// Ends when the connection's own tasks have; call close() first.
  virtual io::Task<void> join() = 0;

  /// What the connection holds of the node's budgets, from accept or dial on; given back when it dies. Empty without
  /// hold(): then nothing is counted. The connection charges its buffers to it.
  resource::ConnectionScope& scope() { return scope_; }
  const resource::ConnectionScope& scope() const { return scope_; }
  /// Before start().
  void hold(resource::ConnectionScope scope) { scope_ = std::move(scope); }

 private:
  resource::ConnectionScope scope_;
};

}  // namespace starling::transport
