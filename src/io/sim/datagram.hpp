// Datagrams of one simulated host: its sockets by port, and what is on its way to it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "io/ready_queue.hpp"
#include "io/sim/path.hpp"
#include "io/sim/ring.hpp"
#include "starling/io/network.hpp"

namespace starling::io::sim {

class Host;

/// A packet on its way.
struct FlyingDatagram {
  TimePoint at;
  std::uint64_t order;  // equal times arrive in the order they were sent
  Path* path;
  Endpoint from, to;
  ByteVector content;
  std::uint8_t ecn;
  bool downloaded;           // the receiver's download has been counted
  bool undelivered = false;  // word that what `to` sent to `from` led nowhere
};

class SimDatagramSocket final : public DatagramSocket {
 public:
  SimDatagramSocket(Host& host, const Endpoint& at, const DatagramOptions& options);
  ~SimDatagramSocket() override { close(); }

  Result<Datagram> try_receive(MutableBytes into) override;
  Result<std::size_t> try_send(const OutgoingDatagrams& datagrams) override;
  using DatagramSocket::try_send;
  std::optional<Undelivered> take_undelivered() override;
  QueueWait readable() override;
  QueueWait writable() override;
  void when_readable(Runnable& work) override;
  void when_writable(Runnable& work) override;
  void close() override;
  Endpoint local() const override { return local_; }

  /// False when its queue is full.
  bool receive(FlyingDatagram&& datagram);
  /// What was sent to `to` reached nobody.
  void undelivered(const Endpoint& to);
  /// The host crashed.
  void vanish();

 private:
  struct Received {
    Endpoint from;
    IpAddress to;
    std::uint8_t ecn;
    ByteVector content;
  };
  class UploadTimer final : public Timer {
   public:
    UploadTimer(Reactor& reactor, SimDatagramSocket& socket) : Timer(reactor), socket_(socket) {}

   private:
    void on_timer() override { socket_.writable_.notify(); }
    SimDatagramSocket& socket_;
  };
  bool upload_full() const;
  /// Now, or when the upload has room again; the timer is set for that.
  bool writable_now();
  bool has_news() const { return closed_ || !queue_.empty() || !undelivered_.empty(); }
  Status send_one(Bytes datagram, const OutgoingDatagrams& batch);
  bool continues(const Received& first, std::size_t taken, std::size_t room) const;
  Status check_open(Op op) const;
  void detach();

  Host& host_;
  Endpoint local_;
  DatagramOptions options_;
  bool closed_ = false, vanished_ = false;
  std::size_t queued_bytes_ = 0;
  Ring<Received> queue_;
  Ring<Undelivered> undelivered_;
  ReadyQueue readable_, writable_;
  UploadTimer upload_timer_;
};

class DatagramTable final : private Timer {
 public:
  explicit DatagramTable(Host& host);

  void add(SimDatagramSocket& socket) { sockets_[socket.local()] = &socket; }
  void remove(SimDatagramSocket& socket) { sockets_.erase(socket.local()); }
  bool conflict(const Endpoint& at) const;
  std::optional<std::uint16_t> free_port();
  void set_first_port(std::uint16_t port) { next_port_ = port; }
  /// Something on its way to this host.
  void fly(FlyingDatagram datagram);
  /// All at once, for a crash, in the order of their endpoints.
  std::vector<SimDatagramSocket*> take_sockets();

 private:
  void on_timer() override;
  void push(FlyingDatagram datagram);
  void arrive(FlyingDatagram datagram);
  void send_back(const FlyingDatagram& datagram);
  SimDatagramSocket* socket_at(const Endpoint& at) const;

  Host& host_;
  std::map<Endpoint, SimDatagramSocket*> sockets_;
  std::vector<FlyingDatagram> flying_;  // a heap, the earliest first
  std::uint64_t next_order_ = 0;
  std::uint16_t next_port_ = 0;
};

}  // namespace starling::io::sim
