// One UDP socket for everything QUIC does on it: inbound connections, dials that leave from it, and answers to packets
// that belong to neither. Resource, owned by its transport; it goes when nobody listens on it and no connection uses
// it. Threading: the reactor's thread. Limits: QuicOptions.
#pragma once

#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "starling/base/lru_map.hpp"
#include "transport/quic/connection.hpp"
#include "transport/quic/engine.hpp"

namespace starling::transport::quic {

/// What all endpoints of a transport share. Borrowed; outlives them.
struct EndpointContext {
  io::World world;
  const QuicOptions& options;
  Engine& engine;
  QuicCounters& counters;
  AcceptGate* const& gate;  // may be set later; null lets everybody in
};

/// Takes inbound connections whose handshake is over.
class Acceptor {
 public:
  /// False: there is no room, the connection is the caller's to close.
  virtual bool on_accepted(std::unique_ptr<QuicConnection>& connection) = 0;

 protected:
  ~Acceptor() = default;
};

class EndpointOwner {
 public:
  /// Nobody uses the endpoint any more and its socket is closed; it may be destroyed later, not in this call.
  virtual void on_idle(Endpoint& endpoint) = 0;

 protected:
  ~EndpointOwner() = default;
};

class Endpoint final : private HandshakeWatcher {
 public:
  Endpoint(const EndpointContext& context, EndpointOwner& owner, std::unique_ptr<io::DatagramSocket> socket);
  ~Endpoint();
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  /// Null: inbound connections are no longer welcome.
  void set_acceptor(Acceptor* acceptor);
  bool listening() const { return acceptor_ != nullptr; }
  bool open() const { return open_; }
  io::Endpoint local() const { return socket_->local(); }

  // For connections.
  const EndpointContext& context() const { return context_; }
  void enter(QuicConnection& connection) { users_.push_back(&connection); }
  /// Everybody that uses the socket now.
  std::vector<QuicConnection*> connections() const { return users_; }
  /// `last` is repeated to a peer that goes on sending to one of `ids`, for `time`.
  void leave(QuicConnection& connection, std::vector<ConnectionId> ids, ByteVector last, Duration time);
  /// Between the two, word that nothing can be delivered where `connection` dials goes to it.
  void await_answer(QuicConnection& connection) { awaiting_.push_back(&connection); }
  void answered(QuicConnection& connection) { std::erase(awaiting_, &connection); }
  void add_id(const ConnectionId& id, QuicConnection& connection) { by_id_[id] = &connection; }
  void remove_id(const ConnectionId& id) { by_id_.erase(id); }
  void add_reset_token(const ResetToken& token, QuicConnection& connection) { by_token_[token] = &connection; }
  void remove_reset_token(const ResetToken& token, const QuicConnection& connection) {
    const auto found = by_token_.find(token);
    if (found != by_token_.end() && found->second == &connection) by_token_.erase(found);
  }
  /// Bytes taken; fewer than offered when the socket is full: flush() of the connection is called when it is not.
  std::size_t send(const io::OutgoingDatagrams& datagrams, QuicConnection& waits);
  /// Room for packets being written; valid until the next call.
  MutableBytes room() { return {out_.get(), kRoom}; }

 private:
  static constexpr std::size_t kRoom = 64u << 10;
  struct Work final : io::Runnable {
    Work(Endpoint& endpoint_in, void (Endpoint::*call_in)()) : endpoint(endpoint_in), call(call_in) {}
    void run() override { (endpoint.*call)(); }
    Endpoint& endpoint;
    void (Endpoint::*call)();
  };
  struct Closing {
    ByteVector packet;
    TimePoint until;
    std::uint32_t heard = 0;
  };

  // HandshakeWatcher: of inbound connections
  void on_handshake_over(QuicConnection& connection) override;

  void read();
  void on_read_error(const Error& error);
  void writable();
  void clean_up();
  void dispatch(const io::Datagram& datagram, Bytes packet);
  QuicConnection* reset_by(const PacketHead& head, Bytes packet) const;
  bool repeat_close(const PacketHead& head, const io::Datagram& datagram);
  void on_undelivered(const io::Undelivered& undelivered);
  void refuse(const io::Datagram& datagram, Bytes packet, const PacketHead& head);
  void on_stranger(const io::Datagram& datagram, Bytes packet, const PacketHead& head);
  void accept(const io::Datagram& datagram, Bytes packet, const PacketHead& head, const Verdict& verdict);
  void reply(const io::Datagram& to, Bytes packet);
  bool may_reply();
  void make_room();
  void close();

  EndpointContext context_;
  EndpointOwner& owner_;
  Acceptor* acceptor_ = nullptr;
  std::unordered_map<ConnectionId, QuicConnection*, ConnectionIdHash> by_id_;
  std::unordered_map<ResetToken, QuicConnection*, ResetTokenHash> by_token_;
  std::list<std::unique_ptr<QuicConnection>> pending_;    // inbound handshakes, the oldest first
  std::vector<std::unique_ptr<QuicConnection>> retired_;  // destroyed at the end of the turn
  LruMap<ConnectionId, Closing, ConnectionIdHash> closing_;
  std::vector<QuicConnection*> waiting_for_room_;
  std::vector<QuicConnection*> awaiting_;  // dials that nobody answered yet
  std::vector<QuicConnection*> users_;
  bool open_ = true;
  double reply_tokens_;
  TimePoint replies_counted_at_;
  std::unique_ptr<std::uint8_t[]> in_, out_;
  Work reader_, writer_, cleaner_;
  io::CallbackTimer read_again_;
  std::unique_ptr<io::DatagramSocket> socket_;
};

}  // namespace starling::transport::quic
