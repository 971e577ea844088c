// Authenticated encryption with ChaCha20-Poly1305.
// spec: RFC 8439, section 2.8; Noise revision 34, section 12.3 (nonce).
// No allocation: an object is the key alone, 32 bytes; the cipher context is one per thread and re-keyed per record
// (29 ns), which is what keeps idle connections small. Objects may be used from any thread, one at a time.
#pragma once

#include <array>
#include <utility>

#include "starling/base/bytes.hpp"
#include "starling/base/error.hpp"
#include "starling/crypto/keys.hpp"

namespace starling::crypto {

/// Resource: moved, not copied; wiped when it dies.
class ChaChaPoly {
 public:
  static constexpr std::size_t kKeySize = 32, kNonceSize = 12, kTagSize = 16;
  using Nonce = std::array<std::uint8_t, kNonceSize>;

  /// `key` of 32 bytes is copied.
  explicit ChaChaPoly(Bytes key);
  ChaChaPoly(ChaChaPoly&& other) noexcept : key_(other.key_) { wipe(other.key_); }
  ChaChaPoly& operator=(ChaChaPoly&& other) noexcept {
    std::swap(key_, other.key_);
    return *this;
  }
  ~ChaChaPoly() { wipe(key_); }

  /// Noise's nonce: four zero bytes, then the counter in little endian. TLS and others make their own.
  static Nonce noise_nonce(std::uint64_t counter);

  /// Encrypts `plaintext` into `out`, which has plaintext.size() + kTagSize bytes and either begins where `plaintext`
  /// does or does not touch it. The caller never uses a nonce twice. Errors: Internal only.
  Status seal(const Nonce& nonce, Bytes associated, Bytes plaintext, MutableBytes out) const;

  /// Decrypts in place and returns the plaintext, the front of `sealed`. Errors: DecryptFailed; nothing of the
  /// plaintext is left in the buffer then.
  Result<MutableBytes> open(const Nonce& nonce, Bytes associated, MutableBytes sealed) const;

 private:
  std::array<std::uint8_t, kKeySize> key_;
};

}  // namespace starling::crypto
