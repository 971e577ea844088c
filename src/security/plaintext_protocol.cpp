// "/plaintext/2.0.0": identities in the open, then bytes as they are. For tests only.
// spec: plaintext/README.md
#include "security/plaintext_exchange.hpp"
#include "security/remote_identity.hpp"
#include "starling/base/assert.hpp"
#include "starling/security/security.hpp"

namespace starling::security {
namespace {

class PlaintextChannel final : public Channel {
 public:
  Status seal(Bytes plaintext, ByteQueue& wire) override {
    wire.append(plaintext);
    return {};
  }
  Status open(ByteQueue& wire, PlaintextSink& sink) override {
    if (wire.empty()) return {};
    auto status = sink.on_plaintext(wire.view());
    wire.clear();
    return status;
  }
  Status close(ByteQueue&) override { return {}; }
  bool remote_closed() const override { return false; }
};

class PlaintextHandshake final : public Handshake {
 public:
  PlaintextHandshake(std::optional<PeerId> expected, const ByteVector& exchange)
      : expected_(std::move(expected)), exchange_(exchange) {}

  Status start(ByteQueue& out) override {
    out.append(exchange_);
    return {};
  }

  Status receive(ByteQueue& in, ByteQueue&) override {
    if (dead_) return fail(ErrorCode::Closed, Op::Secure, Origin::Local, "this handshake has failed");
    if (remote_) return {};
    auto status = accept(in);
    dead_ = !status;
    return status;
  }

  bool done() const override { return remote_.has_value(); }

  HandshakeOutcome take() override {
    STARLING_ASSERT(remote_.has_value(), "take() comes after done()");
    return {.remote_peer = remote_->id,
            .remote_key = remote_->key,
            .muxer = {},
            .channel = std::make_unique<PlaintextChannel>()};
  }

 private:
  Status accept(ByteQueue& in) {
    STARLING_TRY(auto exchange, take_exchange(in));
    if (!exchange) return {};
    STARLING_CHECK(check_expected_peer(expected_, exchange->id));
    remote_ = std::move(exchange);
    return {};
  }

  const std::optional<PeerId> expected_;
  const ByteVector& exchange_;  // ours, of the protocol
  std::optional<Exchange> remote_;
  bool dead_ = false;
};

class PlaintextProtocol final : public Protocol {
 public:
  explicit PlaintextProtocol(const crypto::PublicKey& identity) : exchange_(encode_exchange(identity)) {}
  std::string_view protocol_id() const override { return "/plaintext/2.0.0"; }
  std::unique_ptr<Handshake> begin(HandshakeConfig config) override {
    return std::make_unique<PlaintextHandshake>(std::move(config.expected_peer), exchange_);
  }

 private:
  const ByteVector exchange_;
};

}  // namespace

std::unique_ptr<Protocol> make_plaintext(const crypto::PrivateKey& identity) {
  return std::make_unique<PlaintextProtocol>(identity.public_key());
}

}  // namespace starling::security
