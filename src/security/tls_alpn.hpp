// Muxer negotiation in TLS: the application protocol list is the client's muxers, then "libp2p".
// spec: connections/inlined-muxer-negotiation.md, Multiplexer Negotiation over TLS. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "starling/base/bytes.hpp"
#include "starling/base/error.hpp"

namespace starling::security {

/// What a peer without early muxer negotiation offers; always the last entry of ours.
inline constexpr char kAlpnLibp2p[] = "libp2p";

/// The wire form of `muxers` and "libp2p": each entry behind its length in one byte.
/// Errors: InvalidArgument for a name that is empty or longer than 255 bytes.
Result<ByteVector> encode_alpn(const std::vector<std::string>& muxers);
/// The server's choice: the client's first entry that is one of `muxers`, else "libp2p" if offered, else nullopt.
/// The result is a view into `offered`, which the TLS library has checked to be well-formed; if not, nullopt.
std::optional<Bytes> select_alpn(Bytes offered, const std::vector<std::string>& muxers);
/// The muxer that `selected` means, empty for "libp2p" or no selection. Errors: ProtocolViolation when the remote
/// selected what was not offered.
Result<std::string> muxer_of_alpn(Bytes selected, const std::vector<std::string>& muxers);

}  // namespace starling::security
