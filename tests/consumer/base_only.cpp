// Uses the lowest layer alone, from the installed package.
#include <cstdio>

#include "starling/base/bytes.hpp"

int main() {
  const auto bytes = starling::from_hex("737461726c696e67");
  if (!bytes || starling::as_text(*bytes) != "starling") return 1;
  std::puts("base: ok");
}
