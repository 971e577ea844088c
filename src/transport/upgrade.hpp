// One upgrade: a connected socket, and what is between the stages that end in a security channel and the name of a
// muxer. Runs on whatever reactor carries the socket. Private to the layer.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "starling/transport/transport.hpp"

namespace starling::transport {

/// Resource; lives in the frame of the coroutine that runs it.
class Upgrade {
 public:
  /// `upgrader` and `options` are only read.
  Upgrade(const Upgrader& upgrader, const io::World& world, std::unique_ptr<io::StreamSocket> socket,
          Direction direction, const DialOptions& options);

  /// Every stage under its deadline. The error's op names the stage that failed, as `times.reached` does; the socket
  /// is closed then.
  io::Task<Status> run(const Multiaddr& remote, StageTimes& times);
  /// Where an inbound failure of the stage that runs now is counted, unless it is a timeout.
  std::uint64_t InboundCounters::* stage_counter() const { return stage_counter_; }

  // After run() has succeeded:
  security::HandshakeOutcome& outcome() { return *outcome_; }
  const std::string& security_id() const { return security_id_; }
  const std::string& muxer_id() const { return muxer_id_; }
  /// The socket, bytes read and not opened, bytes sealed and not sent, bytes opened behind the negotiation.
  std::unique_ptr<io::StreamSocket>& socket() { return socket_; }
  ByteQueue& wire_in() { return in_; }
  ByteQueue& wire_out() { return out_; }
  ByteQueue& plaintext_in() { return plain_in_; }

 private:
  io::Task<Status> choose_security();
  io::Task<Status> handshake();
  io::Task<Status> choose_muxer();
  io::Task<void> flush_last_words();
  void enter_private_network(const security::PrivateNetworkKey& key);
  bool dialing() const { return direction_ == Direction::Outbound; }
  std::vector<std::string> security_ids() const;
  std::vector<std::string> muxer_ids() const;
  void begin_handshake(std::string id);
  io::Task<Status> propose_security();
  io::Task<Status> read_more();
  io::Task<Status> write_out();
  io::Task<Status> send_sealed(ByteQueue& plain_out);
  io::Task<Status> read_plaintext();

  const Upgrader& upgrader_;
  io::World world_;
  std::unique_ptr<io::StreamSocket> socket_;
  Direction direction_;
  const DialOptions& options_;
  ByteQueue in_, out_, plain_in_;
  std::string security_id_, muxer_id_;
  std::unique_ptr<security::Handshake> handshake_;
  std::optional<security::HandshakeOutcome> outcome_;
  std::uint64_t InboundCounters::* stage_counter_ = nullptr;
  bool heard_ = false;  // the remote said something
};

}  // namespace starling::transport
