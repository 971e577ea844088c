// An IP address with a prefix length: 10.0.0.0/8, fd00::/8. For rules about networks. Value; pure.
// spec: RFC 4632 §3.1, RFC 4291 §2.3.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "starling/base/bytes.hpp"
#include "starling/base/error.hpp"

namespace starling {

/// Whether the first `bits` of both are the same. Both have that many.
bool same_start(Bytes a, Bytes b, unsigned bits);

class IpPrefix {
 public:
  /// 0.0.0.0/0.
  IpPrefix() = default;
  /// `ip` has 4 or 16 bytes; bits behind the prefix are cleared. A length over the address's counts as its whole.
  IpPrefix(Bytes ip, std::uint8_t length);
  /// "10.0.0.0/8"; an address alone is a prefix of its full length. Errors: Malformed, InvalidArgument (the length).
  static Result<IpPrefix> from_string(std::string_view text);

  /// False for an address of the other family.
  bool contains(Bytes ip) const;
  bool is_v4() const { return v4_; }
  std::uint8_t length() const { return length_; }
  Bytes bytes() const { return {bytes_.data(), v4_ ? 4u : 16u}; }
  std::string to_string() const;

  friend bool operator==(const IpPrefix&, const IpPrefix&) = default;
  friend auto operator<=>(const IpPrefix&, const IpPrefix&) = default;

 private:
  bool v4_ = true;
  std::uint8_t length_ = 0;
  std::array<std::uint8_t, 16> bytes_{};
};

}  // namespace starling
