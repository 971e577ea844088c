#include <openssl/evp.h>

#include <memory>

#include "limits.hpp"
#include "starling/base/random.hpp"
#include "starling/crypto/aead.hpp"
#include "starling/crypto/x25519.hpp"

namespace starling::bench {
namespace {

constexpr double kSeconds = 0.3;  // for each figure
constexpr int kBatch = 16;        // operations between two looks at the clock
constexpr std::size_t kTag = 16;

// How often `once` runs in a second of one core.
template <typename F>
double per_second(F&& once) {
  const Stopwatch watch;
  double done = 0;
  while (watch.wall() < kSeconds) {
    for (int i = 0; i < kBatch; ++i) once();
    done += kBatch;
  }
  return done / watch.cpu();
}

const ByteVector& message() {
  static const ByteVector bytes(100, 7);
  return bytes;
}

double signatures(crypto::KeyType type) {
  const auto key = crypto::PrivateKey::generate(type, system_random());
  return per_second([&] { (void)key->sign(message()); });
}

double verifications(crypto::KeyType type) {
  const auto key = crypto::PrivateKey::generate(type, system_random());
  const auto signature = key->sign(message());
  return per_second([&] { (void)key->public_key().verify(message(), *signature); });
}

}  // namespace

double chacha_seal(std::size_t size) {
  const crypto::ChaChaPoly cipher(ByteVector(crypto::ChaChaPoly::kKeySize, 1));
  const ByteVector plain(size, 7);
  ByteVector sealed(size + kTag);
  std::uint64_t number = 0;
  return double(size) / kMiB *
         per_second([&] { (void)cipher.seal(crypto::ChaChaPoly::noise_nonce(number++), {}, plain, sealed); });
}

double chacha_open(std::size_t size) {
  const crypto::ChaChaPoly cipher(ByteVector(crypto::ChaChaPoly::kKeySize, 1));
  ByteVector sealed(size + kTag);
  const auto nonce = crypto::ChaChaPoly::noise_nonce(0);
  // Opened in place, the record is plaintext afterwards: from the second time on it is refused, at the same cost but
  // for the decryption. So it is sealed again, and the cost of that taken off.
  const ByteVector plain(size, 7);
  const double both = per_second([&] {
    (void)cipher.seal(nonce, {}, plain, sealed);
    (void)cipher.open(nonce, {}, sealed);
  });
  const double seal = chacha_seal(size) * kMiB / double(size);
  return double(size) / kMiB / (1 / both - 1 / seal);
}

double aes128_gcm_seal(std::size_t size) {
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(EVP_CIPHER_CTX_new(),
                                                                                EVP_CIPHER_CTX_free);
  const ByteVector key(16, 1), nonce(12, 2), plain(size, 7);
  ByteVector sealed(size + kTag);
  EVP_EncryptInit_ex(context.get(), EVP_aes_128_gcm(), nullptr, key.data(), nonce.data());
  return double(size) / kMiB * per_second([&] {
           int length = 0;
           EVP_EncryptInit_ex(context.get(), nullptr, nullptr, nullptr, nonce.data());
           EVP_EncryptUpdate(context.get(), sealed.data(), &length, plain.data(), int(size));
           EVP_EncryptFinal_ex(context.get(), sealed.data() + length, &length);
           EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, int(kTag), sealed.data() + size);
         });
}

double x25519_exchanges() {
  const auto other = crypto::X25519KeyPair::generate(system_random());
  return per_second([&] { (void)crypto::X25519KeyPair::generate(system_random()).shared_secret(other.public_key()); });
}

double ed25519_signatures() { return signatures(crypto::KeyType::Ed25519); }
double ed25519_verifications() { return verifications(crypto::KeyType::Ed25519); }
double ecdsa_signatures() { return signatures(crypto::KeyType::Ecdsa); }
double ecdsa_verifications() { return verifications(crypto::KeyType::Ecdsa); }

}  // namespace starling::bench
