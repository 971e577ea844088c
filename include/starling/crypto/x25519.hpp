// Diffie-Hellman on Curve25519. No allocation.
// spec: RFC 7748, section 5; Noise revision 34, section 12.1.
#pragma once

#include <array>
#include <utility>

#include "starling/base/bytes.hpp"
#include "starling/base/error.hpp"
#include "starling/base/random.hpp"
#include "starling/crypto/keys.hpp"

namespace starling::crypto {

inline constexpr std::size_t kX25519Size = 32;  // of a secret, a public key and a shared secret
using X25519Bytes = std::array<std::uint8_t, kX25519Size>;

/// Resource: moved, not copied; the secret is wiped when it dies. Immutable, so safe to use from several threads.
class X25519KeyPair {
 public:
  static X25519KeyPair generate(Random& random);
  /// From 32 stored bytes; any are a valid secret.
  static X25519KeyPair from_secret(const X25519Bytes& secret);
  X25519KeyPair(X25519KeyPair&& other) noexcept : secret_(other.secret_), public_(other.public_) {
    wipe(other.secret_);
  }
  X25519KeyPair& operator=(X25519KeyPair&& other) noexcept {
    std::swap(secret_, other.secret_);
    std::swap(public_, other.public_);
    return *this;
  }
  ~X25519KeyPair() { wipe(secret_); }

  const X25519Bytes& public_key() const { return public_; }
  const X25519Bytes& secret() const { return secret_; }
  /// The secret shared with the owner of `remote` (32 bytes); the caller wipes it. Errors: BadKey if `remote` has
  /// another size or is one of the points of small order, whose result is zero.
  Result<X25519Bytes> shared_secret(Bytes remote) const;

 private:
  X25519KeyPair() = default;
  X25519Bytes secret_, public_;
};

}  // namespace starling::crypto
