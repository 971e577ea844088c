#include "starling/host/identify_message.hpp"

#include <algorithm>

#include "starling/peer/peer_record.hpp"
#include "starling/wire/protobuf.hpp"

namespace starling::host {
namespace {

// Field numbers of the spec's Identify message.
enum Field : std::uint32_t {
  kPublicKey = 1,
  kListenAddresses = 2,
  kProtocols = 3,
  kObservedAddress = 4,
  kProtocolVersion = 5,
  kAgentVersion = 6,
  kSignedPeerRecord = 8,
};
constexpr std::size_t kMaxVersionText = 512, kMaxProtocolText = 1024;

// Text of a stranger that will be shown to people: no control characters.
std::string printable(std::string_view text) {
  std::string safe(text);
  for (char& c : safe)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return safe;
}

ByteVector encode_message(const IdentifyInfo& info, std::size_t first_protocol, std::size_t protocols_end, bool head,
                          bool record) {
  ByteVector out;
  wire::MessageWriter writer(out);
  if (head && info.public_key) writer.bytes(kPublicKey, info.public_key->to_protobuf());
  if (head)
    for (const Multiaddr& address : info.listen_addresses) writer.bytes(kListenAddresses, address.bytes());
  for (std::size_t i = first_protocol; i < protocols_end; ++i) writer.text(kProtocols, info.protocols[i]);
  if (head && info.observed_address) writer.bytes(kObservedAddress, info.observed_address->bytes());
  if (head) writer.text(kProtocolVersion, info.protocol_version);
  if (head) writer.text(kAgentVersion, info.agent_version);
  if (record && !info.signed_peer_record.empty()) writer.bytes(kSignedPeerRecord, info.signed_peer_record);
  return out;
}

}  // namespace

std::vector<ByteVector> encode_identify(const IdentifyInfo& info) {
  std::vector<ByteVector> messages{encode_message(info, 0, info.protocols.size(), true, true)};
  if (messages[0].size() <= kMaxIdentifyMessageSent) return messages;
  messages.clear();
  std::size_t next = 0;
  for (bool head = true; head || next < info.protocols.size(); head = false) {
    std::size_t end = next;
    while (end < info.protocols.size() &&
           encode_message(info, next, end + 1, head, false).size() <= kMaxIdentifyMessageSent)
      ++end;
    if (end == next && !head) break;  // one name above the limit: nobody could read it
    messages.push_back(encode_message(info, next, end, head, false));
    next = end;
    if (messages.size() + 1 == kMaxIdentifyMessages) break;
  }
  if (!info.signed_peer_record.empty()) messages.push_back(encode_message(info, 0, 0, false, true));
  return messages;
}

Status merge_identify(Bytes message, IdentifyInfo& info) {
  wire::MessageReader reader(message);
  while (reader.next()) {
    switch (reader.field()) {
      case kPublicKey: {
        auto key = crypto::PublicKey::from_protobuf(reader.bytes());
        if (key) info.public_key = std::move(*key);
        break;
      }
      case kListenAddresses: {
        if (info.listen_addresses.size() >= kMaxIdentifyAddresses)
          return fail(ErrorCode::TooLarge, Op::Identify, Origin::Remote,
                      "more than " + std::to_string(kMaxIdentifyAddresses) + " addresses");
        auto address = Multiaddr::from_bytes(reader.bytes());
        if (address) info.listen_addresses.push_back(std::move(*address));
        break;
      }
      case kProtocols:
        if (info.protocols.size() >= kMaxIdentifyProtocols)
          return fail(ErrorCode::TooLarge, Op::Identify, Origin::Remote,
                      "more than " + std::to_string(kMaxIdentifyProtocols) + " protocols");
        info.protocols.push_back(printable(reader.text(kMaxProtocolText)));
        break;
      case kObservedAddress: {
        auto address = Multiaddr::from_bytes(reader.bytes());
        if (address) info.observed_address = address->without_last(Protocol::P2p);  // js adds our own id
        break;
      }
      case kProtocolVersion:
        info.protocol_version = printable(reader.text(kMaxVersionText));
        break;
      case kAgentVersion:
        info.agent_version = printable(reader.text(kMaxVersionText));
        break;
      case kSignedPeerRecord:
        info.signed_peer_record = to_vector(reader.bytes());
        break;
      default:
        break;
    }
  }
  return reader.finish("identify");
}

Status check_identify(IdentifyInfo& info, const PeerId& peer, Bytes verified_record) {
  if (info.public_key && !peer.matches(*info.public_key)) {
    return fail(ErrorCode::BadKey, Op::Identify, Origin::Remote,
                "the key in the message of " + peer.to_string() + " belongs to " +
                    PeerId::from_public_key(*info.public_key).to_string());
  }
  if (info.signed_peer_record.empty()) return {};
  auto certified = equal(info.signed_peer_record, verified_record) ? CertifiedRecord::from_verified(verified_record)
                                                                   : CertifiedRecord::open(info.signed_peer_record);
  info.peer_record_valid = certified && certified->record().peer == peer;
  if (!info.peer_record_valid) return {};
  info.peer_record = *std::move(certified);
  info.listen_addresses = info.peer_record->record().addresses;
  return {};
}

}  // namespace starling::host
