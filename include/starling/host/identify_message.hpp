// The identify message, pure: what a peer says of itself.
// spec: identify/README.md. A reply may come in several messages that are merged (at most kMaxIdentifyMessages).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "starling/base/bytes.hpp"
#include "starling/base/error.hpp"
#include "starling/crypto/keys.hpp"
#include "starling/multiformats/multiaddr.hpp"
#include "starling/peer/certified_record.hpp"
#include "starling/peer/peer_id.hpp"

namespace starling::host {

inline constexpr std::string_view kIdentifyId = "/ipfs/id/1.0.0";
inline constexpr std::string_view kIdentifyPushId = "/ipfs/id/push/1.0.0";

inline constexpr std::size_t kMaxIdentifyMessages = 10;
inline constexpr std::size_t kMaxIdentifyMessageRead = 8u << 10;  // go and js send up to this
inline constexpr std::size_t kMaxIdentifyMessageSent = 4u << 10;  // rust reads no more, and only one message
inline constexpr std::size_t kMaxIdentifyProtocols = 1024;        // of all messages together
inline constexpr std::size_t kMaxIdentifyAddresses = 100;

struct IdentifyInfo {
  std::string protocol_version, agent_version;
  std::optional<crypto::PublicKey> public_key;
  std::vector<Multiaddr> listen_addresses;
  std::optional<Multiaddr> observed_address;  // ours, as the peer sees it; without /p2p
  std::vector<std::string> protocols;
  ByteVector signed_peer_record;               // envelope as received; empty = none
  bool peer_record_valid = false;              // its signature, its peer id and its signer agree with the connection
  std::optional<CertifiedRecord> peer_record;  // set if so
};

/// The messages to send, without length prefix: one if everything fits in 4 KiB; else the signed record, then the rest
/// of the protocols, go into further messages that peers which read only the first do without.
std::vector<ByteVector> encode_identify(const IdentifyInfo& info);
/// Merges one message into `info`. Unknown fields are skipped; addresses that do not parse are dropped. Errors:
/// Malformed, TooLarge (too many protocols or addresses).
Status merge_identify(Bytes message, IdentifyInfo& info);
/// Checks what the peer claims against the key that the connection proved; sets peer_record_valid and takes the
/// record's addresses. A record equal to `verified_record`, one of this peer's that was verified before, is not
/// verified again. Error BadKey if the public key in the message is another one.
Status check_identify(IdentifyInfo& info, const PeerId& peer, Bytes verified_record = {});

}  // namespace starling::host
