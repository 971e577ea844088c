// Multiaddr: a self-describing network address, a sequence of protocols with values.
// spec: addressing/README.md; multiformats/multiaddr, protocols.csv. Value; canonical bytes inside.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "starling/base/bytes.hpp"
#include "starling/base/error.hpp"

namespace starling {

/// Codes of the public table.
enum class Protocol : std::uint32_t {
  Ip4 = 4,
  Tcp = 6,
  Dccp = 33,
  Ip6 = 41,
  Ip6Zone = 42,
  IpCidr = 43,
  Dns = 53,
  Dns4 = 54,
  Dns6 = 55,
  DnsAddr = 56,
  Sctp = 132,
  Udp = 273,
  P2pWebRtcStar = 275,
  P2pWebRtcDirect = 276,
  P2pStardust = 277,
  WebRtcDirect = 280,
  WebRtc = 281,
  P2pCircuit = 290,
  Udt = 301,
  Utp = 302,
  Unix = 400,
  P2p = 421,
  Https = 443,
  Onion = 444,
  Onion3 = 445,
  Garlic64 = 446,
  Garlic32 = 447,
  Tls = 448,
  Sni = 449,
  Noise = 454,
  Quic = 460,
  QuicV1 = 461,
  WebTransport = 465,
  CertHash = 466,
  Ws = 477,
  Wss = 478,
  P2pWebSocketStar = 479,
  Http = 480,
  HttpPath = 481,
  Memory = 777,
};

/// "tcp"; empty for a code that the table does not have.
std::string_view to_string(Protocol protocol);
/// The protocol of a name, "ipfs" (the old name of p2p) included.
std::optional<Protocol> protocol_from_name(std::string_view name);

class Multiaddr {
 public:
  /// One step: the protocol and its value in binary (the length prefix of variable-size values not included).
  struct Component {
    Protocol protocol;
    Bytes value;                     // into the Multiaddr
    std::string value_text() const;  // empty for protocols without a value
  };
  static constexpr std::size_t kMaxSize = 4096;  // bytes; longer input is refused

  /// The empty address.
  Multiaddr() = default;
  /// Final slashes are ignored. Errors name the part that is wrong and its place in the text: Malformed, Truncated,
  /// UnknownCode, TooLarge.
  static Result<Multiaddr> from_string(std::string_view text);
  /// Checks every value, so that what a Multiaddr holds always has a text. The empty address is refused, here and
  /// in from_string. Errors: Truncated, Malformed, NotCanonical, UnknownCode, TooLarge.
  static Result<Multiaddr> from_bytes(Bytes bytes);

  Bytes bytes() const { return bytes_; }
  std::string to_string() const;
  bool empty() const { return bytes_.empty(); }

  /// In order. The views in it live as long as this object is unchanged.
  std::vector<Component> components() const;
  bool has(Protocol protocol) const;
  /// Value of the first such component, binary or as text.
  std::optional<Bytes> value(Protocol protocol) const;
  std::optional<std::string> value_text(Protocol protocol) const;
  std::optional<std::uint16_t> port(Protocol protocol) const;  // Tcp, Udp, Sctp, Dccp

  /// This address followed by `tail`. Here and below: the empty address where the result would not be a valid one,
  /// that is over kMaxSize, or with something behind a Unix path.
  Multiaddr with(const Multiaddr& tail) const;
  /// Adds one component; `value` in binary, as in Component. Empty also for a value that the protocol does not allow.
  Multiaddr with(Protocol protocol, Bytes value = {}) const;
  /// Without the last component, if that is `protocol`; else unchanged.
  Multiaddr without_last(Protocol protocol) const;
  /// The components before the first `protocol`, and from it on; the second is empty if there is none.
  std::pair<Multiaddr, Multiaddr> split_at(Protocol protocol) const;

  friend bool operator==(const Multiaddr&, const Multiaddr&) = default;
  /// In the order of the bytes.
  friend auto operator<=>(const Multiaddr&, const Multiaddr&) = default;

 private:
  ByteVector bytes_;
};

}  // namespace starling

template <>
struct std::hash<starling::Multiaddr> {
  std::size_t operator()(const starling::Multiaddr& a) const noexcept {
    return std::hash<std::string_view>{}(starling::as_text(a.bytes()));
  }
};
