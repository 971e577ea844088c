// SecretBytes: bytes that are wiped before their memory goes back. Resource: moved, not copied.
#pragma once

#include <utility>

#include "starling/base/bytes.hpp"
#include "starling/crypto/keys.hpp"

namespace starling::crypto {

/// Its size is fixed when it is made, so no growing leaves copies behind.
class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(std::size_t size) : bytes_(size) {}
  explicit SecretBytes(Bytes copied) : bytes_(to_vector(copied)) {}
  /// Takes over `bytes`: the caller's vector is empty after it.
  explicit SecretBytes(ByteVector&& bytes) : bytes_(std::move(bytes)) {}
  SecretBytes(SecretBytes&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  SecretBytes& operator=(SecretBytes&& other) noexcept {
    bytes_.swap(other.bytes_);
    return *this;
  }
  ~SecretBytes() { wipe(bytes_); }

  std::size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }
  Bytes view() const { return bytes_; }
  MutableBytes mutable_view() { return bytes_; }

 private:
  ByteVector bytes_;
};

/// Wipes a local buffer when the scope ends, on every way out.
class WipeOnExit {
 public:
  explicit WipeOnExit(MutableBytes secret) : secret_(secret) {}
  WipeOnExit(const WipeOnExit&) = delete;
  WipeOnExit& operator=(const WipeOnExit&) = delete;
  ~WipeOnExit() { wipe(secret_); }

 private:
  MutableBytes secret_;
};

}  // namespace starling::crypto
