// An established Noise connection as a Channel: records of a 2-byte length and up to 65535 bytes of ciphertext.
// spec: noise/README.md, Wire Format; Encryption and I/O
// Resource: one thread. No allocation: records are sealed straight into the outgoing queue and opened in place in the
// incoming one. Costs 80 bytes while idle.
#pragma once

#include <cstdint>

#include "starling/crypto/aead.hpp"
#include "starling/security/security.hpp"

namespace starling::security {

inline constexpr std::size_t kNoiseHeaderBytes = 2, kMaxNoiseMessage = 65535;
inline constexpr std::size_t kMaxNoisePlaintext = kMaxNoiseMessage - crypto::ChaChaPoly::kTagSize;

class NoiseChannel final : public Channel {
 public:
  /// `nonce`: the first counter of both directions; other than 0 only in tests.
  NoiseChannel(crypto::ChaChaPoly sender, crypto::ChaChaPoly receiver, std::uint64_t nonce = 0)
      : sender_(std::move(sender)), receiver_(std::move(receiver)), send_nonce_(nonce), receive_nonce_(nonce) {}

  Status seal(Bytes plaintext, ByteQueue& wire) override;
  Status open(ByteQueue& wire, PlaintextSink& sink) override;
  Status close(ByteQueue&) override { return {}; }
  bool remote_closed() const override { return false; }

 private:
  Status check_alive(Op op) const;
  Status seal_record(Bytes plaintext, MutableBytes record);
  Status open_record(MutableBytes sealed, PlaintextSink& sink);

  crypto::ChaChaPoly sender_, receiver_;
  std::uint64_t send_nonce_, receive_nonce_;
  bool dead_ = false;
};

}  // namespace starling::security
