#include "starling/base/units.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace starling {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr Unit kSizes[] = {
    {"", 1},     {"B", 1},    {"KiB", 1024.0}, {"MiB", 1048576.0}, {"GiB", 1073741824.0}, {"TiB", 1099511627776.0},
    {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9},     {"TB", 1e12}};
constexpr Unit kTimes[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};

template <std::size_t N>
Result<double> parse(std::string_view text, const Unit (&units)[N], std::string_view example) {
  double number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view rest(end, std::size_t(text.data() + text.size() - end));
  if (problem == std::errc() && number >= 0 && std::isfinite(number)) {
    for (const Unit& unit : units)
      if (unit.name == rest) return number * unit.factor;
    if (rest.empty() && number == 0) return 0.0;
  }
  return fail(ErrorCode::InvalidArgument, Op::Parse, Origin::Local,
              "'" + std::string(text) + "': write it like " + std::string(example));
}

}  // namespace

Result<std::uint64_t> parse_size(std::string_view text) {
  STARLING_TRY(const double bytes, parse(text, kSizes, "4096, 64KiB or 1GiB"));
  if (bytes > 9e18)
    return fail(ErrorCode::TooLarge, Op::Parse, Origin::Local, "'" + std::string(text) + "' is more than 8 EiB");
  return std::uint64_t(bytes);
}

Result<Duration> parse_duration(std::string_view text) {
  STARLING_TRY(const double nanoseconds, parse(text, kTimes, "250ms or 30s"));
  if (nanoseconds > 9e18)
    return fail(ErrorCode::TooLarge, Op::Parse, Origin::Local, "'" + std::string(text) + "' is more than 285 years");
  return Duration(std::int64_t(nanoseconds));
}

std::string format_size(std::uint64_t bytes) {
  constexpr std::string_view kNames[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  auto value = double(bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < std::size(kNames); ++unit) value /= 1024;
  return fmt::format("{:.{}f} {}", value, unit == 0 ? 0 : 1, kNames[unit]);
}

std::string format_duration(Duration time) {
  const auto nanoseconds = double(time.count());
  if (nanoseconds < 1e6) return fmt::format("{:.1f} us", nanoseconds / 1e3);
  if (nanoseconds < 1e9) return fmt::format("{:.2f} ms", nanoseconds / 1e6);
  return fmt::format("{:.2f} s", nanoseconds / 1e9);
}

std::string exact_size(std::uint64_t bytes) {
  constexpr std::string_view kNames[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  for (; bytes != 0 && bytes % 1024 == 0 && unit + 1 < std::size(kNames); ++unit) bytes /= 1024;
  return fmt::format("{}{}", bytes, kNames[unit]);
}

std::string exact_duration(Duration time) {
  constexpr std::pair<std::int64_t, std::string_view> kUnits[] = {
      {3'600'000'000'000, "h"}, {60'000'000'000, "m"}, {1'000'000'000, "s"}, {1'000'000, "ms"}, {1000, "us"}};
  const std::int64_t nanoseconds = time.count();
  if (nanoseconds == 0) return "0s";
  for (const auto& [factor, name] : kUnits)
    if (nanoseconds % factor == 0) return fmt::format("{}{}", nanoseconds / factor, name);
  return fmt::format("{}ns", nanoseconds);
}

}  // namespace starling
