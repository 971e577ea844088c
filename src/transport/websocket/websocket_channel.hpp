// WebSocket frames as a Channel: bytes in, binary messages out, and back. What the remote sends is handed on as it
// comes, whatever its frames and messages are; none is held. Pure machine.
// spec: RFC 6455, section 5; libp2p websockets/README.md. Limits: one frame at most `max_frame_bytes`; control frames
// 125 bytes; of the pings that wait for our pong only the last is answered (RFC 6455, section 5.5.3).
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "starling/security/security.hpp"

namespace starling::transport {

struct WebSocketFrameOptions {
  bool client = true;             // masks what it sends
  std::uint64_t max_frame_bytes;  // payload; a larger frame of the remote ends the connection
};

class WebSocketChannel final : public security::Channel {
 public:
  /// `random` makes the masks of a client; borrowed.
  WebSocketChannel(WebSocketFrameOptions options, Random& random) : options_(options), random_(random) {}

  Status seal(Bytes plaintext, ByteQueue& wire) override;
  Status open(ByteQueue& wire, security::PlaintextSink& sink) override;
  Status close(ByteQueue& wire) override;
  bool remote_closed() const override { return remote_closed_; }

  /// Status codes of RFC 6455, section 7.4.1.
  enum class Code : std::uint16_t { Normal = 1000, ProtocolError = 1002, NotAcceptable = 1003, TooBig = 1009 };

 private:
  struct Header {
    std::uint8_t opcode = 0;
    bool last = false, masked = false;
    std::uint64_t size = 0;
    std::array<std::uint8_t, 4> mask{};
    std::size_t bytes = 0;  // of the header itself
  };
  Result<std::optional<Header>> read_header(Bytes wire);
  Status check(const Header& header);
  Status check_order(const Header& header);
  Status on_payload(ByteQueue& wire, security::PlaintextSink& sink);
  Status on_control(const Header& header, MutableBytes payload);
  Status on_close(Bytes payload);
  Status break_off(Code code, ErrorCode error, std::string why);
  void write_frame(std::uint8_t opcode, Bytes payload, ByteQueue& wire);
  void write_close(ByteQueue& wire);
  void unmask(MutableBytes payload);

  WebSocketFrameOptions options_;
  Random& random_;
  std::uint64_t payload_left_ = 0;  // of the data frame that is coming in
  std::array<std::uint8_t, 4> mask_{};
  bool masked_ = false, in_message_ = false;
  std::optional<ByteVector> pong_;  // to be sent
  std::uint16_t close_code_ = std::uint16_t(Code::Normal);
  std::optional<Error> dead_;
  bool close_sent_ = false, remote_closed_ = false;
};

}  // namespace starling::transport
