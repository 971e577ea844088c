// Values that are hashes or keys: onion services, I2P destinations, peer ids, certificate hashes.
#include <algorithm>
#include <optional>

#include "multiformats/bit_base.hpp"
#include "multiformats/multiaddr_values.hpp"
#include "starling/multiformats/cid.hpp"
#include "starling/multiformats/multibase.hpp"
#include "starling/multiformats/multihash.hpp"

namespace starling::multiformats {
namespace {

constexpr std::size_t kOnionHost = 10, kOnion3Host = 35;                // bytes before the port
constexpr std::size_t kMinGarlic64 = 386;                               // bytes; an I2P destination is never shorter
constexpr std::size_t kGarlic32Plain = 32, kMinGarlic32Encrypted = 35;  // bytes. spec: I2P, b32encrypted
constexpr std::size_t kMaxPeerKey = 42;                                 // bytes. spec: peer-ids/peer-ids.md, Peer IDs
constexpr std::uint8_t kIdentity = 0x00, kSha2_256 = 0x12, kSha2_256Size = 32;

constexpr std::string_view kI2pCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~";
constexpr BitBase kI2pBase64{Alphabet(kI2pCharacters), 6, 4};
constexpr BitBase kI2pBase64Unpadded{Alphabet(kI2pCharacters), 6};
// The published test data has an address with left-over bits.
constexpr BitBase kI2pBase32{
    .alphabet = Alphabet("abcdefghijklmnopqrstuvwxyz234567"), .bits = 5, .any_left_over = true};

Problem append_decoded(const Result<ByteVector>& decoded, ByteVector& to, Problem problem) {
  if (!decoded) return problem;
  append(to, *decoded);
  return nullptr;
}

// "<host in base32>:<port>", the host of `Host` bytes.
template <std::size_t Host>
Problem parse_onion(std::string_view text, ByteVector& to) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return "an onion address ends in a colon and a port";
  const auto host = base32_decode(text.substr(0, colon));
  if (!host || host->size() != Host) return "not the base32 of an onion address";
  append(to, *host);
  return kPortFormat.parse(text.substr(colon + 1), to);
}

template <std::size_t Host>
void print_onion(Bytes value, std::string& to) {
  to += base32_encode(value.first(Host));
  to.push_back(':');
  kPortFormat.print(value.subspan(Host), to);
}

Problem check_onion(Bytes value) {
  return get_u16_be(value.last(2).data()) != 0 ? nullptr : "the port of an onion address is not 0";
}

// Written with padding; some implementations leave it away.
Problem parse_garlic64(std::string_view text, ByteVector& to) {
  const BitBase& base = text.size() % kI2pBase64.pad_to == 0 ? kI2pBase64 : kI2pBase64Unpadded;
  return append_decoded(bit_base_decode(base, text), to, "not I2P's base64");
}

void print_garlic64(Bytes value, std::string& to) { bit_base_encode(kI2pBase64, value, to); }

Problem check_garlic64(Bytes value) {
  return value.size() >= kMinGarlic64 ? nullptr : "an I2P destination has at least 386 bytes";
}

Problem parse_garlic32(std::string_view text, ByteVector& to) {
  return append_decoded(bit_base_decode(kI2pBase32, text), to, "not base32");
}

void print_garlic32(Bytes value, std::string& to) { bit_base_encode(kI2pBase32, value, to); }

Problem check_garlic32(Bytes value) {
  const bool fits = value.size() == kGarlic32Plain || value.size() >= kMinGarlic32Encrypted;
  return fits ? nullptr : "an I2P base32 address has 32 bytes, or 35 and more";
}

// Either form of a peer id. spec: peer-ids/peer-ids.md, String representation
Problem parse_peer(std::string_view text, ByteVector& to) {
  if (text.starts_with("Qm") || text.starts_with('1'))
    return append_decoded(base58btc_decode(text), to, "not the base58 of a peer id");
  const auto cid = Cid::from_string(text);
  if (!cid) return "neither the base58 nor the CID of a peer id";
  if (cid->codec() != Multicodec::Libp2pKey) return "the codec of the CID is not libp2p-key";
  append(to, cid->multihash().bytes());
  return nullptr;
}

void print_peer(Bytes value, std::string& to) { to += base58btc_encode(value); }

Problem check_peer(Bytes value) {
  if (value.size() < 2 || value[1] != value.size() - 2) return "not one multihash";
  if (value[0] == kSha2_256 && value[1] == kSha2_256Size) return nullptr;
  if (value[0] == kIdentity && value[1] > 0 && value[1] <= kMaxPeerKey) return nullptr;
  return "a peer id is sha2-256 or identity of at most 42 bytes";
}

Problem parse_cert_hash(std::string_view text, ByteVector& to) {
  return append_decoded(multibase_decode(text), to, "not a multibase text");
}

void print_cert_hash(Bytes value, std::string& to) { to += multibase_encode(Multibase::Base64Url, value); }

Problem check_cert_hash(Bytes value) { return Multihash::from_bytes(value) ? nullptr : "not one multihash"; }

}  // namespace

constexpr ValueFormat kOnionFormat{parse_onion<kOnionHost>, print_onion<kOnionHost>, check_onion};
constexpr ValueFormat kOnion3Format{parse_onion<kOnion3Host>, print_onion<kOnion3Host>, check_onion};
constexpr ValueFormat kGarlic64Format{parse_garlic64, print_garlic64, check_garlic64};
constexpr ValueFormat kGarlic32Format{parse_garlic32, print_garlic32, check_garlic32};
constexpr ValueFormat kPeerFormat{parse_peer, print_peer, check_peer};
constexpr ValueFormat kCertHashFormat{parse_cert_hash, print_cert_hash, check_cert_hash};

}  // namespace starling::multiformats
