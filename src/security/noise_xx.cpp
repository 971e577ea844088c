#include "security/noise_xx.hpp"

#include <algorithm>

#include "starling/base/assert.hpp"
#include "starling/crypto/secret.hpp"

namespace starling::security {
namespace {

constexpr std::string_view kProtocolName =
    "Noise_XX_25519_ChaChaPoly_SHA256";  // spec: noise/README.md, Noise Protocol Name

Result<Bytes> take(Bytes& message, std::size_t size) {
  if (message.size() < size) return fail(ErrorCode::Truncated, Op::Secure, Origin::Remote, "Noise handshake message");
  const Bytes taken = message.first(size);
  message = message.subspan(size);
  return taken;
}

}  // namespace

NoiseXx::NoiseXx(Role role, const crypto::X25519KeyPair& local_static, Random& random, Bytes prologue)
    : role_(role), static_(local_static), random_(random), symmetric_(kProtocolName) {
  symmetric_.mix_hash(prologue);
}

Status NoiseXx::write(Bytes payload, ByteVector& out) {
  STARLING_ASSERT(may_write(), "it is the remote's turn");
  switch (next_message_) {
    case 0:
      write_ephemeral(out);
      break;
    case 1:
      write_ephemeral(out);
      STARLING_CHECK(mix_ee());
      STARLING_CHECK(write_static(out));
      STARLING_CHECK(mix_es());
      break;
    default:
      STARLING_CHECK(write_static(out));
      STARLING_CHECK(mix_se());
  }
  ++next_message_;
  return symmetric_.encrypt_and_hash(payload, out);
}

Result<ByteVector> NoiseXx::read(Bytes message) {
  STARLING_ASSERT(!finished() && !may_write(), "it is our turn");
  switch (next_message_) {
    case 0:
      STARLING_CHECK(read_ephemeral(message));
      break;
    case 1:
      STARLING_CHECK(read_ephemeral(message));
      STARLING_CHECK(mix_ee());
      STARLING_CHECK(read_static(message));
      STARLING_CHECK(mix_es());
      break;
    default:
      STARLING_CHECK(read_static(message));
      STARLING_CHECK(mix_se());
  }
  ++next_message_;
  return symmetric_.decrypt_and_hash(message);
}

void NoiseXx::write_ephemeral(ByteVector& out) {
  ephemeral_ = crypto::X25519KeyPair::generate(random_);
  append(out, ephemeral_->public_key());
  symmetric_.mix_hash(ephemeral_->public_key());
}

Status NoiseXx::write_static(ByteVector& out) { return symmetric_.encrypt_and_hash(static_.public_key(), out); }

Status NoiseXx::read_ephemeral(Bytes& message) {
  STARLING_TRY(const Bytes key, take(message, remote_ephemeral_.size()));
  std::ranges::copy(key, remote_ephemeral_.begin());
  symmetric_.mix_hash(key);
  return {};
}

Status NoiseXx::read_static(Bytes& message) {
  STARLING_TRY(const Bytes sealed, take(message, remote_static_.size() + crypto::ChaChaPoly::kTagSize));
  STARLING_TRY(const ByteVector key, symmetric_.decrypt_and_hash(sealed));
  std::ranges::copy(key, remote_static_.begin());
  return {};
}

Status NoiseXx::mix_ee() { return mix_shared(*ephemeral_, remote_ephemeral_); }

// es: the initiator's ephemeral key with the responder's static key.
Status NoiseXx::mix_es() {
  return role_ == Role::Initiator ? mix_shared(*ephemeral_, remote_static_) : mix_shared(static_, remote_ephemeral_);
}

// se: the initiator's static key with the responder's ephemeral key.
Status NoiseXx::mix_se() {
  return role_ == Role::Initiator ? mix_shared(static_, remote_ephemeral_) : mix_shared(*ephemeral_, remote_static_);
}

Status NoiseXx::mix_shared(const crypto::X25519KeyPair& local, const crypto::X25519Bytes& remote) {
  STARLING_TRY(crypto::X25519Bytes shared, local.shared_secret(remote));
  const crypto::WipeOnExit wipe_shared(shared);
  symmetric_.mix_key(shared);
  return {};
}

}  // namespace starling::security
