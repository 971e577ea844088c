// Assertions that stay on in every build: our own invariants only, never remote input.
#pragma once

namespace starling {
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line, const char* why);
}

#define STARLING_ASSERT(condition, why) \
  (static_cast<bool>(condition) ? void(0) : ::starling::assertion_failed(#condition, __FILE__, __LINE__, why))
