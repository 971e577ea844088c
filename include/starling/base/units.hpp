// Sizes and durations as people type them: 64KiB, 1GiB, 250ms, 30s. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "starling/base/clock.hpp"
#include "starling/base/error.hpp"

namespace starling {

/// B, KiB, MiB, GiB, TiB (powers of 1024), kB, MB, GB, TB (powers of 1000); no unit means bytes.
Result<std::uint64_t> parse_size(std::string_view text);
/// ns, us, ms, s, m, h; 0 needs no unit.
Result<Duration> parse_duration(std::string_view text);
std::string format_size(std::uint64_t bytes);  // "1.5 MiB"
std::string format_duration(Duration time);    // "1.25 ms"
/// In the largest unit that needs no fraction, as parse_size() and parse_duration() read it: "64MiB", "4097B", "90s".
std::string exact_size(std::uint64_t bytes);
std::string exact_duration(Duration time);

}  // namespace starling
