// The texts that are made from the table: the template of a file, and the reference page.
#include <fmt/format.h>

#include "starling/runtime/configuration.hpp"

namespace starling::runtime {
namespace {

std::string_view section_of(const Key& key) { return key.name.substr(0, key.name.rfind('.')); }
std::string_view last_of(const Key& key) { return key.name.substr(key.name.rfind('.') + 1); }

std::string key_rows() {
  const Options defaults;
  std::string text;
  std::string_view section;
  for (const Key& key : configuration_keys()) {
    if (section_of(key) != section) {
      section = section_of(key);
      text += fmt::format("\n## {}\n\n| key | default | takes | what it is |\n|---|---|---|---|\n", section);
    }
    text +=
        fmt::format("| `{}` | `{}` | {} | {} |\n", key.name, value_text(key, defaults), describe(key.rule), key.about);
  }
  return text;
}

std::string profile_rows() {
  std::string text;
  for (const Profile& profile : profiles()) {
    text += fmt::format("\n### {}\n\nFor {}.\n\n| key | value |\n|---|---|\n", profile.name, profile.about);
    for (const auto& [key, value] : profile.settings) text += fmt::format("| `{}` | `{}` |\n", key, value);
  }
  return text;
}

}  // namespace

std::string configuration_template() {
  const Options defaults;
  std::string text =
      "# Every key with its default. A file needs only the lines that differ: take the `#` off those.\n"
      "# profile = \"server\"  # an overlay below this file; `starling config explain` shows what is in force\n";
  std::string_view section;
  for (const Key& key : configuration_keys()) {
    if (section_of(key) != section) {
      section = section_of(key);
      text += fmt::format("\n[{}]\n", section);
    }
    text += fmt::format("# {} Takes {}.\n# {} = {}\n", key.about, describe(key.rule), last_of(key),
                        value_text(key, defaults));
  }
  return text;
}

std::string configuration_reference() {
  return "# Configuration keys\n\n"
         "Made from `src/runtime/configuration_keys.def` by `./dev docs`. How to use them: "
         "[configuration](../configuration.md).\n\n"
         "A variable is `STARLING_` and the key in capitals, with `_` for the dot: `swarm.max_connections` is "
         "`STARLING_SWARM_MAX_CONNECTIONS`. On the command line: `--set swarm.max_connections=100`. Keys take effect "
         "when the node starts.\n" +
         key_rows() + "\n## Profiles\n\n`--profile NAME`, `STARLING_PROFILE` or `profile = \"NAME\"` in the file.\n" +
         profile_rows();
}

}  // namespace starling::runtime
