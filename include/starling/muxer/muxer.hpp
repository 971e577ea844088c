// The contract of a stream multiplexer: one pure machine per connection. Decrypted bytes and `now` go in; calls on
// Events, bytes in output() and the next deadline come out. It keeps per-stream protocol state and windows, never
// payload: received payload is handed on as views, sent payload is framed straight into output().
// Resource: owned by one connection, used on its thread.
// spec: connections/README.md, Multiplexing
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "starling/base/bytes.hpp"
#include "starling/base/clock.hpp"
#include "starling/base/error.hpp"

namespace starling::muxer {

/// Names a stream within its session; unique for the session's life as far as the wire format permits.
using StreamId = std::uint64_t;
/// Application error codes as go-libp2p sends them (0 = none given).
using ResetCode = std::uint32_t;

/// What happened to streams, told while receive() runs (on_timer() tells nothing today).
///
/// Re-entrancy: a call may use any member of the session except start(), receive() and on_timer(), on any stream, and
/// may take bytes out of output(). Nothing is told about what the callee itself does: after its own reset() of a
/// stream no call names that stream again. After a failed receive() nothing more is told: all streams are gone.
/// A stream is over after on_reset(), after our reset(), or when both on_remote_close() was told and close_write() was
/// called; from then on the session ignores its id.
class Events {
 public:
  /// The remote opened a stream. Return false to refuse it (the session resets it).
  virtual bool on_stream(StreamId id) = 0;
  /// A piece of payload, never empty; the view dies when the call returns. Charged to the window until consumed().
  virtual void on_data(StreamId id, Bytes payload) = 0;
  /// The remote will send no more on the stream. Once per stream, after its last on_data().
  virtual void on_remote_close(StreamId id) = 0;
  /// The stream is gone at once, in both directions.
  virtual void on_reset(StreamId id, ResetCode code) = 0;
  /// send() would take bytes again after it had taken fewer than offered.
  virtual void on_writable(StreamId id) = 0;
  /// The remote takes no new streams; open ones go on. (go- and rust-libp2p close the connection right after it.)
  virtual void on_go_away(ResetCode code) = 0;
  /// open_stream() would succeed again after it had failed with StreamLimit, because of what the remote did.
  virtual void on_openable() {}

 protected:
  ~Events() = default;
};

/// Where a session asks before it lets a receive window grow beyond what the protocol grants every stream. What it
/// still has when it dies is not given back one by one. Must outlive the session.
class WindowMemory {
 public:
  virtual bool reserve(std::uint64_t bytes) = 0;
  virtual void release(std::uint64_t bytes) = 0;

 protected:
  ~WindowMemory() = default;
};

struct Config {
  bool initiator = true;  // this side dialed
  // yamux
  std::uint32_t max_stream_window = 16u << 20;    // bytes; grows from 256 KiB by RTT
  std::uint64_t window_memory_budget = 1u << 30;  // bytes of receive window in all streams of a connection
  WindowMemory* window_memory = nullptr;          // asked, too; null permits
  std::uint32_t max_frame_payload = 64u << 10;    // bytes of payload per frame that we send
  std::uint32_t max_inbound_streams = 1024;       // open at once
  std::uint32_t max_outbound_streams = 16384;
  std::uint32_t accept_backlog = 256;                       // streams of ours the remote has not acknowledged
  std::uint32_t max_pending_pings = 32;                     // answers the remote may make us queue
  std::uint32_t max_control_output = 1u << 20;              // bytes of control frames unsent before the peer is cut
  Duration keep_alive_interval = std::chrono::seconds(30);  // zero = none
  Duration keep_alive_timeout = std::chrono::seconds(30);   // no answer within: the session fails with Timeout
  // mplex
  std::uint32_t max_message_size = 1u << 20;  // spec: 1 MiB
};

struct Stats {
  std::uint32_t inbound_streams = 0, outbound_streams = 0;
  std::uint64_t receive_window_total = 0;  // bytes promised to the remote over all streams
  Duration round_trip{};                   // last measured, zero before
  // Since the start:
  std::uint64_t refused_streams = 0;  // of the remote, by a limit, by on_stream() or after go_away()
  std::uint64_t dropped_pings = 0;    // of the remote, beyond max_pending_pings
  std::uint64_t discarded_bytes = 0;  // payload for streams that were over already
};

class Session {
 public:
  virtual ~Session() = default;
  virtual std::string_view protocol_id() const = 0;

  /// Once, before anything else, when the connection is up.
  virtual void start(TimePoint now) = 0;
  /// Takes bytes in any pieces. An error ends the session: flush output() (it may hold a GOAWAY) and close.
  virtual Status receive(Bytes bytes, TimePoint now, Events& events) = 0;
  /// Errors: StreamLimit (max_outbound_streams, accept_backlog, ids used up), GoAway, ConnectionClosed.
  virtual Result<StreamId> open_stream() = 0;
  /// Frames as much of `payload` as windows allow into output(); returns the bytes taken (0 = wait for on_writable).
  /// On a stream that is over or closed for writing: 0, and no on_writable. How much output() may hold is the
  /// caller's to bound: offer no payload while it holds enough.
  virtual std::size_t send(StreamId id, Bytes payload) = 0;
  /// Half-close: we send no more. Idempotent.
  virtual void close_write(StreamId id) = 0;
  /// Ends the stream at once in both directions. Idempotent; unknown ids are ignored.
  virtual void reset(StreamId id, ResetCode code) = 0;
  /// The application took `bytes` of received payload (no more than on_data() told): the window may open again.
  virtual void consumed(StreamId id, std::size_t bytes, TimePoint now) = 0;
  /// Tells the remote to open no more streams, and refuses those it opens nevertheless; we open none either. Once.
  virtual void go_away(ResetCode code) = 0;

  /// Asks the remote for a sign of life now: without an answer, and with no other byte for `patience`, the session
  /// fails with Timeout and says `doubt`. Once answered it is as before. mplex has no way to ask, and does nothing.
  virtual void probe(TimePoint /*now*/, Duration /*patience*/, std::string /*doubt*/) {}
  /// The doubt is gone before the answer came: it may take as long as that of a keep-alive ping.
  virtual void trust() {}

  virtual TimePoint next_deadline() const = 0;
  virtual Status on_timer(TimePoint now, Events& events) = 0;

  /// Frames to send, in order. The shell consumes from it.
  virtual ByteQueue& output() = 0;
  virtual Stats stats() const = 0;
};

std::unique_ptr<Session> make_yamux(const Config& config);
std::unique_ptr<Session> make_mplex(const Config& config);

inline constexpr std::string_view kYamuxId = "/yamux/1.0.0";
inline constexpr std::string_view kMplexId = "/mplex/6.7.0";

}  // namespace starling::muxer
