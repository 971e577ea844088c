// The XX handshake pattern of Noise: who sends which key in which message. Knows nothing of libp2p.
// spec: Noise revision 34, sections 5.3 and 7.5; noise/README.md, XX
//
//     -> e              message 0
//     <- e, ee, s, es   message 1
//     -> s, se          message 2
//
// Resource: one handshake, one thread.
#pragma once

#include <optional>

#include "security/noise_symmetric.hpp"
#include "starling/base/random.hpp"
#include "starling/crypto/x25519.hpp"
#include "starling/security/security.hpp"

namespace starling::security {

class NoiseXx {
 public:
  /// Borrows the static key and `random` (32 bytes are drawn, for the ephemeral key). libp2p's prologue is empty.
  NoiseXx(Role role, const crypto::X25519KeyPair& local_static, Random& random, Bytes prologue = {});

  bool finished() const { return next_message_ == kMessages; }
  bool first_message() const { return next_message_ == 0; }
  bool may_write() const { return !finished() && (next_message_ % 2 == 0) == (role_ == Role::Initiator); }

  /// Appends the next message, without framing, with `payload` in it. Only when may_write().
  Status write(Bytes payload, ByteVector& out);
  /// Takes the remote's next message and returns its payload. Only when neither finished() nor may_write(). After an
  /// error the handshake is of no more use. Errors: Truncated, BadKey, DecryptFailed.
  Result<ByteVector> read(Bytes message);

  /// The remote's static key, after it came (message 1 or 2).
  const crypto::X25519Bytes& remote_static() const { return remote_static_; }
  const crypto::Sha256Digest& hash() const { return symmetric_.hash(); }
  /// After finished(), once.
  NoiseCiphers split() { return symmetric_.split(); }

 private:
  static constexpr int kMessages = 3;

  void write_ephemeral(ByteVector& out);
  Status write_static(ByteVector& out);
  Status read_ephemeral(Bytes& message);
  Status read_static(Bytes& message);
  Status mix_ee();
  Status mix_es();
  Status mix_se();
  Status mix_shared(const crypto::X25519KeyPair& local, const crypto::X25519Bytes& remote);

  const Role role_;
  const crypto::X25519KeyPair& static_;
  Random& random_;
  NoiseSymmetric symmetric_;
  std::optional<crypto::X25519KeyPair> ephemeral_;
  crypto::X25519Bytes remote_ephemeral_{}, remote_static_{};
  int next_message_ = 0;
};

}  // namespace starling::security
