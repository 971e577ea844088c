// A byte stream inside a byte stream: what is written goes through a security::Channel into the inner socket, what is
// read comes out of it the other way. Private networks, web TLS and WebSocket are such channels; they stack.
//
// Bytes that were sealed leave before try_write() says they are taken, so nothing waits in here for somebody to flush
// it. A caller that got WouldBlock therefore offers the same bytes again first, as all writers of queues do.
// Resource; one reactor's thread.
#pragma once

#include <memory>
#include <optional>

#include "starling/io/network.hpp"
#include "starling/security/security.hpp"

namespace starling::transport {

class ChannelSocket final : public io::StreamSocket, private security::PlaintextSink, private io::Runnable {
 public:
  /// `received`: what came behind the handshake and belongs to the channel already. `unsent`: what is to leave first.
  ChannelSocket(io::Reactor& reactor, std::unique_ptr<io::StreamSocket> inner,
                std::unique_ptr<security::Channel> channel, ByteQueue received = {}, ByteQueue unsent = {});

  Result<std::size_t> try_read(MutableBytes into) override;
  Result<std::size_t> try_write(Bytes from) override;
  io::QueueWait readable() override;
  io::QueueWait writable() override { return inner_->writable(); }
  /// The channel's farewell, then the inner socket's.
  void shutdown_write() override;
  void close() override;
  io::Endpoint local() const override { return inner_->local(); }
  io::Endpoint remote() const override { return inner_->remote(); }

  /// For a socket that moves to another reactor, when nobody waits in it: its inner one must move, too.
  std::unique_ptr<io::StreamSocket>& inner() { return inner_; }
  void move_to(io::Reactor& reactor) { reactor_ = &reactor; }

 private:
  Status on_plaintext(Bytes plaintext) override;
  void run() override { again_.notify_all(); }
  bool read_some();
  void open_received();
  Status flush();
  void fail_with(Error error);
  void take_decoded();

  io::Reactor* reactor_;
  std::unique_ptr<io::StreamSocket> inner_;
  std::unique_ptr<security::Channel> channel_;
  ByteQueue received_, decoded_, unsent_;
  MutableBytes room_;        // of the reader that is in try_read()
  std::size_t claimed_ = 0;  // bytes of the writer that are sealed, were not all sent, and not yet called taken
  std::optional<Error> failed_;
  bool more_ = false;  // the inner socket may have more to read now
  bool ended_ = false, write_ended_ = false, inner_ended_ = false, closed_ = false;
  io::WaitQueue again_;  // wakes a reader for whom something is here already
};

}  // namespace starling::transport
