#include "security/noise_symmetric.hpp"

#include <algorithm>

#include "starling/base/assert.hpp"

namespace starling::security {

using crypto::ChaChaPoly;
using crypto::noise_hkdf;
using crypto::wipe;

NoiseSymmetric::NoiseSymmetric(std::string_view protocol_name) {
  STARLING_ASSERT(protocol_name.size() <= hash_.size(), "a longer name would have to be hashed");
  std::ranges::copy(as_bytes(protocol_name), hash_.begin());
  chaining_key_ = hash_;
}

NoiseSymmetric::~NoiseSymmetric() { wipe(chaining_key_); }

void NoiseSymmetric::mix_hash(Bytes data) { hash_ = crypto::Sha256().update(hash_).update(data).finish(); }

void NoiseSymmetric::mix_key(Bytes input) {
  auto outputs = noise_hkdf<2>(chaining_key_, input);
  chaining_key_ = outputs[0];
  cipher_.emplace(outputs[1]);
  nonce_ = 0;
  for (auto& output : outputs) wipe(output);
}

Status NoiseSymmetric::encrypt_and_hash(Bytes plaintext, ByteVector& out) {
  const std::size_t start = out.size();
  if (cipher_) {
    out.resize(start + plaintext.size() + ChaChaPoly::kTagSize);
    STARLING_CHECK(cipher_->seal(next_nonce(), hash_, plaintext, MutableBytes(out).subspan(start)));
  } else {
    append(out, plaintext);
  }
  mix_hash(Bytes(out).subspan(start));
  return {};
}

Result<ByteVector> NoiseSymmetric::decrypt_and_hash(Bytes sealed) {
  const auto hash = hash_;  // of what came before: the associated data
  mix_hash(sealed);
  ByteVector plaintext = to_vector(sealed);
  if (!cipher_) return plaintext;
  STARLING_TRY(const MutableBytes opened, cipher_->open(next_nonce(), hash, plaintext));
  plaintext.resize(opened.size());
  return plaintext;
}

NoiseCiphers NoiseSymmetric::split() {
  auto outputs = noise_hkdf<2>(chaining_key_, {});
  NoiseCiphers ciphers{.from_initiator = ChaChaPoly(outputs[0]), .from_responder = ChaChaPoly(outputs[1])};
  for (auto& output : outputs) wipe(output);
  return ciphers;
}

}  // namespace starling::security
