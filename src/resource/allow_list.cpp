#include "starling/resource/allow_list.hpp"

#include <algorithm>
#include <cstring>

namespace starling::resource {
namespace {

constexpr std::uint8_t kMappedPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};  // RFC 4291, 2.5.5.2

io::IpAddress address_of(Bytes bytes) {
  if (bytes.size() == 4) {
    std::array<std::uint8_t, 4> v4{};
    std::copy(bytes.begin(), bytes.end(), v4.begin());
    return io::IpAddress::v4(v4);
  }
  std::array<std::uint8_t, 16> v6{};
  std::copy_n(bytes.begin(), std::min<std::size_t>(16, bytes.size()), v6.begin());
  return io::IpAddress::v6(v6);
}

}  // namespace

io::IpAddress unmapped(const io::IpAddress& address) {
  if (address.is_v4()) return address;
  const Bytes bytes = address.bytes();
  if (std::memcmp(bytes.data(), kMappedPrefix, sizeof kMappedPrefix) == 0) return address_of(bytes.subspan(12));
  return address_of(bytes);
}

Prefix Prefix::of(const io::IpAddress& address, std::uint8_t bits) {
  const io::IpAddress plain = unmapped(address);
  ByteVector bytes = to_vector(plain.bytes());
  const std::size_t kept = std::min<std::size_t>(bits, bytes.size() * 8);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::size_t in_byte = std::clamp<std::ptrdiff_t>(std::ptrdiff_t(kept) - std::ptrdiff_t(i * 8), 0, 8);
    bytes[i] &= std::uint8_t(0xff00 >> in_byte);
  }
  return {address_of(bytes), std::uint8_t(kept)};
}

bool Prefix::contains(const io::IpAddress& other) const {
  const Prefix same = of(other, bits);
  return same.address == address && same.bits == bits;
}

std::string Prefix::to_string() const { return address.to_string() + "/" + std::to_string(bits); }

std::size_t PrefixHash::operator()(const Prefix& prefix) const noexcept {
  return std::hash<std::string_view>{}(as_text(prefix.address.bytes())) * 131 + prefix.bits;
}

Result<AllowRule> AllowRule::from_multiaddr(const Multiaddr& address) {
  const auto wrong = [&] {
    return fail(ErrorCode::InvalidArgument, Op::Configure, Origin::Local,
                address.to_string() + ": not /ip4/ADDRESS or /ip6/ADDRESS, with /ipcidr/BITS and /p2p/PEER or without");
  };
  const auto parts = address.components();
  if (parts.empty() || (parts[0].protocol != Protocol::Ip4 && parts[0].protocol != Protocol::Ip6)) return wrong();
  const io::IpAddress ip = address_of(parts[0].value);
  AllowRule rule{Prefix::of(ip, 128), std::nullopt};
  std::size_t next = 1;
  if (next < parts.size() && parts[next].protocol == Protocol::IpCidr)
    rule.prefix = Prefix::of(ip, parts[next++].value[0]);
  if (next < parts.size() && parts[next].protocol == Protocol::P2p) {
    STARLING_TRY(rule.peer, PeerId::from_bytes(parts[next++].value));
  }
  if (next != parts.size()) return wrong();
  return rule;
}

std::string AllowRule::to_string() const {
  return prefix.to_string() + (peer ? " for " + peer->to_string() : std::string());
}

bool AllowList::may_be_allowed(const io::IpAddress& address) const {
  return std::any_of(rules_.begin(), rules_.end(),
                     [&](const AllowRule& rule) { return rule.prefix.contains(address); });
}

bool AllowList::allows(const io::IpAddress& address, const PeerId& peer) const {
  return std::any_of(rules_.begin(), rules_.end(), [&](const AllowRule& rule) {
    return rule.prefix.contains(address) && (!rule.peer || *rule.peer == peer);
  });
}

}  // namespace starling::resource
