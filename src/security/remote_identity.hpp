// What all three protocols do with the identity the remote side proved: compare it with the peer that was dialed.
#pragma once

#include <optional>

#include "starling/base/error.hpp"
#include "starling/peer/peer_id.hpp"

namespace starling::security {

/// Ok when nobody in particular was expected or `actual` is that peer. Otherwise PeerIdMismatch; its detail names both.
Status check_expected_peer(const std::optional<PeerId>& expected, const PeerId& actual);

}  // namespace starling::security
