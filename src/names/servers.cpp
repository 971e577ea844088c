#include "starling/names/servers.hpp"

#include <charconv>

namespace starling::names {
namespace {

constexpr std::uint16_t kDnsPort = 53;  // RFC 1035 §4.2

}  // namespace

Result<io::Endpoint> parse_server(std::string_view text) {
  const auto wrong = [&] {
    return fail(ErrorCode::InvalidArgument, Op::Configure, Origin::Local,
                "'" + std::string(text) + "' is not a name server: write 1.2.3.4, 1.2.3.4:53 or [::1]:53");
  };
  if (const auto bare = io::IpAddress::from_string(text)) return io::Endpoint{*bare, kDnsPort};
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong();
  std::string_view host = text.substr(0, colon);
  const std::string_view port_text = text.substr(colon + 1);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = io::IpAddress::from_string(host);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (!address || address->is_v6() != bracketed || error != std::errc() || port == 0 ||
      end != port_text.data() + port_text.size()) {
    return wrong();
  }
  return io::Endpoint{*address, port};
}

}  // namespace starling::names
