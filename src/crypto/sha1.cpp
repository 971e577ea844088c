#define OPENSSL_SUPPRESS_DEPRECATED
#include "starling/crypto/sha1.hpp"

#include <openssl/sha.h>

namespace starling::crypto {

Sha1Digest sha1(std::initializer_list<Bytes> pieces) {
  SHA_CTX state;
  SHA1_Init(&state);
  for (const Bytes piece : pieces) SHA1_Update(&state, piece.data(), piece.size());
  Sha1Digest digest;
  SHA1_Final(digest.data(), &state);
  return digest;
}

}  // namespace starling::crypto
