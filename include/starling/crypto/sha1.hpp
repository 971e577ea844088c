// SHA-1, for the one protocol that still asks for it without trusting it: WebSocket's handshake (RFC 6455).
#pragma once

#include <array>
#include <initializer_list>

#include "starling/base/bytes.hpp"

namespace starling::crypto {

using Sha1Digest = std::array<std::uint8_t, 20>;
/// The digest of the concatenation of the pieces. Not for anything that an attacker must not forge.
Sha1Digest sha1(std::initializer_list<Bytes> pieces);

}  // namespace starling::crypto
