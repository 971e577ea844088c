// The Noise handshake against a remote that knows Noise and says anything in its payload, or says anything at all.
#include "security/noise_handshake.hpp"
#include "security_fuzz_peer.hpp"

namespace {

using namespace starling;
using security::Role;

/// Frames one Noise message that carries `payload`.
void say(security::NoiseXx& xx, Bytes payload, ByteQueue& out) {
  ByteVector message(2);
  if (payload.size() > 60'000 || !xx.write(payload, message)) return;
  put_u16_be(message.data(), std::uint16_t(message.size() - 2));
  out.append(message);
}

Status hear(security::NoiseXx& xx, ByteQueue& in) {
  const std::size_t size = get_u16_be(in.view().data());
  STARLING_TRY(const ByteVector payload, xx.read(in.view().subspan(2, size)));
  in.consume(2 + size);
  return security::parse_noise_payload(payload).has_value() ? Status{}
                                                            : fail(ErrorCode::Internal, Op::Run, Origin::Bug);
}

/// The remote's payload is the fuzzer's; half the time it comes behind a true identity, so that it is read to its end.
void payload_run(security::Protocol& protocol, fuzz::Input input) {
  static const auto identity = fuzz::fixed_key(3);
  const auto random = seeded_random(7);
  const auto remote = security::NoiseIdentity::create(identity, *random).value();
  security::NoiseXx xx(Role::Initiator, remote.static_key, *random);
  ByteVector payload;
  if ((input.byte() & 1) != 0)
    payload = security::encode_noise_payload({.identity_key = remote.key_message, .identity_sig = remote.signature});
  append(payload, input.rest());
  const auto handshake = protocol.begin({.role = Role::Responder, .muxers = {"/yamux/1.0.0"}});
  ByteQueue to_us, to_remote;
  say(xx, {}, to_us);
  STARLING_ASSERT(handshake->start(to_remote) && handshake->receive(to_us, to_remote), "an honest first message");
  STARLING_ASSERT(hear(xx, to_remote), "an honest second message");
  say(xx, payload, to_us);
  (void)handshake->receive(to_us, to_remote);
  if (!handshake->done()) return;
  STARLING_ASSERT(handshake->take().remote_key == identity.public_key(), "only who signed is believed");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto random = seeded_random(1);
  static const auto protocol = security::make_noise(fuzz::fixed_key(1), *random).value();
  const Bytes bytes(data, size);
  (void)security::parse_noise_payload(bytes);
  fuzz::Input input(bytes);
  if (input.byte() < 128)
    payload_run(*protocol, input);
  else
    fuzz::feed_handshake(*protocol, input.rest());
  return 0;
}
