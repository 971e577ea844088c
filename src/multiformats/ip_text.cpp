#include "multiformats/ip_text.hpp"

#include <algorithm>
#include <charconv>

namespace starling::multiformats {
namespace {

constexpr std::size_t kGroups = 8;  // of 16 bits in an IPv6 address
constexpr std::uint8_t kMappedPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

template <typename T>
std::optional<T> parse_number(std::string_view text, int base, std::size_t most_digits) {
  T value{};
  if (text.empty() || text.size() > most_digits) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Cuts the text up to `separator` (or all of it) off the front; tells whether the separator was there.
std::string_view cut(std::string_view& text, char separator, bool& found) {
  const std::size_t at = text.find(separator);
  found = at != std::string_view::npos;
  const std::string_view part = text.substr(0, at);
  text.remove_prefix(found ? at + 1 : text.size());
  return part;
}

struct Groups {
  std::array<std::uint16_t, kGroups> values{};
  std::size_t count = 0;
};

// Groups between colons, the last two perhaps in dotted decimal. Nothing at all is no groups.
std::optional<Groups> parse_groups(std::string_view text, bool may_end_dotted) {
  Groups groups;
  for (bool more = !text.empty(); more;) {
    const std::string_view part = cut(text, ':', more);
    if (groups.count == kGroups) return std::nullopt;
    if (const auto value = parse_number<std::uint16_t>(part, 16, 4)) {
      groups.values[groups.count++] = *value;
      continue;
    }
    const auto dotted = parse_ip4(part);
    if (!dotted || more || !may_end_dotted || groups.count + 2 > kGroups) return std::nullopt;
    groups.values[groups.count++] = get_u16_be(dotted->data());
    groups.values[groups.count++] = get_u16_be(dotted->data() + 2);
  }
  return groups;
}

// The longest run of two or more zero groups, the first of equals; that is what "::" stands for.
struct Run {
  std::size_t begin = 0, size = 0;
};

Run longest_zero_run(Bytes bytes) {
  Run longest{.begin = 0, .size = 1}, current;
  for (std::size_t i = 0; i < kGroups; ++i) {
    if (get_u16_be(&bytes[2 * i]) != 0) {
      current.size = 0;
      continue;
    }
    if (current.size++ == 0) current.begin = i;
    if (current.size > longest.size) longest = current;
  }
  return longest.size > 1 ? longest : Run{};
}

void append_hex_group(std::uint16_t value, std::string& to) {
  char digits[4];
  to.append(digits, std::to_chars(digits, digits + sizeof(digits), value, 16).ptr);
}

}  // namespace

std::optional<Ip4Bytes> parse_ip4(std::string_view text) {
  Ip4Bytes bytes{};
  bool more = true;
  for (std::uint8_t& byte : bytes) {
    if (!more) return std::nullopt;
    const std::string_view part = cut(text, '.', more);
    const auto value = parse_number<std::uint8_t>(part, 10, 3);
    if (!value || (part.size() > 1 && part[0] == '0')) return std::nullopt;
    byte = *value;
  }
  if (more) return std::nullopt;
  return bytes;
}

std::optional<Ip6Bytes> parse_ip6(std::string_view text) {
  const std::size_t gap = text.find("::");
  const bool has_gap = gap != std::string_view::npos;
  const auto front = parse_groups(text.substr(0, gap), /*may_end_dotted=*/!has_gap);
  const auto back = parse_groups(has_gap ? text.substr(gap + 2) : std::string_view(), /*may_end_dotted=*/true);
  if (!front || !back) return std::nullopt;
  const std::size_t count = front->count + back->count;
  if (has_gap ? count >= kGroups : count != kGroups) return std::nullopt;
  Ip6Bytes bytes{};
  for (std::size_t i = 0; i < front->count; ++i) put_u16_be(&bytes[2 * i], front->values[i]);
  for (std::size_t i = 0; i < back->count; ++i) put_u16_be(&bytes[2 * (kGroups - back->count + i)], back->values[i]);
  return bytes;
}

void append_ip4(Bytes bytes, std::string& to) {
  char digits[3];
  for (std::size_t i = 0; i < 4; ++i) {
    if (i > 0) to.push_back('.');
    to.append(digits, std::to_chars(digits, digits + sizeof(digits), bytes[i]).ptr);
  }
}

void append_ip6(Bytes bytes, std::string& to) {
  if (std::ranges::equal(bytes.first(sizeof(kMappedPrefix)), kMappedPrefix)) {
    to.append("::ffff:");
    return append_ip4(bytes.subspan(sizeof(kMappedPrefix)), to);
  }
  const Run zeros = longest_zero_run(bytes);
  for (std::size_t i = 0; i < kGroups; ++i) {
    if (zeros.size > 0 && i == zeros.begin) {
      to.append("::");
      i += zeros.size - 1;
      continue;
    }
    if (i > 0 && to.back() != ':') to.push_back(':');
    append_hex_group(get_u16_be(&bytes[2 * i]), to);
  }
}

}  // namespace starling::multiformats
