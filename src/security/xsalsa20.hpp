// XSalsa20 as an endless stream of bytes: any number at a time, in order. Resource of one direction of one stream.
#pragma once

#include <array>
#include <cstdint>

#include "starling/base/bytes.hpp"

namespace starling::security {

inline constexpr std::size_t kXsalsa20KeySize = 32, kXsalsa20NonceSize = 24;

class Xsalsa20 {
 public:
  Xsalsa20(Bytes key, Bytes nonce);
  Xsalsa20(const Xsalsa20&) = delete;
  Xsalsa20& operator=(const Xsalsa20&) = delete;
  ~Xsalsa20();
  /// `to` = `from` with the next bytes of the stream xored in; the same size; they may be the same place.
  void apply(Bytes from, std::uint8_t* to);

 private:
  static constexpr std::size_t kBlock = 64;
  void take_rest_of_block(Bytes& from, std::uint8_t*& to);

  std::array<std::uint8_t, kXsalsa20KeySize> key_;
  std::array<std::uint8_t, kXsalsa20NonceSize> nonce_;
  std::array<std::uint8_t, kBlock> block_;  // the last one that was begun
  std::size_t used_ = kBlock;               // of it
  std::uint64_t next_block_ = 0;
};

}  // namespace starling::security
