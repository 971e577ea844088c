// A QUIC connection as the layers above see it: the shell around a Session. It wakes readers and writers, keeps time,
// and hands packets to its endpoint once per turn of the reactor. It has no tasks of its own: packets come by its
// endpoint, time by a timer, output at the end of the turn.
#pragma once

#include <list>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "transport/inbox.hpp"
#include "transport/quic/engine.hpp"
#include "transport/waiting_writers.hpp"

namespace starling::transport::quic {

class Endpoint;
class QuicConnection;

/// One stream. Owned by its user; the connection only knows where it is.
class QuicStream final : public RawStream {
 public:
  QuicStream(QuicConnection& connection, StreamId id, bool local) : connection_(&connection), id_(id), local_(local) {}
  ~QuicStream() override;
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
  friend class QuicConnection;
  void end(CloseReason reason);
  /// Nothing more will be sent, for whatever cause.
  bool write_over() const { return write_closed_ || stopped_ || reason_; }

  QuicConnection* connection_;  // null once the stream or its connection ended
  StreamId id_;
  bool local_;  // this side opened it
  Inbox inbox_;
  bool remote_closed_ = false, write_closed_ = false, counted_out_ = false;
  WaitingWriters::Place waits_ = 0;
  std::optional<CloseReason> reason_, stopped_;  // stopped_: the remote does not want what we write
  io::WaitQueue readable_, writable_;
};

/// Told how a handshake ended, in a turn of its own: established(), or reason() says why not.
class HandshakeWatcher {
 public:
  virtual void on_handshake_over(QuicConnection& connection) = 0;

 protected:
  ~HandshakeWatcher() = default;
};

class QuicConnection final : public Connection, public DatagramChannel, private SessionEvents, private io::Runnable {
 public:
  QuicConnection(Endpoint& endpoint, Direction direction, HandshakeWatcher& watcher);
  ~QuicConnection() override;

  /// Begins the handshake. Errors: Internal.
  Status dial(const io::Endpoint& remote, std::optional<PeerId> expected);
  Status accept(const io::Endpoint& remote, const PacketHead& head, const Verdict& verdict, Bytes packet);

  // For the endpoint, in its own turn.
  void receive(const io::Datagram& datagram, Bytes packet);
  void flush() { run(); }
  void socket_failed(const Error& error);
  /// Nothing of the remote was heard, and the network says that nothing will be.
  void undeliverable(const Error& error);
  /// The address of ours that its packets come to and leave from; unspecified while nobody told.
  io::IpAddress home() const;
  /// That address is no longer there: packets leave from wherever the system chooses.
  void forget_home() { routes_.clear(); }
  /// Goes on from `address`, through the socket of `endpoint`: a migration, if the peer and the state of the connection
  /// permit one; else the peer takes it for a NAT that changed its mind. Of connections that were dialed.
  void move_to(Endpoint& endpoint, const io::IpAddress& address);
  bool may_move() const { return !finished_ && !reason_ && established() && info_.direction == Direction::Outbound; }
  const io::Endpoint& remote() const { return remote_; }
  Endpoint& endpoint() { return *endpoint_; }
  bool awaits_answer_of(const io::Endpoint& remote) const { return awaited_ == remote; }
  bool established() const { return session_ && session_->established(); }
  /// When the remote was heard first.
  std::optional<TimePoint> first_answer_at() const { return first_answer_at_; }
  const CloseReason* reason() const { return reason_ ? &*reason_ : nullptr; }

  const ConnectionInfo& info() const override { return info_; }
  ConnectionStats stats() const override;
  void start(ConnectionEvents& events) override;
  Result<std::unique_ptr<RawStream>> open_stream() override;
  io::QueueWait openable() override { return openable_.wait(); }
  void close(CloseReason reason) override;
  bool closed() const override { return reason_.has_value(); }
  io::Task<void> join() override;

  std::size_t max_datagram_size() const override { return reason_ ? 0 : session_->max_datagram_size(); }
  Status send_datagram(Bytes datagram) override;
  std::optional<ByteVector> receive_datagram() override;
  io::QueueWait datagram_readable() override { return datagram_readable_.wait(); }

  /// New keys from now on; false when it is too early.
  bool update_keys();

 private:
  friend class QuicStream;

  // For streams.
  Result<std::size_t> write(QuicStream& stream, Bytes data);
  void consumed(QuicStream& stream, std::size_t bytes);
  void close_write(QuicStream& stream);
  void reset(QuicStream& stream, ResetCode code);
  void release(QuicStream& stream);
  void stream_over(QuicStream& stream);

  // SessionEvents
  void on_established() override;
  void on_stream(StreamId id) override;
  void on_data(StreamId id, Bytes data) override;
  void on_remote_close(StreamId id) override;
  void on_reset(StreamId id, std::uint64_t code) override;
  void on_stop(StreamId id, std::uint64_t code) override;
  void on_openable() override { openable_.notify_all(); }
  void on_datagram(Bytes datagram) override;
  void on_id_added(const ConnectionId& id) override;
  void on_id_removed(const ConnectionId& id) override;
  void on_reset_token_added(const ResetToken& token) override;
  void on_reset_token_removed(const ResetToken& token) override;
  void on_path_changed(const io::Endpoint& remote) override;

  void run() override;
  void schedule();
  void on_timer();
  void send_pending();
  void send_batch(const PacketBatch& batch, MutableBytes from);
  bool nothing_left_to_say() const;
  void end_by(CloseReason reason);
  void end_streams();
  void finish(std::optional<PacketBatch> last);
  void wake_writers();
  void arm_timer();
  void deliver_arrivals();
  std::uint64_t sending() const { return session_->unsent() + session_->unacknowledged(); }
  bool charge(std::uint64_t to_send, resource::Priority priority);
  void forget(QuicStream& stream);
  void no_longer_awaited();
  QuicStream* find(StreamId id);
  std::unique_ptr<QuicStream> add_stream(StreamId id, bool local);
  io::IpAddress local_for(const io::Endpoint& remote) const;
  TimePoint now() const;

  Endpoint* endpoint_;
  io::Endpoint local_, remote_;  // the path as the session knows it
  HandshakeWatcher* watcher_;
  std::unique_ptr<Session> session_;
  ConnectionInfo info_;
  ConnectionEvents* events_ = nullptr;
  ConnectionStats stats_;
  std::unordered_map<StreamId, QuicStream*> streams_;
  std::unordered_set<StreamId> orphans_;  // dropped by their user before the remote closed its side
  std::vector<std::unique_ptr<QuicStream>> arrivals_;
  WaitingWriters waiting_writers_;
  std::vector<ConnectionId> ids_;
  std::vector<ResetToken> reset_tokens_;
  struct Route {
    io::Endpoint remote;
    io::IpAddress local;  // the address of ours that its packets come to
  };
  std::vector<Route> routes_;
  std::list<ByteVector> datagrams_;  // lists: an empty deque holds half a KiB
  std::size_t datagram_bytes_ = 0;
  std::uint64_t unread_ = 0;  // bytes in the inboxes of streams_
  struct Unsent {
    PacketBatch batch;
    ByteVector bytes;
  };
  std::list<Unsent> unsent_;  // packets the socket had no room for
  std::optional<CloseReason> reason_;
  std::optional<TimePoint> first_answer_at_;
  std::optional<io::Endpoint> awaited_;  // dialed, and not heard yet
  std::optional<TimePoint> close_by_;    // what was written has until then
  bool finished_ = false, told_ = false;
  io::WaitQueue openable_, datagram_readable_, finished_queue_;
  io::CallbackTimer timer_;
};

}  // namespace starling::transport::quic
