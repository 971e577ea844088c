#include "starling/base/log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "starling/base/units.hpp"

namespace starling {
namespace {

constexpr std::array<std::string_view, 4> kLevels = {"error", "warning", "info", "debug"};

bool plain(char c) { return c > ' ' && c != '"' && c != '\\' && c != '=' && c != 0x7f; }

std::string quoted(std::string_view value) {
  if (!value.empty() && std::all_of(value.begin(), value.end(), plain)) return std::string(value);
  std::string text = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') {
      text += {'\\', c};
    } else if (std::uint8_t(c) < 0x20 || c == 0x7f) {
      text += fmt::format("\\x{:02x}", std::uint8_t(c));
    } else {
      text += c;
    }
  }
  return text + '"';
}

}  // namespace

std::string_view to_string(LogLevel level) { return kLevels[std::size_t(level)]; }

std::optional<LogLevel> log_level_from_string(std::string_view name) {
  const auto found = std::find(kLevels.begin(), kLevels.end(), name);
  if (found == kLevels.end()) return std::nullopt;
  return LogLevel(found - kLevels.begin());
}

LogField::LogField(std::string_view key_in, Duration time) : key(key_in), value(format_duration(time)) {}

std::string to_line(const LogRecord& record) {
  std::string line = fmt::format("level={} component={} message={}", to_string(record.level), record.component,
                                 quoted(record.message));
  for (const LogField& field : record.fields) line += fmt::format(" {}={}", field.key, quoted(field.value));
  return line;
}

bool LogLimit::allow(TimePoint now) {
  if (now - refilled_ >= interval_) {
    const auto more = std::uint64_t((now - refilled_) / interval_);
    left_ = std::uint32_t(std::min<std::uint64_t>(burst_, left_ + more));
    refilled_ = now;
  }
  if (left_ > 0) {
    --left_;
    return true;
  }
  ++suppressed_;
  return false;
}

}  // namespace starling
