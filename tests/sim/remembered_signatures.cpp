// In a simulated world one process checks the same signature once for each host that meets it: a third of the time of
// a large world. This stands before libsodium's function and answers what libsodium answered for the same bytes before.
#include <dlfcn.h>
#include <sodium.h>

#include <array>
#include <cstring>
#include <unordered_map>

namespace {

using Digest = std::array<unsigned char, crypto_hash_sha256_BYTES>;
struct FirstBytes {
  std::size_t operator()(const Digest& digest) const {
    std::size_t first;
    std::memcpy(&first, digest.data(), sizeof first);
    return first;
  }
};
using Verify = int(const unsigned char*, const unsigned char*, unsigned long long, const unsigned char*);
constexpr std::size_t kMaxRemembered = 100'000;

Digest digest_of(const unsigned char* signature, const unsigned char* message, unsigned long long size,
                 const unsigned char* key) {
  Digest digest;
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  crypto_hash_sha256_update(&state, signature, crypto_sign_BYTES);
  crypto_hash_sha256_update(&state, key, crypto_sign_PUBLICKEYBYTES);
  crypto_hash_sha256_update(&state, message, size);
  crypto_hash_sha256_final(&state, digest.data());
  return digest;
}

}  // namespace

extern "C" int crypto_sign_verify_detached(const unsigned char* signature, const unsigned char* message,
                                           unsigned long long size, const unsigned char* key) {
  static const auto libsodium = reinterpret_cast<Verify*>(dlsym(RTLD_NEXT, "crypto_sign_verify_detached"));
  thread_local std::unordered_map<Digest, int, FirstBytes> remembered;
  const Digest digest = digest_of(signature, message, size, key);
  if (const auto found = remembered.find(digest); found != remembered.end()) return found->second;
  if (remembered.size() == kMaxRemembered) remembered.clear();
  return remembered[digest] = libsodium(signature, message, size, key);
}
