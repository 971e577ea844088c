// The Exchange message of plaintext/2.0.0 and its framing. Values; pure.
// spec: plaintext/README.md, Messages; Message Framing
#pragma once

#include <optional>

#include "starling/base/bytes.hpp"
#include "starling/base/error.hpp"
#include "starling/crypto/keys.hpp"
#include "starling/peer/peer_id.hpp"

namespace starling::security {

/// As go-libp2p has it; an RSA-8192 key with its id needs little more than 1 KiB.
inline constexpr std::size_t kMaxExchangeBytes = std::size_t{64} * 1024;

struct Exchange {
  PeerId id;
  crypto::PublicKey key;
};

/// The message behind its length as a varint.
ByteVector encode_exchange(const crypto::PublicKey& key);
/// Takes one framed message off the front of `in`; nullopt, and nothing taken, while it is incomplete.
/// Errors: MessageTooLarge; HandshakeFailed when the message, the id or the key is missing or does not parse, or when
/// the id is not that of the key.
Result<std::optional<Exchange>> take_exchange(ByteQueue& in);

}  // namespace starling::security
