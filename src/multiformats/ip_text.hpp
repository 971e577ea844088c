// Text of IP addresses. spec: RFC 4291 §2.2 (reading), RFC 5952 §4 and §5 (writing); dotted decimal without zeros
// in front. Pure: no resolver, no zone, no system calls.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "starling/base/bytes.hpp"

namespace starling::multiformats {

using Ip4Bytes = std::array<std::uint8_t, 4>;
using Ip6Bytes = std::array<std::uint8_t, 16>;

std::optional<Ip4Bytes> parse_ip4(std::string_view text);
std::optional<Ip6Bytes> parse_ip6(std::string_view text);

/// Appends the canonical text; `bytes` has 4 or 16 bytes. IPv4-mapped addresses end in dotted decimal.
void append_ip4(Bytes bytes, std::string& to);
void append_ip6(Bytes bytes, std::string& to);

}  // namespace starling::multiformats
