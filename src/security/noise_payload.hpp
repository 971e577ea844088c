// NoiseHandshakePayload: what each side says about its libp2p identity inside the Noise handshake. Values; pure.
// spec: noise/README.md, The libp2p Handshake Payload; Noise Extensions
#pragma once

#include <string>
#include <vector>

#include "starling/base/bytes.hpp"
#include "starling/base/error.hpp"

namespace starling::security {

/// Together at most a Noise message; more extension entries than these are an attack.
inline constexpr std::size_t kMaxCertHashes = 64;

struct NoiseExtensions {
  std::vector<ByteVector> webtransport_certhashes;  // multihashes
  std::vector<std::string> stream_muxers;           // in order of preference
};

struct NoisePayload {
  ByteVector identity_key;  // a PublicKey message
  ByteVector identity_sig;  // by that key, over signed_static_key()
  NoiseExtensions extensions;
};

/// Errors: Malformed; TooLarge for more than kMaxCertHashes hashes. More than kMaxRemoteMuxers muxers count as none.
Result<NoisePayload> parse_noise_payload(Bytes message);
ByteVector encode_noise_payload(const NoisePayload& payload);

/// "noise-libp2p-static-key:" and the Noise static public key: what the identity key signs.
ByteVector signed_static_key(Bytes static_public_key);

}  // namespace starling::security
