// A network whose UDP sockets can move to other ports while in use, as behind a NAT that forgets its mapping. For
// tests.
#pragma once

#include <memory>
#include <vector>

#include "starling/io/name_client.hpp"

namespace starling::testing {

class RebindingNetwork final : public io::Network {
 public:
  explicit RebindingNetwork(io::Network& inner) : inner_(inner) {}

  /// Every open UDP socket gets a new port, which its user does not notice.
  void rebind() {
    for (Socket* socket : sockets_) socket->rebind();
  }

  Result<std::unique_ptr<io::Listener>> listen(const io::Endpoint& at, const io::ListenOptions& options) override {
    return inner_.listen(at, options);
  }
  io::Task<Result<std::unique_ptr<io::StreamSocket>>> connect(io::Endpoint to, io::ConnectOptions options) override {
    return inner_.connect(to, options);
  }
  using io::Network::bind_datagram;
  Result<std::unique_ptr<io::DatagramSocket>> bind_datagram(const io::Endpoint& at,
                                                            const io::DatagramOptions& options) override {
    STARLING_TRY(auto socket, inner_.bind_datagram(at, options));
    return std::make_unique<Socket>(*this, std::move(socket), options);
  }
  std::unique_ptr<io::NameClient> make_name_client(const io::NameClientOptions& options) override {
    return inner_.make_name_client(options);
  }
  Result<std::vector<io::Interface>> interfaces() override { return inner_.interfaces(); }

 private:
  class Socket final : public io::DatagramSocket {
   public:
    Socket(RebindingNetwork& network, std::unique_ptr<io::DatagramSocket> inner, const io::DatagramOptions& options)
        : network_(network), options_(options), local_(inner->local()), inner_(std::move(inner)) {
      network_.sockets_.push_back(this);
    }
    ~Socket() override { std::erase(network_.sockets_, this); }
    void rebind() {
      inner_ = std::move(*network_.inner_.bind_datagram({local_.address, 0}, options_));
      if (reader_ != nullptr) inner_->when_readable(*reader_);
    }
    Result<io::Datagram> try_receive(MutableBytes into) override { return inner_->try_receive(into); }
    Result<std::size_t> try_send(const io::OutgoingDatagrams& datagrams) override {
      return inner_->try_send(datagrams);
    }
    std::optional<io::Undelivered> take_undelivered() override { return inner_->take_undelivered(); }
    io::QueueWait readable() override { return inner_->readable(); }
    io::QueueWait writable() override { return inner_->writable(); }
    void when_readable(io::Runnable& work) override {
      reader_ = &work;
      inner_->when_readable(work);
    }
    void when_writable(io::Runnable& work) override { inner_->when_writable(work); }
    void close() override { inner_->close(); }
    io::Endpoint local() const override { return local_; }

   private:
    RebindingNetwork& network_;
    io::DatagramOptions options_;
    io::Endpoint local_;
    std::unique_ptr<io::DatagramSocket> inner_;
    io::Runnable* reader_ = nullptr;
  };

  io::Network& inner_;
  std::vector<Socket*> sockets_;
};

}  // namespace starling::testing
