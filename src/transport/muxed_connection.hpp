// A connection over one byte-stream socket: the socket's bytes go through a security channel into a muxer session.
// This is the shell around the two machines: it moves bytes, wakes readers and writers, and keeps time.
//
// Receiving: read what is there (up to 128 KiB), decrypt in place, hand payload to stream inboxes, then wait for
// readability without holding a buffer. Sending: streams frame into the session's output; at the end of the reactor's
// turn everything is sealed and written at once. Writers wait while more than `output_buffer` bytes are pending.
#pragma once

#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "starling/transport/spread.hpp"
#include "starling/transport/transport.hpp"
#include "transport/inbox.hpp"
#include "transport/waiting_writers.hpp"

namespace starling::transport {

class MuxedConnection;

/// Charges the growth of receive windows to what the connection holds of the node's memory.
struct WindowCharge final : muxer::WindowMemory {
  bool reserve(std::uint64_t bytes) override {
    return scope == nullptr || scope->reserve_memory(bytes, resource::Priority::Medium).has_value();
  }
  void release(std::uint64_t bytes) override {
    if (scope != nullptr) scope->release_memory(bytes);
  }
  resource::ConnectionScope* scope = nullptr;
};

/// One stream of a MuxedConnection. Owned by its user; the connection only knows where it is.
class MuxedStream final : public RawStream {
 public:
  MuxedStream(MuxedConnection& connection, muxer::StreamId id) : connection_(&connection), id_(id) {}
  ~MuxedStream() override;

  std::uint64_t id() const override { return id_; }
  Bytes peek() const override { return inbox_.view(); }
  void consume(std::size_t bytes) override;
  Result<bool> at_end() const override;
  Result<std::size_t> try_write(Bytes data) override;
  io::QueueWait readable() override { return readable_.wait(); }
  io::QueueWait writable() override { return writable_.wait(); }
  void close_write() override;
  void reset(ResetCode code) override;
  const CloseReason* close_reason() const override { return reason_ ? &*reason_ : nullptr; }

 private:
  friend class MuxedConnection;
  void end(CloseReason reason);

  MuxedConnection* connection_;  // null once the stream or its connection ended
  muxer::StreamId id_;
  Inbox inbox_;
  bool remote_closed_ = false, write_closed_ = false;
  WaitingWriters::Place waits_ = 0;
  std::optional<CloseReason> reason_;
  io::WaitQueue readable_, writable_;
};

class MuxedConnection final : public Connection,
                              private security::PlaintextSink,
                              private muxer::Events,
                              private io::Runnable {
 public:
  /// What the upgrader leaves behind: bytes already read, and bytes not yet written.
  struct Parts {
    std::unique_ptr<io::StreamSocket> socket;
    std::unique_ptr<security::Channel> channel;
    std::unique_ptr<WindowCharge> windows;
    std::unique_ptr<muxer::Session> session;
    ByteQueue wire_in, wire_out, plaintext_in;
    CarriedSocket* carried = nullptr;  // `socket`, if it is one: then all bytes are moved, not copied
    Seat seat = {};                    // its place on the home reactor, if it is placed at all
  };
  MuxedConnection(io::World world, const UpgraderOptions& options, ConnectionInfo info, Parts parts);
  ~MuxedConnection() override;

  const ConnectionInfo& info() const override { return info_; }
  ConnectionStats stats() const override;
  void start(ConnectionEvents& events) override;
  Result<std::unique_ptr<RawStream>> open_stream() override;
  io::QueueWait openable() override { return openable_.wait(); }
  void probe(Duration patience, std::string doubt) override;
  void trust() override;
  void close(CloseReason reason) override;
  bool closed() const override { return reason_.has_value(); }
  io::Task<void> join() override;

 private:
  friend class MuxedStream;

  // For streams.
  Result<std::size_t> write(MuxedStream& stream, Bytes data);
  void consumed(MuxedStream& stream, std::size_t bytes);
  void close_write(MuxedStream& stream);
  void reset(MuxedStream& stream, ResetCode code);
  void release(MuxedStream& stream);
  void forget(MuxedStream& stream);
  bool charge_unread();

  // security::PlaintextSink and muxer::Events
  Status on_plaintext(Bytes plaintext) override;
  bool on_stream(muxer::StreamId id) override;
  void on_data(muxer::StreamId id, Bytes payload) override;
  void on_remote_close(muxer::StreamId id) override;
  void on_reset(muxer::StreamId id, muxer::ResetCode code) override;
  void on_writable(muxer::StreamId id) override;
  void on_go_away(muxer::ResetCode code) override { remote_code_ = code; }
  void on_openable() override { openable_.notify_all(); }

  // io::Runnable: the end of the turn
  void run() override { flush(); }

  io::Task<void> live();
  io::Task<void> read_until_end();
  io::Task<void> write_when_blocked();
  io::Task<void> say_goodbye();
  Status take_received();
  void deliver_arrivals();
  void schedule_flush();
  void flush();
  Status seal_output();
  Result<std::size_t> write_wire();
  Result<std::size_t> read_wire(bool& drained);
  void wake_writers();
  void arm_timer();
  void on_timer();
  void end_by(CloseReason reason);
  void end_by_remote();
  void end_streams();
  std::unique_ptr<MuxedStream> add_stream(muxer::StreamId id);
  MuxedStream* find(muxer::StreamId id);
  TimePoint now() const { return world_.reactor.now(); }

  io::World world_;
  const UpgraderOptions& options_;
  ConnectionInfo info_;
  Parts parts_;
  ConnectionEvents* events_ = nullptr;
  ConnectionStats stats_;
  std::unordered_map<muxer::StreamId, MuxedStream*> streams_;
  std::unordered_set<muxer::StreamId> orphans_;  // dropped by their user before the remote closed its side
  std::vector<std::unique_ptr<MuxedStream>> arrivals_;
  WaitingWriters waiting_writers_;
  std::uint64_t unread_ = 0;   // bytes in the inboxes of streams_
  std::uint64_t charged_ = 0;  // of them, to the connection's scope
  std::optional<CloseReason> reason_;
  std::uint32_t remote_code_ = 0;  // what the remote said before it closes
  std::size_t max_inbox_;
  bool started_ = false, blocked_ = false, remote_gone_ = false;
  io::WaitQueue write_wanted_, openable_;
  io::CallbackTimer timer_;
  io::TaskGroup tasks_;
  io::CancelScope reading_;  // ends with the connection, before the goodbye
};

}  // namespace starling::transport
