// An attacker: speaks as much of the protocol as a test wants, and then sends whatever the test likes. TCP,
// multistream, Noise; after that plaintext into the channel. Nothing is answered by itself. For a simulated or a real
// world. Resource. Threading: the world's reactor.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "muxer/yamux_frame.hpp"
#include "starling/io/network.hpp"
#include "starling/muxer/muxer.hpp"
#include "starling/security/security.hpp"
#include "starling/transport/multistream.hpp"
#include "support/sim_node.hpp"

namespace starling::testing {

/// A multistream message: length, text, newline.
std::string multistream(std::string_view text);
/// A yamux frame.
ByteVector yamux_frame(muxer::yamux::Header header, Bytes payload = {});
/// A yamux stream opened with `payload` in its first frame.
inline ByteVector yamux_open(std::uint32_t stream, std::string_view payload = {}) {
  return yamux_frame({muxer::yamux::Type::Data, muxer::yamux::kSyn, stream, std::uint32_t(payload.size())},
                     as_bytes(payload));
}

class RawPeer final : private security::PlaintextSink {
 public:
  explicit RawPeer(io::World world) : world_(world), key_(test_key(world.random)) {}

  io::Task<Status> connect(io::Endpoint to);
  /// connect(), then multistream and Noise. With `muxers` the muxer is agreed on inside the handshake; with none the
  /// channel is open and the listener waits for a multistream proposal in it.
  io::Task<Status> secure(io::Endpoint to, std::vector<std::string> muxers);

  /// Bytes as they are. Errors: those of sockets; WouldBlock is waited for.
  io::Task<Status> send(Bytes bytes);
  io::Task<Status> send(std::string_view text) { return send(as_bytes(text)); }
  /// What the channel makes of `plain`, to be sent with send().
  ByteVector sealed(Bytes plain);
  /// Through the channel.
  io::Task<Status> send_plain(Bytes bytes);
  io::Task<Status> send_plain(std::string_view text) { return send_plain(as_bytes(text)); }
  /// Reads and forgets until the other side ends the connection.
  io::Task<void> read_until_closed();
  /// Waits for the next decrypted bytes.
  io::Task<Result<ByteVector>> read_plain();
  void close() { socket_->close(); }

 private:
  io::Task<Status> read_more();
  io::Task<Status> choose_noise();
  io::Task<Status> shake_hands(std::vector<std::string> muxers);
  Status on_plaintext(Bytes plaintext) override;

  io::World world_;
  crypto::PrivateKey key_;
  std::unique_ptr<io::StreamSocket> socket_;
  std::unique_ptr<security::Protocol> noise_;
  std::unique_ptr<security::Channel> channel_;
  ByteQueue in_;
  ByteVector plain_;
};

}  // namespace starling::testing
