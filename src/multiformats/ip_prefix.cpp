#include "starling/multiformats/ip_prefix.hpp"

#include <algorithm>
#include <charconv>

#include "multiformats/ip_text.hpp"
#include "starling/base/assert.hpp"

namespace starling {
namespace {

/// Whether the first `bits` of both are the same.
bool same_start(const std::uint8_t* a, const std::uint8_t* b, unsigned bits) {
  const unsigned whole = bits / 8, rest = bits % 8;
  if (!std::equal(a, a + whole, b)) return false;
  return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

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
  for (unsigned bit = length_; bit < 8 * ip.size(); ++bit) bytes_[bit / 8] &= std::uint8_t(~(0x80u >> (bit % 8)));
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

bool IpPrefix::contains(Bytes ip) const {
  return ip.size() == bytes().size() && same_start(ip.data(), bytes_.data(), length_);
}

std::string IpPrefix::to_string() const {
  std::string text;
  v4_ ? multiformats::append_ip4(bytes(), text) : multiformats::append_ip6(bytes(), text);
  return text + "/" + std::to_string(length_);
}

}  // namespace starling
