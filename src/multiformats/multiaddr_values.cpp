// Numbers, addresses and names. The overlay networks and the hashes are in multiaddr_hash_values.cpp.
#include "multiformats/multiaddr_values.hpp"

#include <charconv>

#include "multiformats/ip_text.hpp"
#include "multiformats/utf8.hpp"

namespace starling::multiformats {
namespace {

constexpr std::uint8_t kMaxPrefixLength = 128;  // bits of an IPv6 address
constexpr std::size_t kMaxDnsName = 254;        // characters, with the final dot. spec: RFC 1035 §2.3.4

Problem no_problem(Bytes) { return nullptr; }

std::uint64_t get_number(Bytes value) {
  std::uint64_t number = 0;
  for (const std::uint8_t byte : value) number = (number << 8) | byte;
  return number;
}

// Unsigned decimal numbers of `Size` bytes, big-endian in binary.
template <std::size_t Size>
Problem parse_number(std::string_view text, ByteVector& to) {
  std::uint64_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || stop != text.data() + text.size()) return "not a decimal number in range";
  if (Size < 8 && (number >> (8 * Size % 64)) != 0) return "the number is too large";
  for (std::size_t i = Size; i-- > 0;) to.push_back(std::uint8_t(number >> (8 * i)));
  return nullptr;
}

void print_number(Bytes value, std::string& to) { to += std::to_string(get_number(value)); }

Problem check_prefix_length(Bytes value) {
  return value[0] <= kMaxPrefixLength ? nullptr : "a prefix length is at most 128";
}

Problem parse_ip4_value(std::string_view text, ByteVector& to) {
  const auto bytes = parse_ip4(text);
  if (!bytes) return "not an IPv4 address";
  append(to, *bytes);
  return nullptr;
}

Problem parse_ip6_value(std::string_view text, ByteVector& to) {
  const auto bytes = parse_ip6(text);
  if (!bytes) return "not an IPv6 address";
  append(to, *bytes);
  return nullptr;
}

Problem parse_as_is(std::string_view text, ByteVector& to) {
  append(to, as_bytes(text));
  return nullptr;
}

void print_as_is(Bytes value, std::string& to) { to += as_text(value); }

// A name stands between slashes and goes to logs as it is.
Problem check_name(Bytes value) {
  const std::string_view name = as_text(value);
  if (name.empty()) return "the name is empty";
  if (name.contains('/')) return "a name has no slash";
  return is_printable_utf8(name) ? nullptr : "not printable UTF-8";
}

Problem check_dns(Bytes value) {
  if (value.size() > kMaxDnsName) return "a DNS name has at most 253 characters";
  if (as_text(value).contains(' ')) return "a DNS name has no blank";
  return check_name(value);
}

// The text of a path begins behind the slash that ends "/unix" and that is the path's own first slash.
Problem parse_unix(std::string_view text, ByteVector& to) {
  to.push_back('/');
  return parse_as_is(text, to);
}

Problem check_unix(Bytes value) {
  const std::string_view path = as_text(value);
  if (!path.starts_with('/')) return "the path does not begin with a slash";
  if (path.ends_with('/')) return "the path of a socket does not end in a slash";
  return is_printable_utf8(path) ? nullptr : "not printable UTF-8";
}

bool is_unreserved(char c) {  // spec: RFC 3986 §2.3
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~").contains(c);
}

Problem parse_percent_encoded(std::string_view text, ByteVector& to) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      to.push_back(std::uint8_t(text[i]));
      continue;
    }
    const auto byte = from_hex(text.substr(i + 1, 2));
    if (!byte || byte->size() != 1) return "two hexadecimal digits follow a percent sign";
    to.push_back(byte->front());
    i += 2;
  }
  return nullptr;
}

// Escapes more than the specification asks, since readers differ on what '+' means.
void print_percent_encoded(Bytes value, std::string& to) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (const std::uint8_t byte : value) {
    if (is_unreserved(char(byte))) {
      to.push_back(char(byte));
      continue;
    }
    to.push_back('%');
    to.push_back(kDigits[byte >> 4]);
    to.push_back(kDigits[byte & 15]);
  }
}

Problem check_http_path(Bytes value) { return value.empty() ? "the path is empty" : nullptr; }

}  // namespace

constexpr ValueFormat kIp4Format{parse_ip4_value, append_ip4, no_problem};
constexpr ValueFormat kIp6Format{parse_ip6_value, append_ip6, no_problem};
constexpr ValueFormat kPrefixLengthFormat{parse_number<1>, print_number, check_prefix_length};
constexpr ValueFormat kZoneFormat{parse_as_is, print_as_is, check_name};
constexpr ValueFormat kPortFormat{parse_number<2>, print_number, no_problem};
constexpr ValueFormat kMemoryFormat{parse_number<8>, print_number, no_problem};
constexpr ValueFormat kDnsFormat{parse_as_is, print_as_is, check_dns};
constexpr ValueFormat kUnixFormat{parse_unix, print_as_is, check_unix};
constexpr ValueFormat kHttpPathFormat{parse_percent_encoded, print_percent_encoded, check_http_path};

}  // namespace starling::multiformats
