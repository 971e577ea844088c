// One direction of a TLS 1.3 connection after its handshake: the traffic secret, and records sealed and opened with it.
// spec: RFC 8446, sections 5.2 (record payload protection), 5.3 (nonce) and 7.2 (update of the secret)
// OpenSSL's own records cost two copies each way. These are sealed straight into the outgoing queue and opened in
// place.
#pragma once

#include <array>
#include <cstdint>

#include "security/openssl_handles.hpp"
#include "starling/base/bytes.hpp"
#include "starling/base/error.hpp"
#include "starling/crypto/secret.hpp"

namespace starling::security {

/// RFC 8446, appendix B.1.
enum class TlsContent : std::uint8_t { Invalid = 0, Alert = 21, Handshake = 22, ApplicationData = 23 };

inline constexpr std::size_t kTlsHeaderBytes = 5;
inline constexpr std::size_t kMaxTlsPlaintext = 16384;
inline constexpr std::size_t kMaxTlsRecordBody = kMaxTlsPlaintext + 256;
/// Header, type of the content, tag.
inline constexpr std::size_t kTlsRecordOverhead = kTlsHeaderBytes + 1 + 16;

/// Resource: moved, not copied; wiped when it dies; one thread.
class TlsRecordKey {
 public:
  enum class Use : std::uint8_t { Open = 0, Seal = 1 };

  /// `suite`: of TLS 1.3, with GCM or ChaCha20-Poly1305. `sequence`: how many records this secret has protected
  /// already. Errors: Internal.
  static Result<TlsRecordKey> create(Use use, std::uint16_t suite, crypto::SecretBytes traffic_secret,
                                     std::uint64_t sequence = 0);

  /// Goes on to the next secret; records count from zero again. Errors: Internal.
  Status update();
  /// As IANA numbers them: 0x1301 and so on.
  std::uint16_t suite() const;
  /// Records that the present secret has protected.
  std::uint64_t sequence() const { return sequence_; }

  /// Writes a record with `content`, which is the caller's to limit, into `record`, which is kTlsRecordOverhead longer
  /// and does not touch it. Errors: Internal.
  Status seal(TlsContent type, Bytes content, MutableBytes record);

  struct Opened {
    TlsContent type;  // Invalid if there was nothing but padding
    MutableBytes content;
  };
  /// Decrypts a whole record in place. Errors: DecryptFailed; nothing of the plaintext is left in the buffer then.
  Result<Opened> open(MutableBytes record);

 private:
  struct Suite;
  using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, OpensslFree<EVP_CIPHER_CTX_free>>;
  static constexpr std::size_t kNonceBytes = 12, kTagBytes = 16;
  using Nonce = std::array<std::uint8_t, kNonceBytes>;

  TlsRecordKey(const Suite& suite, Use use, crypto::SecretBytes secret, std::uint64_t sequence)
      : suite_(&suite), use_(use), secret_(std::move(secret)), sequence_(sequence) {}
  static const Suite* find_suite(std::uint16_t id);
  Status set_key();
  Nonce next_nonce();

  const Suite* suite_;
  Use use_;
  crypto::SecretBytes secret_;
  CipherContext cipher_;
  Nonce iv_{};
  std::uint64_t sequence_;
};

}  // namespace starling::security
