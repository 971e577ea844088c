#include "security/tls_alpn.hpp"

#include <algorithm>

namespace starling::security {
namespace {

constexpr std::size_t kMaxNameBytes = 255;

void append_name(ByteVector& to, std::string_view name) {
  to.push_back(std::uint8_t(name.size()));
  append(to, as_bytes(name));
}

bool contains(const std::vector<std::string>& muxers, Bytes name) {
  return std::ranges::find(muxers, as_text(name)) != muxers.end();
}

}  // namespace

Result<ByteVector> encode_alpn(const std::vector<std::string>& muxers) {
  ByteVector encoded;
  for (const std::string& muxer : muxers) {
    if (muxer.empty() || muxer.size() > kMaxNameBytes)
      return fail(ErrorCode::InvalidArgument, Op::Secure, Origin::Local, "a muxer id must have 1 to 255 bytes");
    append_name(encoded, muxer);
  }
  append_name(encoded, kAlpnLibp2p);
  return encoded;
}

std::optional<Bytes> select_alpn(Bytes offered, const std::vector<std::string>& muxers) {
  std::optional<Bytes> fallback;
  while (!offered.empty()) {
    const std::size_t size = offered[0];
    if (offered.size() - 1 < size) return std::nullopt;
    const Bytes name = offered.subspan(1, size);
    if (contains(muxers, name)) return name;
    if (as_text(name) == kAlpnLibp2p) fallback = name;
    offered = offered.subspan(1 + size);
  }
  return fallback;
}

Result<std::string> muxer_of_alpn(Bytes selected, const std::vector<std::string>& muxers) {
  if (selected.empty() || as_text(selected) == kAlpnLibp2p) return std::string();
  if (!contains(muxers, selected))
    return fail(ErrorCode::ProtocolViolation, Op::Secure, Origin::Remote,
                "ALPN: the peer selected what was not offered");
  return std::string(as_text(selected));
}

}  // namespace starling::security
