// Choosing the stream multiplexer inside a handshake.
// spec: connections/inlined-muxer-negotiation.md
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace starling::security {

/// A list longer than this counts as empty, as go-libp2p has it; both sides then fall back to multistream-select.
inline constexpr std::size_t kMaxRemoteMuxers = 100;

/// The first entry of the initiator's list that the responder has too, or empty: then multistream-select decides.
std::string choose_muxer(const std::vector<std::string>& initiator, const std::vector<std::string>& responder);

}  // namespace starling::security
