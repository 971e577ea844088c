// A configuration file by a hostile or clumsy hand: parsed, or refused with its mistakes; never more than that.
#include <string>

#include "starling/base/assert.hpp"
#include "starling/runtime/configuration.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace starling::runtime;
  const Configuration read =
      configure({.file_name = "f", .file_text = std::string(reinterpret_cast<const char*>(data), size)});
  if (!read.mistakes.empty()) return 0;
  // What was accepted can be said again, key by key, and is the same.
  std::string again;
  for (const Key& key : configuration_keys())
    again += std::string(key.name) + " = " + value_text(key, read.options) + "\n";
  const Configuration same = configure({.file_name = "f", .file_text = again});
  STARLING_ASSERT(same.mistakes.empty(), "a configuration that was accepted is accepted when written out");
  for (const Key& key : configuration_keys())
    STARLING_ASSERT(value_text(key, same.options) == value_text(key, read.options), "and its values are the same");
  return 0;
}
