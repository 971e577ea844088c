// Name servers as people write them. Pure.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "starling/io/network.hpp"

namespace starling::names {

/// "1.2.3.4", "1.2.3.4:53", "::1" or "[::1]:53"; port 53 unless given. Errors: InvalidArgument.
Result<io::Endpoint> parse_server(std::string_view text);

/// A server for DNS over HTTPS. Value.
struct DohUrl {
  std::string host;  // a DNS name, or an IP address without brackets
  std::uint16_t port = 443;
  std::string target;  // path and query: "/dns-query"
  std::string to_string() const;
  std::string authority() const;  // for the Host header: port and brackets where needed
  friend bool operator==(const DohUrl&, const DohUrl&) = default;
};
/// "https://host[:port][/path]"; the path is /dns-query unless given. A final "{?dns}" (RFC 8484 §3) is left out:
/// queries are posted. Errors: InvalidArgument.
Result<DohUrl> parse_doh_url(std::string_view text);

/// Which servers are asked for the names below a suffix.
struct NameRoute {
  std::string suffix;  // "." for all, or as in Resolver: "eth"
  std::variant<DohUrl, std::vector<io::Endpoint>> servers;
};
/// "SUFFIX=https://…" or "SUFFIX=1.2.3.4 [::1]:53"; the suffix with or without a final dot. Errors: InvalidArgument.
Result<NameRoute> parse_route(std::string_view text);

}  // namespace starling::names
