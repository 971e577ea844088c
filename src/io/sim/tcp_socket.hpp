// The sockets a simulated host hands out for TCP: a stream socket is one end of a TcpConnection, a listener a bounded
// queue of connections that stand.
#pragma once

#include <cstdint>
#include <memory>

#include "io/ready_queue.hpp"
#include "io/sim/ring.hpp"
#include "io/sim/tcp_connection.hpp"
#include "starling/io/network.hpp"

namespace starling::io::sim {

class Host;

class SimStreamSocket final : public StreamSocket {
 public:
  /// Takes one descriptor of its host, which the caller has made sure of.
  SimStreamSocket(TcpConnection& connection, int side);
  ~SimStreamSocket() override { close(); }

  Result<std::size_t> try_read(MutableBytes into) override;
  Result<std::size_t> try_write(Bytes from) override;
  QueueWait readable() override;
  QueueWait writable() override;
  void shutdown_write() override;
  void close() override;
  Endpoint local() const override { return local_; }
  Endpoint remote() const override { return remote_; }

  void notify_readable() { readable_.notify(); }
  void notify_writable() { writable_.notify(); }
  /// The host crashed: every call fails from now on.
  void vanish();

 private:
  void detach();
  std::unexpected<Error> gone(Op op) const;

  Host& host_;
  TcpConnection* connection_;  // null when closed
  int side_;
  bool vanished_ = false;
  Endpoint local_, remote_;
  ReadyQueue readable_, writable_;
};

class SimListener final : public Listener {
 public:
  SimListener(Host& host, std::uint64_t number, const Endpoint& at, const ListenOptions& options);
  ~SimListener() override { close(); }

  Task<Result<std::unique_ptr<StreamSocket>>> accept() override;
  void close() override;
  Endpoint local() const override { return local_; }

  std::uint64_t number() const { return number_; }
  bool full() const { return waiting_.size() >= backlog_; }
  bool shares_port() const { return shares_port_; }
  /// Queues a connection that stands; false when the backlog is full.
  bool offer(TcpConnection& connection);
  /// The host crashed.
  void vanish();

 private:
  void detach();

  Host& host_;
  std::uint64_t number_;
  Endpoint local_;
  std::size_t backlog_;
  bool shares_port_;
  bool closed_ = false;
  Ring<TcpConnection*> waiting_;
  WaitQueue acceptable_;
};

}  // namespace starling::io::sim
