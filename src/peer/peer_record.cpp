#include "starling/peer/peer_record.hpp"

#include <array>
#include <optional>

#include "starling/wire/protobuf.hpp"

namespace starling {
namespace {

// spec: RFC/0003-routing-records.md, Address Record Format
constexpr std::uint32_t kPeerIdField = 1, kSequenceField = 2, kAddressesField = 3;
constexpr std::uint32_t kMultiaddrField = 1;  // of AddressInfo

struct Purpose {
  std::string_view domain;
  std::string_view payload_type;
};
constexpr Purpose kStandard{"libp2p-peer-record", "\x03\x01"};  // multicodec libp2p-peer-record, big endian
constexpr Purpose kLegacy{"libp2p-routing-state", "/libp2p/routing-state-record"};

Result<Purpose> purpose_of(const SignedEnvelope& envelope) {
  for (const Purpose& purpose : {kStandard, kLegacy})
    if (as_text(envelope.payload_type()) == purpose.payload_type) return purpose;
  return fail(ErrorCode::UnknownCode, Op::Decode, Origin::Remote,
              "payload type " + to_hex(envelope.payload_type()) + " is not that of a peer record");
}

// spec: AddressInfo. Nothing for an address that is empty or of protocols unknown here.
Result<std::optional<Multiaddr>> parse_address(Bytes address_info) {
  Bytes bytes;
  wire::MessageReader reader(address_info);
  while (reader.next())
    if (reader.field() == kMultiaddrField) bytes = reader.bytes();
  STARLING_CHECK(reader.finish("address of a peer record"));
  Result<Multiaddr> address = Multiaddr::from_bytes(bytes);
  if (!address || address->empty()) return std::nullopt;
  return *std::move(address);
}

}  // namespace

ByteVector PeerRecord::to_protobuf() const {
  ByteVector message;
  wire::MessageWriter writer(message);
  writer.bytes(kPeerIdField, peer.bytes());
  if (sequence != 0) writer.varint(kSequenceField, sequence);
  for (const Multiaddr& address : addresses) {
    if (address.empty()) continue;
    writer.message(kAddressesField, [&](wire::MessageWriter& info) { info.bytes(kMultiaddrField, address.bytes()); });
  }
  return message;
}

Result<PeerRecord> PeerRecord::from_protobuf(Bytes message) {
  if (message.size() > SignedEnvelope::kMaxSize)
    return fail(ErrorCode::TooLarge, Op::Decode, Origin::Remote, "peer record above 8192 bytes");
  PeerRecord record;
  Bytes peer;
  wire::MessageReader reader(message);
  while (reader.next()) {
    switch (reader.field()) {
      case kPeerIdField:
        peer = reader.bytes();
        break;
      case kSequenceField:
        record.sequence = reader.varint();
        break;
      case kAddressesField: {
        STARLING_TRY(std::optional<Multiaddr> address, parse_address(reader.bytes()));
        if (address) record.addresses.push_back(*std::move(address));
        break;
      }
      default:
        break;  // skipped: a field of a later version
    }
  }
  STARLING_CHECK(reader.finish("peer record"));
  STARLING_TRY(record.peer, PeerId::from_bytes(peer));
  return record;
}

Result<SignedEnvelope> PeerRecord::seal(const crypto::PrivateKey& key, PeerRecordFormat format) const {
  if (!peer.matches(key.public_key()))
    return fail(ErrorCode::InvalidArgument, Op::Sign, Origin::Local, "a peer record is signed with the peer's own key");
  const Purpose& purpose = format == PeerRecordFormat::Standard ? kStandard : kLegacy;
  return SignedEnvelope::seal(key, purpose.domain, as_bytes(purpose.payload_type), to_protobuf());
}

Result<PeerRecord> PeerRecord::open(const SignedEnvelope& envelope) {
  STARLING_TRY(const Purpose purpose, purpose_of(envelope));
  STARLING_TRY(const crypto::PublicKey signer, envelope.verify(purpose.domain));
  STARLING_TRY(PeerRecord record, from_protobuf(envelope.payload()));
  if (!record.peer.matches(signer))
    return fail(
        ErrorCode::BadSignature, Op::Verify, Origin::Remote,
        "the record of " + record.peer.to_string() + " is signed by " + PeerId::from_public_key(signer).to_string());
  return record;
}

Result<PeerRecord> PeerRecord::open(Bytes envelope) {
  STARLING_TRY(const SignedEnvelope decoded, SignedEnvelope::from_protobuf(envelope));
  return open(decoded);
}

}  // namespace starling
