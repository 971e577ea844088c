#include "security/xsalsa20.hpp"

#include <algorithm>

#include "crypto/sodium.hpp"

namespace starling::security {

Xsalsa20::Xsalsa20(Bytes key, Bytes nonce) {
  crypto::ensure_sodium();
  STARLING_ASSERT(key.size() == key_.size() && nonce.size() == nonce_.size(), "a key of 32 and a nonce of 24 bytes");
  std::copy(key.begin(), key.end(), key_.begin());
  std::copy(nonce.begin(), nonce.end(), nonce_.begin());
}

Xsalsa20::~Xsalsa20() {
  sodium_memzero(key_.data(), key_.size());
  sodium_memzero(block_.data(), block_.size());
}

void Xsalsa20::take_rest_of_block(Bytes& from, std::uint8_t*& to) {
  const std::size_t count = std::min(from.size(), kBlock - used_);
  for (std::size_t i = 0; i < count; ++i) to[i] = from[i] ^ block_[used_ + i];
  used_ += count;
  from = from.subspan(count);
  to += count;
}

void Xsalsa20::apply(Bytes from, std::uint8_t* to) {
  take_rest_of_block(from, to);
  const std::size_t whole = from.size() / kBlock * kBlock;
  if (whole > 0) {
    crypto_stream_xsalsa20_xor_ic(to, from.data(), whole, nonce_.data(), next_block_, key_.data());
    next_block_ += whole / kBlock;
    from = from.subspan(whole);
    to += whole;
  }
  if (from.empty()) return;
  block_.fill(0);
  crypto_stream_xsalsa20_xor_ic(block_.data(), block_.data(), kBlock, nonce_.data(), next_block_++, key_.data());
  used_ = 0;
  take_rest_of_block(from, to);
}

}  // namespace starling::security
