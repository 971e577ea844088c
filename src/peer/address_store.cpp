// The encoding of rows, and the store in memory.
#include "starling/peer/address_store.hpp"

#include "starling/wire/protobuf.hpp"

namespace starling {
namespace {

constexpr std::uint32_t kAddresses = 1, kRecord = 2, kAgent = 3, kProtocolVersion = 4, kProtocols = 5;
constexpr std::uint32_t kAddress = 1, kSources = 2, kLife = 3, kExpires = 4, kSuccess = 5, kFailure = 6, kFailures = 7;
constexpr std::uint64_t kMaxSeconds = std::uint64_t{1} << 33;  // the year 2242; in nanoseconds it fits an int64

Result<StoredAddress> decode_address(Bytes message) {
  StoredAddress stored;
  Bytes address;
  wire::MessageReader reader(message);
  while (reader.next()) {
    switch (reader.field()) {
      case kAddress:
        address = reader.bytes(Multiaddr::kMaxSize);
        break;
      case kSources:
        stored.sources = AddressSources(std::uint16_t(reader.varint(UINT16_MAX)));
        break;
      case kLife:
        stored.life = AddressLife(reader.varint(std::uint64_t(AddressLife::Permanent)));
        break;
      case kExpires:
        stored.expires = std::int64_t(reader.varint(kMaxSeconds));
        break;
      case kSuccess:
        stored.last_success = std::int64_t(reader.varint(kMaxSeconds));
        break;
      case kFailure:
        stored.last_failure = std::int64_t(reader.varint(kMaxSeconds));
        break;
      case kFailures:
        stored.failures = std::uint32_t(reader.varint(UINT32_MAX));
        break;
      default:
        break;
    }
  }
  STARLING_CHECK(reader.finish("address of a stored peer"));
  STARLING_TRY(stored.address, Multiaddr::from_bytes(address));
  return stored;
}

void encode_address(wire::MessageWriter& writer, const StoredAddress& stored) {
  writer.bytes(kAddress, stored.address.bytes());
  writer.varint(kSources, stored.sources.bits());
  writer.varint(kLife, std::uint64_t(stored.life));
  if (stored.expires > 0) writer.varint(kExpires, std::uint64_t(stored.expires));
  if (stored.last_success > 0) writer.varint(kSuccess, std::uint64_t(stored.last_success));
  if (stored.last_failure > 0) writer.varint(kFailure, std::uint64_t(stored.last_failure));
  if (stored.failures > 0) writer.varint(kFailures, stored.failures);
}

}  // namespace

ByteVector encode_stored_peer(const StoredPeer& row) {
  ByteVector value;
  wire::MessageWriter writer(value);
  for (const StoredAddress& stored : row.addresses)
    writer.message(kAddresses, [&](wire::MessageWriter& inner) { encode_address(inner, stored); });
  if (!row.record.empty()) writer.bytes(kRecord, row.record);
  if (!row.facts.agent_version.empty()) writer.text(kAgent, row.facts.agent_version);
  if (!row.facts.protocol_version.empty()) writer.text(kProtocolVersion, row.facts.protocol_version);
  for (const std::string& protocol : row.facts.protocols) writer.text(kProtocols, protocol);
  return value;
}

Result<StoredPeer> decode_stored_peer(const PeerId& peer, Bytes value) {
  if (value.size() > kMaxStoredPeerBytes)
    return fail(ErrorCode::TooLarge, Op::Decode, Origin::Local,
                "stored peer of " + std::to_string(value.size()) + " bytes");
  StoredPeer row;
  row.peer = peer;
  wire::MessageReader reader(value);
  while (reader.next()) {
    switch (reader.field()) {
      case kAddresses: {
        STARLING_TRY(StoredAddress stored, decode_address(reader.bytes()));
        row.addresses.push_back(std::move(stored));
        break;
      }
      case kRecord:
        row.record = to_vector(reader.bytes(SignedEnvelope::kMaxSize));
        break;
      case kAgent:
        row.facts.agent_version = reader.text();
        break;
      case kProtocolVersion:
        row.facts.protocol_version = reader.text();
        break;
      case kProtocols:
        row.facts.protocols.emplace_back(reader.text());
        break;
      default:
        break;
    }
  }
  STARLING_CHECK(reader.finish("stored peer"));
  return row;
}

Result<std::vector<StoredPeer>> MemoryAddressStore::load(std::size_t max) {
  std::vector<StoredPeer> rows;
  for (const auto& [peer, value] : rows_) {
    if (rows.size() >= max) break;
    auto row = decode_stored_peer(peer, value);
    if (row)
      rows.push_back(*std::move(row));
    else
      ++broken_rows_;
  }
  return rows;
}

Status MemoryAddressStore::write(std::span<const StoredPeer> batch) {
  for (const StoredPeer& row : batch) {
    if (row.addresses.empty())
      rows_.erase(row.peer);
    else
      rows_.insert_or_assign(row.peer, encode_stored_peer(row));
  }
  return {};
}

}  // namespace starling
