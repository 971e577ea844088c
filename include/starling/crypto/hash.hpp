// SHA-256, and HMAC and HKDF over it. No allocation.
// spec: FIPS 180-4; RFC 2104 (HMAC); RFC 5869 (HKDF); Noise revision 34, section 4.3.
// Values and free functions; one Sha256 belongs to one thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>

#include "starling/base/bytes.hpp"
#include "starling/crypto/keys.hpp"

namespace starling::crypto {

inline constexpr std::size_t kSha256Size = 32, kSha256BlockSize = 64;
using Sha256Digest = std::array<std::uint8_t, kSha256Size>;

/// The digest of a whole message.
Sha256Digest sha256(Bytes message);

/// A digest of bytes that come in pieces. Value: a copy goes on by itself, which is how a common prefix is hashed once.
class Sha256 {
 public:
  Sha256();
  Sha256& update(Bytes piece);
  /// The digest of all pieces; the object then begins anew.
  Sha256Digest finish();

 private:
  static constexpr std::size_t kStateSize = 112;  // OpenSSL's SHA256_CTX, kept out of this header
  alignas(8) std::array<std::byte, kStateSize> state_;
};

/// HMAC of a message, or of the concatenation of its pieces; `key` of any size.
Sha256Digest hmac_sha256(Bytes key, Bytes message);
Sha256Digest hmac_sha256(Bytes key, std::initializer_list<Bytes> pieces);

/// RFC 5869. `out` has at most 255 * 32 bytes; more is a bug of the caller and ends the process.
Sha256Digest hkdf_extract(Bytes salt, Bytes input_key);
void hkdf_expand(const Sha256Digest& pseudo_random_key, Bytes info, MutableBytes out);

/// Noise's HKDF(chaining key, input) with two or three outputs. The caller wipes what it does not keep.
template <std::size_t Outputs>
  requires(Outputs == 2 || Outputs == 3)
std::array<Sha256Digest, Outputs> noise_hkdf(const Sha256Digest& chaining_key, Bytes input_key) {
  std::array<Sha256Digest, Outputs> outputs;
  Sha256Digest pseudo_random_key = hkdf_extract(chaining_key, input_key);
  hkdf_expand(pseudo_random_key, {}, {outputs[0].data(), Outputs * kSha256Size});
  wipe(pseudo_random_key);
  return outputs;
}

}  // namespace starling::crypto
