// Multicodec: the public table of numbers for hashes, data formats, keys and records, and their names.
// spec: multiformats/multicodec, table.csv; the part that libp2p and IPFS use is in multicodec_codes.def. Value.
// A number without an enumerator is still a legal Multicodec: it travels through multihashes and CIDs unchanged.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace starling {

enum class Multicodec : std::uint64_t {
#define STARLING_MULTICODEC(name, code, text) name = (code),
#include "starling/multiformats/multicodec_codes.def"
#undef STARLING_MULTICODEC
};

/// "sha2-256"; empty for a code that the table here does not name.
std::string_view to_string(Multicodec code);

/// The code of a registered name; nothing for a name that the table here does not have.
std::optional<Multicodec> multicodec_from_name(std::string_view name);

}  // namespace starling
