#include "security/tls_record_key.hpp"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <algorithm>
#include <string>

#include "security/openssl_library.hpp"
#include "starling/base/assert.hpp"

namespace starling::security {
namespace {

using CipherPtr = std::unique_ptr<EVP_CIPHER, OpensslFree<EVP_CIPHER_free>>;
using KdfPtr = std::unique_ptr<EVP_KDF, OpensslFree<EVP_KDF_free>>;
using KdfContextPtr = std::unique_ptr<EVP_KDF_CTX, OpensslFree<EVP_KDF_CTX_free>>;

constexpr std::size_t kMaxKeyBytes = 32;
constexpr std::uint8_t kRecordVersion[] = {3, 3};  // RFC 8446, section 5.1: for all records but the first hello

/// HKDF-Expand-Label without a context. RFC 8446, section 7.1.
bool expand_label(std::string_view digest, Bytes secret, std::string_view label, MutableBytes out) {
  thread_local const KdfContextPtr context = [] {
    const KdfPtr kdf(EVP_KDF_fetch(tls_library(), "TLS13-KDF", nullptr));
    return KdfContextPtr(kdf ? EVP_KDF_CTX_new(kdf.get()) : nullptr);
  }();
  if (!context) return false;
  int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
  const auto octets = [](const char* name, std::string_view value) {
    return OSSL_PARAM_construct_octet_string(name, const_cast<char*>(value.data()), value.size());
  };
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, const_cast<char*>(digest.data()), digest.size()),
      octets(OSSL_KDF_PARAM_KEY, as_text(secret)),
      octets(OSSL_KDF_PARAM_PREFIX, "tls13 "),
      octets(OSSL_KDF_PARAM_LABEL, label),
      OSSL_PARAM_construct_end()};
  const bool derived = EVP_KDF_derive(context.get(), out.data(), out.size(), params) == 1;
  EVP_KDF_CTX_reset(context.get());  // it holds the secret
  return derived;
}

std::unexpected<Error> broken(Op op, std::string_view what) {
  return fail(take_openssl_error(ErrorCode::Internal, op, Origin::Bug, what));
}

}  // namespace

struct TlsRecordKey::Suite {
  std::uint16_t id;
  std::string_view digest;
  std::size_t key_bytes;
  CipherPtr cipher;
};

const TlsRecordKey::Suite* TlsRecordKey::find_suite(std::uint16_t id) {
  static const auto cipher = [](const char* name) { return CipherPtr(EVP_CIPHER_fetch(tls_library(), name, nullptr)); };
  static const Suite suites[] = {{0x1301, "SHA2-256", 16, cipher("AES-128-GCM")},
                                 {0x1302, "SHA2-384", 32, cipher("AES-256-GCM")},
                                 {0x1303, "SHA2-256", 32, cipher("ChaCha20-Poly1305")}};
  const auto* const found = std::ranges::find(suites, id, &Suite::id);
  return found == std::end(suites) || !found->cipher ? nullptr : found;
}

Result<TlsRecordKey> TlsRecordKey::create(Use use, std::uint16_t suite, crypto::SecretBytes traffic_secret,
                                          std::uint64_t sequence) {
  const Suite* const found = find_suite(suite);
  if (found == nullptr) return broken(Op::Secure, "TLS cipher suite " + std::to_string(suite));
  TlsRecordKey key(*found, use, std::move(traffic_secret), sequence);
  STARLING_CHECK(key.set_key());
  return key;
}

std::uint16_t TlsRecordKey::suite() const { return suite_->id; }

Status TlsRecordKey::set_key() {
  std::uint8_t bytes[kMaxKeyBytes];
  const MutableBytes key = MutableBytes(bytes).first(suite_->key_bytes);
  const crypto::WipeOnExit wiped(key);
  if (!cipher_) cipher_.reset(EVP_CIPHER_CTX_new());
  if (cipher_ && expand_label(suite_->digest, secret_.view(), "key", key) &&
      expand_label(suite_->digest, secret_.view(), "iv", iv_) &&
      EVP_CipherInit_ex2(cipher_.get(), suite_->cipher.get(), key.data(), iv_.data(), int(use_), nullptr) == 1)
    return {};
  cipher_.reset();  // nothing is sealed or opened with a key that does not belong to the count
  return broken(Op::Secure, "deriving a TLS key");
}

Status TlsRecordKey::update() {
  crypto::SecretBytes next(secret_.size());
  if (!expand_label(suite_->digest, secret_.view(), "traffic upd", next.mutable_view()))
    return broken(Op::Secure, "deriving the next TLS secret");
  secret_ = std::move(next);
  sequence_ = 0;
  return set_key();
}

TlsRecordKey::Nonce TlsRecordKey::next_nonce() {
  Nonce nonce = iv_;
  std::uint64_t counter = sequence_++;
  for (std::size_t i = nonce.size(); counter != 0; counter >>= 8) nonce[--i] ^= std::uint8_t(counter);
  return nonce;
}

Status TlsRecordKey::seal(TlsContent type, Bytes content, MutableBytes record) {
  STARLING_ASSERT(
      record.size() == content.size() + kTlsRecordOverhead && record.size() <= kTlsHeaderBytes + kMaxTlsRecordBody,
      "a record is 22 bytes longer than its content");
  record[0] = std::uint8_t(TlsContent::ApplicationData);
  std::ranges::copy(kRecordVersion, record.begin() + 1);
  put_u16_be(record.data() + 3, std::uint16_t(record.size() - kTlsHeaderBytes));
  const MutableBytes body = record.subspan(kTlsHeaderBytes);
  const Nonce nonce = next_nonce();
  const auto inner_type = std::uint8_t(type);
  int written = 0;
  EVP_CIPHER_CTX* const cipher = cipher_.get();
  const bool sealed =
      cipher != nullptr && EVP_CipherInit_ex2(cipher, nullptr, nullptr, nonce.data(), -1, nullptr) == 1 &&
      EVP_CipherUpdate(cipher, nullptr, &written, record.data(), int(kTlsHeaderBytes)) == 1 &&
      (content.empty() || EVP_CipherUpdate(cipher, body.data(), &written, content.data(), int(content.size())) == 1) &&
      EVP_CipherUpdate(cipher, body.data() + content.size(), &written, &inner_type, 1) == 1 &&
      EVP_CipherFinal_ex(cipher, body.data(), &written) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, int(kTagBytes), body.last(kTagBytes).data()) == 1;
  if (!sealed) return broken(Op::Encrypt, "sealing a TLS record");
  return {};
}

Result<TlsRecordKey::Opened> TlsRecordKey::open(MutableBytes record) {
  const auto refuse = [] {
    ERR_clear_error();
    return fail(ErrorCode::DecryptFailed, Op::Decrypt, Origin::Remote, "TLS record");
  };
  if (record.size() < kTlsHeaderBytes + kTagBytes) return refuse();
  const MutableBytes tag = record.last(kTagBytes);
  MutableBytes inner = record.subspan(kTlsHeaderBytes, record.size() - kTlsHeaderBytes - kTagBytes);
  const Nonce nonce = next_nonce();
  int written = 0;
  EVP_CIPHER_CTX* const cipher = cipher_.get();
  const bool opened =
      cipher != nullptr && EVP_CipherInit_ex2(cipher, nullptr, nullptr, nonce.data(), -1, nullptr) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, int(kTagBytes), tag.data()) == 1 &&
      EVP_CipherUpdate(cipher, nullptr, &written, record.data(), int(kTlsHeaderBytes)) == 1 &&
      (inner.empty() || EVP_CipherUpdate(cipher, inner.data(), &written, inner.data(), int(inner.size())) == 1) &&
      EVP_CipherFinal_ex(cipher, tag.data(), &written) == 1;
  if (!opened) {
    crypto::wipe(inner);
    return refuse();
  }
  while (!inner.empty() && inner.back() == 0) inner = inner.first(inner.size() - 1);  // padding
  if (inner.empty()) return Opened{.type = TlsContent::Invalid, .content = {}};
  return Opened{.type = TlsContent(inner.back()), .content = inner.first(inner.size() - 1)};
}

}  // namespace starling::security
