#include "starling/names/servers.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "starling/io/name_client.hpp"

namespace starling::names {
namespace {

constexpr std::uint16_t kDnsPort = 53;     // RFC 1035 §4.2
constexpr std::uint16_t kHttpsPort = 443;  // RFC 9110 §4.2.2
constexpr std::size_t kMaxUrl = 2048;
constexpr std::string_view kHttps = "https://", kTemplate = "{?dns}";

std::unexpected<Error> wrong(std::string_view text, std::string_view what) {
  return fail(ErrorCode::InvalidArgument, Op::Configure, Origin::Local,
              "'" + std::string(text) + "' is not " + std::string(what));
}

struct HostPort {
  std::string host;  // without brackets
  bool bracketed = false;
  std::optional<std::uint16_t> port;
};

// "host", "host:port", "[v6]" or "[v6]:port".
std::optional<HostPort> split_port(std::string_view text) {
  HostPort parts;
  parts.bracketed = text.starts_with('[');
  const std::size_t end = parts.bracketed ? text.find(']') : text.find(':');
  if (parts.bracketed && end == std::string_view::npos) return std::nullopt;
  parts.host = text.substr(parts.bracketed ? 1 : 0, parts.bracketed ? end - 1 : end);
  std::string_view rest = end == std::string_view::npos ? std::string_view() : text.substr(end);
  if (parts.bracketed) rest.remove_prefix(1);
  if (parts.host.empty()) return std::nullopt;
  if (rest.empty()) return parts;
  if (rest.front() != ':') return std::nullopt;
  rest.remove_prefix(1);
  std::uint16_t port = 0;
  const auto [stop, error] = std::from_chars(rest.data(), rest.data() + rest.size(), port);
  if (error != std::errc() || stop != rest.data() + rest.size() || port == 0) return std::nullopt;
  parts.port = port;
  return parts;
}

// An IP address, in brackets exactly if it is of version 6, or a name that a server can be asked for.
bool is_host(const HostPort& parts) {
  if (const auto address = io::IpAddress::from_string(parts.host)) return address->is_v6() == parts.bracketed;
  const auto answer = io::answer_without_server({parts.host, io::RecordType::A});
  return !parts.bracketed && (!answer || *answer || !(answer->error() == ErrorCode::InvalidArgument));
}

bool is_visible(char c) { return c > ' ' && c < 0x7f; }

}  // namespace

Result<io::Endpoint> parse_server(std::string_view text) {
  constexpr std::string_view kForms = "a name server: write 1.2.3.4, 1.2.3.4:53 or [::1]:53";
  if (const auto bare = io::IpAddress::from_string(text)) return io::Endpoint{*bare, kDnsPort};
  const auto parts = split_port(text);
  if (!parts) return wrong(text, kForms);
  const auto address = io::IpAddress::from_string(parts->host);
  if (!address || address->is_v6() != parts->bracketed || !parts->port) return wrong(text, kForms);
  return io::Endpoint{*address, *parts->port};
}

std::string DohUrl::authority() const {
  const bool bracketed = host.find(':') != std::string::npos;
  std::string text = bracketed ? "[" + host + "]" : host;
  if (port != kHttpsPort) text += ":" + std::to_string(port);
  return text;
}

std::string DohUrl::to_string() const { return std::string(kHttps) + authority() + target; }

Result<DohUrl> parse_doh_url(std::string_view text) {
  constexpr std::string_view kForms = "an address for DNS over HTTPS: write https://HOST/dns-query";
  if (!text.starts_with(kHttps) || text.size() > kMaxUrl || !std::ranges::all_of(text, is_visible))
    return wrong(text, kForms);
  std::string_view rest = text.substr(kHttps.size());
  if (rest.ends_with(kTemplate)) rest.remove_suffix(kTemplate.size());
  if (rest.find_first_of("#@{}\\") != std::string_view::npos) return wrong(text, kForms);
  const std::size_t slash = std::min(rest.find_first_of("/?"), rest.size());
  const auto parts = split_port(rest.substr(0, slash));
  if (!parts || !is_host(*parts)) return wrong(text, kForms);
  std::string target(rest.substr(slash));
  if (target.starts_with('?')) return wrong(text, kForms);
  if (target.empty() || target == "/") target = "/dns-query";
  return DohUrl{parts->host, parts->port.value_or(kHttpsPort), std::move(target)};
}

Result<NameRoute> parse_route(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0)
    return wrong(text, "a route for names: write SUFFIX=https://HOST/dns-query or SUFFIX=1.2.3.4");
  NameRoute route;
  route.suffix = text.substr(0, equals);
  if (route.suffix.size() > 1 && route.suffix.ends_with('.')) route.suffix.pop_back();
  for (char& c : route.suffix)
    if (c >= 'A' && c <= 'Z') c = char(c + 'a' - 'A');
  std::string_view servers = text.substr(equals + 1);
  if (servers.starts_with(kHttps)) {
    STARLING_TRY(route.servers, parse_doh_url(servers));
    return route;
  }
  std::vector<io::Endpoint> endpoints;
  for (bool more = true; more;) {
    const std::size_t blank = servers.find(' ');
    STARLING_TRY(const io::Endpoint server, parse_server(servers.substr(0, blank)));
    endpoints.push_back(server);
    more = blank != std::string_view::npos;
    if (more) servers.remove_prefix(blank + 1);
  }
  route.servers = std::move(endpoints);
  return route;
}

}  // namespace starling::names
