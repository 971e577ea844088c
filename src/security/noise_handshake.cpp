#include "security/noise_handshake.hpp"

#include "security/muxer_choice.hpp"
#include "security/noise_channel.hpp"
#include "security/noise_payload.hpp"
#include "security/remote_identity.hpp"
#include "starling/base/assert.hpp"

namespace starling::security {
namespace {

/// As HandshakeFailed, the error's code and words in its cause. A mismatch of peers says enough by itself.
Error handshake_failed(Error error, const char* what) {
  if (error.code() == ErrorCode::PeerIdMismatch) return error;
  const Origin origin = error.origin();
  return Error(ErrorCode::HandshakeFailed, Op::Secure, origin, what).caused_by(std::move(error));
}

}  // namespace

NoiseHandshake::NoiseHandshake(HandshakeConfig config, const NoiseIdentity& identity, VerifiedSignatures& verified,
                               Random& random)
    : config_(std::move(config)),
      identity_(identity),
      verified_(verified),
      xx_(config_.role, identity.static_key, random) {}

Status NoiseHandshake::start(ByteQueue& out) {
  if (config_.role == Role::Responder) return {};
  return send({}, out);
}

Status NoiseHandshake::receive(ByteQueue& in, ByteQueue& out) {
  if (dead_) return fail(ErrorCode::Closed, Op::Secure, Origin::Local, "this handshake has failed");
  auto status = advance(in, out);
  dead_ = !status;
  if (!status) return fail(handshake_failed(std::move(status).error(), "Noise"));
  return {};
}

Status NoiseHandshake::advance(ByteQueue& in, ByteQueue& out) {
  while (!done_ && in.size() >= kNoiseHeaderBytes) {
    const std::size_t size = get_u16_be(in.view().data());
    if (in.size() - kNoiseHeaderBytes < size) break;
    auto status = on_message(in.view().subspan(kNoiseHeaderBytes, size), out);
    in.consume(kNoiseHeaderBytes + size);
    STARLING_CHECK(std::move(status));
  }
  return {};
}

Status NoiseHandshake::on_message(Bytes message, ByteQueue& out) {
  const bool carries_identity = !xx_.first_message();
  STARLING_TRY(const ByteVector payload, xx_.read(message));
  // The first message is not encrypted, so nothing in it counts.
  if (carries_identity) STARLING_CHECK(on_payload(payload));
  if (xx_.may_write()) STARLING_CHECK(send(our_payload(), out));
  done_ = xx_.finished();
  return {};
}

Status NoiseHandshake::on_payload(Bytes message) {
  STARLING_TRY(const NoisePayload payload, parse_noise_payload(message));
  STARLING_CHECK(check_identity(payload));
  const auto& theirs = payload.extensions.stream_muxers;
  muxer_ =
      config_.role == Role::Initiator ? choose_muxer(config_.muxers, theirs) : choose_muxer(theirs, config_.muxers);
  return {};
}

Status NoiseHandshake::check_identity(const NoisePayload& payload) {
  STARLING_TRY(auto key, crypto::PublicKey::from_protobuf(payload.identity_key));
  STARLING_CHECK(verify_static_key(verified_, key, payload, xx_.remote_static()));
  remote_peer_ = PeerId::from_public_key(key);
  STARLING_CHECK(check_expected_peer(config_.expected_peer, remote_peer_));
  remote_key_ = std::move(key);
  return {};
}

// An initiator that has found a common muxer sends it alone, which the spec permits: then even a responder that reads
// the lists in another order arrives at the same one.
ByteVector NoiseHandshake::our_payload() const {
  NoisePayload payload{.identity_key = identity_.key_message, .identity_sig = identity_.signature};
  if (muxer_.empty())
    payload.extensions.stream_muxers = config_.muxers;
  else
    payload.extensions.stream_muxers = {muxer_};
  return encode_noise_payload(payload);
}

Status NoiseHandshake::send(Bytes payload, ByteQueue& out) {
  ByteVector message(kNoiseHeaderBytes);
  STARLING_CHECK(xx_.write(payload, message));
  if (message.size() - kNoiseHeaderBytes > kMaxNoiseMessage)
    return fail(ErrorCode::TooLarge, Op::Secure, Origin::Local, "our Noise handshake payload");
  put_u16_be(message.data(), std::uint16_t(message.size() - kNoiseHeaderBytes));
  out.append(message);
  return {};
}

HandshakeOutcome NoiseHandshake::take() {
  STARLING_ASSERT(done_, "take() is called once, after done()");
  NoiseCiphers ciphers = xx_.split();
  const bool initiator = config_.role == Role::Initiator;
  auto& sender = initiator ? ciphers.from_initiator : ciphers.from_responder;
  auto& receiver = initiator ? ciphers.from_responder : ciphers.from_initiator;
  return {.remote_peer = remote_peer_,
          .remote_key = std::move(*remote_key_),
          .muxer = std::move(muxer_),
          .channel = std::make_unique<NoiseChannel>(std::move(sender), std::move(receiver))};
}

}  // namespace starling::security
