#include "multiformats/multiaddr_protocols.hpp"

#include <algorithm>

namespace starling::multiformats {
namespace {

constexpr ProtocolEntry flag(Protocol protocol, std::string_view name) { return {protocol, name}; }
constexpr ProtocolEntry fixed(Protocol protocol, std::string_view name, int size, const ValueFormat& format) {
  return {protocol, name, size, &format};
}
constexpr ProtocolEntry variable(Protocol protocol, std::string_view name, const ValueFormat& format) {
  return {protocol, name, kVariableSize, &format};
}

// In the order of the codes.
constexpr ProtocolEntry kProtocols[] = {
    fixed(Protocol::Ip4, "ip4", 4, kIp4Format),
    fixed(Protocol::Tcp, "tcp", 2, kPortFormat),
    fixed(Protocol::Dccp, "dccp", 2, kPortFormat),
    fixed(Protocol::Ip6, "ip6", 16, kIp6Format),
    variable(Protocol::Ip6Zone, "ip6zone", kZoneFormat),
    fixed(Protocol::IpCidr, "ipcidr", 1, kPrefixLengthFormat),
    variable(Protocol::Dns, "dns", kDnsFormat),
    variable(Protocol::Dns4, "dns4", kDnsFormat),
    variable(Protocol::Dns6, "dns6", kDnsFormat),
    variable(Protocol::DnsAddr, "dnsaddr", kDnsFormat),
    fixed(Protocol::Sctp, "sctp", 2, kPortFormat),
    fixed(Protocol::Udp, "udp", 2, kPortFormat),
    flag(Protocol::P2pWebRtcStar, "p2p-webrtc-star"),
    flag(Protocol::P2pWebRtcDirect, "p2p-webrtc-direct"),
    flag(Protocol::P2pStardust, "p2p-stardust"),
    flag(Protocol::WebRtcDirect, "webrtc-direct"),
    flag(Protocol::WebRtc, "webrtc"),
    flag(Protocol::P2pCircuit, "p2p-circuit"),
    flag(Protocol::Udt, "udt"),
    flag(Protocol::Utp, "utp"),
    {Protocol::Unix, "unix", kVariableSize, &kUnixFormat, /*is_path=*/true},
    variable(Protocol::P2p, "p2p", kPeerFormat),
    flag(Protocol::Https, "https"),
    fixed(Protocol::Onion, "onion", 12, kOnionFormat),
    fixed(Protocol::Onion3, "onion3", 37, kOnion3Format),
    variable(Protocol::Garlic64, "garlic64", kGarlic64Format),
    variable(Protocol::Garlic32, "garlic32", kGarlic32Format),
    flag(Protocol::Tls, "tls"),
    variable(Protocol::Sni, "sni", kDnsFormat),
    flag(Protocol::Noise, "noise"),
    flag(Protocol::Quic, "quic"),
    flag(Protocol::QuicV1, "quic-v1"),
    flag(Protocol::WebTransport, "webtransport"),
    variable(Protocol::CertHash, "certhash", kCertHashFormat),
    flag(Protocol::Ws, "ws"),
    flag(Protocol::Wss, "wss"),
    flag(Protocol::P2pWebSocketStar, "p2p-websocket-star"),
    flag(Protocol::Http, "http"),
    variable(Protocol::HttpPath, "http-path", kHttpPathFormat),
    fixed(Protocol::Memory, "memory", 8, kMemoryFormat),
};
static_assert(std::ranges::is_sorted(kProtocols, {}, &ProtocolEntry::protocol));

constexpr std::string_view kOldNameOfP2p = "ipfs";

}  // namespace

const ProtocolEntry* find_protocol(std::uint64_t code) {
  if (code > UINT32_MAX) return nullptr;
  const auto found = std::ranges::lower_bound(kProtocols, Protocol(code), {}, &ProtocolEntry::protocol);
  return found != std::end(kProtocols) && found->protocol == Protocol(code) ? found : nullptr;
}

const ProtocolEntry* find_protocol(std::string_view name) {
  if (name == kOldNameOfP2p) return find_protocol(std::uint64_t(Protocol::P2p));
  const auto found = std::ranges::find(kProtocols, name, &ProtocolEntry::name);
  return found != std::end(kProtocols) ? found : nullptr;
}

}  // namespace starling::multiformats
