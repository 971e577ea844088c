// Name servers as people write them. Pure.
#pragma once

#include <string_view>

#include "starling/io/network.hpp"

namespace starling::names {

/// "1.2.3.4", "1.2.3.4:53", "::1" or "[::1]:53"; port 53 unless given. Errors: InvalidArgument.
Result<io::Endpoint> parse_server(std::string_view text);

}  // namespace starling::names
