#include "starling/multiformats/ip_prefix.hpp"

#include <algorithm>
#include <charconv>

#include "multiformats/ip_text.hpp"
#include "starling/base/assert.hpp"

namespace starling {
namespace {

Error malformed(std::string_view text) {
  return Error(ErrorCode::Malformed, Op::Parse, Origin::Local,
               "'" + std::string(text) + "' is not a network like 10.0.0.0/8 or fd00::/8");
}

Result<std::uint8_t> parse_length(std::string_view text, std::string_view whole, unsigned most) {
  unsigned length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (error != std::errc() || end != text.data() + text.size()) return std::unexpected(malformed(whole));
  if (length <= most) return std::uint8_t(length);
  return fail(ErrorCode::InvalidArgument, Op::Parse, Origin::Local,
              "'" + std::string(whole) + "': the prefix length must be in 0 … " + std::to_string(most));
}

}  // namespace

IpPrefix::IpPrefix(Bytes ip, std::uint8_t length)
    : v4_(ip.size() == 4), length_(std::min<std::uint8_t>(length, v4_ ? 32 : 128)) {
  STARLING_ASSERT(ip.size() == 4 || ip.size() == 16, "an IP address has 4 or 16 bytes");
  std::copy(ip.begin(), ip.end(), bytes_.begin());
  const unsigned whole = length_ / 8, rest = length_ % 8;
  if (rest != 0) bytes_[whole] &= std::uint8_t(0xff00u >> rest);
  std::fill(bytes_.begin() + whole + (rest != 0), bytes_.end(), 0);
}

Result<IpPrefix> IpPrefix::from_string(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view ip = text.substr(0, slash);
  const auto make = [&](Bytes bytes) -> Result<IpPrefix> {
    const auto most = std::uint8_t(8 * bytes.size());
    if (slash == std::string_view::npos) return IpPrefix(bytes, most);
    STARLING_TRY(const std::uint8_t length, parse_length(text.substr(slash + 1), text, most));
    return IpPrefix(bytes, length);
  };
  if (const auto v4 = multiformats::parse_ip4(ip)) return make(*v4);
  if (const auto v6 = multiformats::parse_ip6(ip)) return make(*v6);
  return std::unexpected(malformed(text));
}

bool same_start(Bytes a, Bytes b, unsigned bits) {
  const unsigned whole = bits / 8, rest = bits % 8;
  if (!std::equal(a.begin(), a.begin() + whole, b.begin())) return false;
  return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

bool IpPrefix::contains(Bytes ip) const { return ip.size() == bytes().size() && same_start(ip, bytes_, length_); }

std::string IpPrefix::to_string() const {
  std::string text;
  v4_ ? multiformats::append_ip4(bytes(), text) : multiformats::append_ip6(bytes(), text);
  return text + "/" + std::to_string(length_);
}

}  // namespace starling
