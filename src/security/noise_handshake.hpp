// One run of the libp2p Noise handshake: XX, framed, with libp2p identities and muxer lists in the payloads.
// spec: noise/README.md; connections/inlined-muxer-negotiation.md, Multiplexer Negotiation over Noise
// Resource: owned by a connection, one thread.
#pragma once

#include <optional>
#include <string>

#include "security/noise_identity.hpp"
#include "security/noise_xx.hpp"
#include "starling/security/security.hpp"

namespace starling::security {

class NoiseHandshake final : public Handshake {
 public:
  /// Borrows all but `config`.
  NoiseHandshake(HandshakeConfig config, const NoiseIdentity& identity, VerifiedSignatures& verified, Random& random);

  Status start(ByteQueue& out) override;
  Status receive(ByteQueue& in, ByteQueue& out) override;
  bool done() const override { return done_; }
  HandshakeOutcome take() override;

 private:
  Status advance(ByteQueue& in, ByteQueue& out);
  Status on_message(Bytes message, ByteQueue& out);
  Status on_payload(Bytes payload);
  Status send(Bytes payload, ByteQueue& out);
  Status check_identity(const NoisePayload& payload);
  ByteVector our_payload() const;

  const HandshakeConfig config_;
  const NoiseIdentity& identity_;
  VerifiedSignatures& verified_;
  NoiseXx xx_;
  std::optional<crypto::PublicKey> remote_key_;
  PeerId remote_peer_;
  std::string muxer_;
  bool dead_ = false, done_ = false;
};

}  // namespace starling::security
