// Peer record: the addresses of a peer, signed by it. Value.
// spec: RFC/0003-routing-records.md; RFC/0002-signed-envelopes.md for the standard domain and payload type.
//
// Two pairs of domain and payload type are in use. RFC 0003's text and rust-libp2p's default have the legacy one, all
// others the standard one. Both are verified; the standard one is emitted unless the caller asks for the other
// (rust-libp2p's rendezvous points need it).
#pragma once

#include <cstdint>
#include <vector>

#include "starling/base/error.hpp"
#include "starling/crypto/keys.hpp"
#include "starling/multiformats/multiaddr.hpp"
#include "starling/peer/peer_id.hpp"
#include "starling/peer/signed_envelope.hpp"

namespace starling {

enum class PeerRecordFormat : std::uint8_t { Standard, Legacy };

struct PeerRecord {
  PeerId peer;
  std::uint64_t sequence = 0;  // a record with a higher one replaces those before; usually the time in nanoseconds
  std::vector<Multiaddr> addresses;

  /// Signs with the peer's own key. Errors: InvalidArgument (`key` is not that of `peer`), TooLarge (over 8 KiB).
  Result<SignedEnvelope> seal(const crypto::PrivateKey& key,
                              PeerRecordFormat format = PeerRecordFormat::Standard) const;
  /// Verifies and decodes an envelope of either format. Errors: UnknownCode (another payload type), BadSignature (also
  /// if the signer is another peer than the record names), and those of decoding.
  static Result<PeerRecord> open(const SignedEnvelope& envelope);
  /// The same from the envelope's encoding.
  static Result<PeerRecord> open(Bytes envelope);

  /// The record alone, unsigned. Decoding leaves out addresses that are empty or that this node cannot parse, for a
  /// peer may have protocols that we do not know. The number of addresses is bounded by the envelope's size.
  ByteVector to_protobuf() const;
  static Result<PeerRecord> from_protobuf(Bytes message);

  friend bool operator==(const PeerRecord&, const PeerRecord&) = default;
};

}  // namespace starling
