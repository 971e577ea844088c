// What an address is good for: how far it reaches and which transport it means. For ranking, filters, announcements
// and limits. Pure; any thread.
// spec: RFC 6890 (special-purpose addresses); addressing/README.md, Transport multiaddrs.
#pragma once

#include <cstdint>
#include <string_view>

#include "starling/base/bytes.hpp"
#include "starling/multiformats/multiaddr.hpp"

namespace starling {

/// How far an IP address reaches.
enum class AddressScope : std::uint8_t {
  None,         // no IP address: a name, memory, a unix socket
  Unspecified,  // 0.0.0.0, ::
  Loopback,     // 127/8, ::1
  LinkLocal,    // 169.254/16, fe80::/10
  Private,      // RFC 1918, fc00::/7, fec0::/10, 64:ff9b:1::/48
  Shared,       // 100.64/10: behind a provider's NAT (CGNAT)
  Reserved,     // multicast, broadcast, documentation, benchmarks, and what nobody was given
  Public,
};

enum class TransportKind : std::uint8_t { Other, Tcp, Ws, Wss, Quic, WebTransport, WebRtc, Memory, Unix };

std::string_view to_string(AddressScope scope);  // "link-local"
std::string_view to_string(TransportKind kind);  // "quic"

/// Of 4 or 16 bytes; None for any other size. IPv6 addresses that carry an IPv4 one (mapped, NAT64, 6to4) reach as far
/// as that does.
AddressScope scope_of(Bytes ip);

/// Loopback, link-local, private or shared: means something only near its host.
bool is_local(AddressScope scope);

/// An address taken apart. Of a relayed one (/p2p-circuit) everything but `relayed` is about the way to the relay.
struct AddressTraits {
  AddressScope scope = AddressScope::None;
  TransportKind transport = TransportKind::Other;
  bool ip4 = false, ip6 = false;  // the address itself; /dns4 is neither
  bool named = false;             // starts with dns, dns4, dns6 or dnsaddr
  bool zoned = false;             // /ip6zone before the address
  bool relayed = false;
  std::uint16_t port = 0;  // TCP or UDP
  Bytes ip;                // into the Multiaddr; empty without an IP address

  bool udp() const {
    return transport == TransportKind::Quic || transport == TransportKind::WebTransport ||
           transport == TransportKind::WebRtc;
  }
  /// Each connection needs a descriptor of its own.
  bool needs_descriptor() const { return !udp() && transport != TransportKind::Memory; }
};

/// `address` must outlive the result.
AddressTraits traits_of(const Multiaddr& address);

}  // namespace starling
