#include "starling/multiformats/address_scope.hpp"

#include <array>

#include "starling/multiformats/ip_prefix.hpp"

namespace starling {
namespace {

struct Rule {
  std::array<std::uint8_t, 16> start;
  std::uint8_t length;
  AddressScope scope;
};

// The first that matches counts.
constexpr Rule kIp4Rules[] = {
    {{0, 0, 0, 0}, 32, AddressScope::Unspecified},
    {{0}, 8, AddressScope::Reserved},
    {{10}, 8, AddressScope::Private},
    {{100, 64}, 10, AddressScope::Shared},
    {{127}, 8, AddressScope::Loopback},
    {{169, 254}, 16, AddressScope::LinkLocal},
    {{172, 16}, 12, AddressScope::Private},
    {{192, 0, 0}, 24, AddressScope::Reserved},
    {{192, 0, 2}, 24, AddressScope::Reserved},
    {{192, 168}, 16, AddressScope::Private},
    {{198, 18}, 15, AddressScope::Reserved},
    {{198, 51, 100}, 24, AddressScope::Reserved},
    {{203, 0, 113}, 24, AddressScope::Reserved},
    {{224}, 3, AddressScope::Reserved},
};
constexpr Rule kIp6Rules[] = {
    {{}, 128, AddressScope::Unspecified},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, AddressScope::Loopback},
    {{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48, AddressScope::Private},
    {{0x20, 0x01, 0x0d, 0xb8}, 32, AddressScope::Reserved},
    {{0x3f, 0xff, 0x00}, 20, AddressScope::Reserved},
    {{0xfc}, 7, AddressScope::Private},
    {{0xfe, 0x80}, 10, AddressScope::LinkLocal},
    {{0xfe, 0xc0}, 10, AddressScope::Private},
    {{0x20}, 3, AddressScope::Public},
    {{}, 0, AddressScope::Reserved},
};

// IPv6 addresses with an IPv4 address inside, and where: mapped, NAT64, 6to4.
struct Embedding {
  std::array<std::uint8_t, 16> start;
  std::uint8_t length;
  std::size_t offset;
};
constexpr Embedding kEmbeddings[] = {
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, 12},
    {{0x00, 0x64, 0xff, 0x9b}, 96, 12},
    {{0x20, 0x02}, 16, 2},
};

AddressScope scope_of_ip4(Bytes ip) {
  for (const Rule& rule : kIp4Rules)
    if (same_start(ip, rule.start, rule.length)) return rule.scope;
  return AddressScope::Public;
}

AddressScope scope_of_ip6(Bytes ip) {
  for (const Embedding& each : kEmbeddings)
    if (same_start(ip, each.start, each.length)) return scope_of_ip4(ip.subspan(each.offset, 4));
  for (const Rule& rule : kIp6Rules)
    if (same_start(ip, rule.start, rule.length)) return rule.scope;
  return AddressScope::Reserved;
}

void add_network(AddressTraits& traits, const Multiaddr::Component& part) {
  switch (part.protocol) {
    case Protocol::Ip4:
    case Protocol::Ip6:
      (part.protocol == Protocol::Ip4 ? traits.ip4 : traits.ip6) = true;
      traits.ip = part.value;
      traits.scope = scope_of(part.value);
      break;
    case Protocol::Ip6Zone:
      traits.zoned = true;
      break;
    case Protocol::Dns:
    case Protocol::Dns4:
    case Protocol::Dns6:
    case Protocol::DnsAddr:
      traits.named = true;
      break;
    case Protocol::Tcp:
    case Protocol::Udp:
      traits.port = get_u16_be(part.value.data());
      break;
    default:
      break;
  }
}

TransportKind transport_after(TransportKind now, bool tls, Protocol protocol) {
  switch (protocol) {
    case Protocol::Tcp:
      return TransportKind::Tcp;
    case Protocol::Ws:
      return tls ? TransportKind::Wss : TransportKind::Ws;
    case Protocol::Wss:
      return TransportKind::Wss;
    case Protocol::QuicV1:
      return TransportKind::Quic;
    case Protocol::WebTransport:
      return TransportKind::WebTransport;
    case Protocol::WebRtcDirect:
    case Protocol::WebRtc:
      return TransportKind::WebRtc;
    case Protocol::Memory:
      return TransportKind::Memory;
    case Protocol::Unix:
      return TransportKind::Unix;
    default:
      return now;
  }
}

}  // namespace

std::string_view to_string(AddressScope scope) {
  constexpr std::string_view kNames[] = {"none",    "unspecified", "loopback", "link-local",
                                         "private", "shared",      "reserved", "public"};
  return kNames[std::size_t(scope)];
}

std::string_view to_string(TransportKind kind) {
  constexpr std::string_view kNames[] = {"other",        "tcp",    "ws",     "wss", "quic",
                                         "webtransport", "webrtc", "memory", "unix"};
  return kNames[std::size_t(kind)];
}

AddressScope scope_of(Bytes ip) {
  if (ip.size() == 4) return scope_of_ip4(ip);
  return ip.size() == 16 ? scope_of_ip6(ip) : AddressScope::None;
}

bool is_local(AddressScope scope) {
  return scope == AddressScope::Loopback || scope == AddressScope::LinkLocal || scope == AddressScope::Private ||
         scope == AddressScope::Shared;
}

AddressTraits traits_of(const Multiaddr& address) {
  AddressTraits traits;
  bool tls = false;
  for (const Multiaddr::Component& part : address.components()) {
    if (part.protocol == Protocol::P2pCircuit) {
      traits.relayed = true;
      break;
    }
    tls |= part.protocol == Protocol::Tls;
    traits.transport = transport_after(traits.transport, tls, part.protocol);
    add_network(traits, part);
  }
  return traits;
}

}  // namespace starling
