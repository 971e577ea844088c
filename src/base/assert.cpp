#include "starling/base/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace starling {
void assertion_failed(const char* expression, const char* file, int line, const char* why) {
  std::fprintf(stderr, "starling: bug: %s (%s) at %s:%d\n", why, expression, file, line);
  std::abort();
}
}  // namespace starling
