// By libsodium. OpenSSL's derivation alone is 2 to 4 us of 25 faster, but making its key objects takes that back, and
// an object from raw secret bytes computes the public key once more.
#include "starling/crypto/x25519.hpp"

#include <sodium.h>

#include "crypto/sodium.hpp"
#include "starling/crypto/secret.hpp"

namespace starling::crypto {

X25519KeyPair X25519KeyPair::generate(Random& random) {
  X25519Bytes secret;
  const WipeOnExit wipe_secret(secret);
  random.fill(secret);
  return from_secret(secret);
}

X25519KeyPair X25519KeyPair::from_secret(const X25519Bytes& secret) {
  ensure_sodium();
  X25519KeyPair pair;
  pair.secret_ = secret;
  crypto_scalarmult_base(pair.public_.data(), pair.secret_.data());
  return pair;
}

Result<X25519Bytes> X25519KeyPair::shared_secret(Bytes remote) const {
  X25519Bytes shared;
  if (remote.size() != kX25519Size || crypto_scalarmult(shared.data(), secret_.data(), remote.data()) != 0)
    return fail(ErrorCode::BadKey, Op::Secure, Origin::Remote, "X25519 public key of wrong size or small order");
  return shared;
}

}  // namespace starling::crypto
