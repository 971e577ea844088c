// Configuration: where a node's Options come from. Defaults stand in options.hpp; over them lie a profile, a TOML file,
// the environment and flags, in this order. One table (src/runtime/configuration_keys.def) names every field: parser,
// checks, environment, `starling config` and docs/reference/configuration.md are made from it.
// Values; pure: texts come in. Threading: none.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "starling/runtime/options.hpp"

namespace starling::runtime {

/// What a key takes, with its range. Choices are a comma list; empty = anything.
struct Flag {};
struct Count {
  std::uint64_t low = 0, high = 0;
};
struct Size {  // bytes
  std::uint64_t low = 0, high = 0;
};
struct Time {
  Duration low{}, high{};
};
struct Ratio {
  double low = 0, high = 1;
};
struct Text {
  std::string_view choices;
};
struct List {
  std::string_view choices;
  bool may_be_empty = false;
};
using Rule = std::variant<Flag, Count, Size, Time, Ratio, Text, List>;

template <typename... Types>
using FieldOf = std::variant<Types* (*)(Options&)...>;
/// Where in Options the value is. These are the types a field may have.
using Field = FieldOf<bool, int, std::uint16_t, std::uint32_t, std::uint64_t, std::int64_t, double, Duration,
                      std::string, std::vector<std::string>>;

struct Key {
  std::string_view name;  // "swarm.max_connections"
  Rule rule;
  Field field;
  std::string_view about;  // one sentence
};

/// Every key, in the order of options.hpp.
std::span<const Key> configuration_keys();
/// Null if there is none.
const Key* find_key(std::string_view name);
/// The key most like `name`, empty if none is like it.
std::string_view nearest_key(std::string_view name);
/// "STARLING_SWARM_MAX_CONNECTIONS"
std::string environment_name(const Key& key);
/// What the key takes: "a count from 1 to 1048576", "a duration from 1ms to 24h".
std::string describe(const Rule& rule);
/// The value as TOML: 16384, "30s", ["noise", "tls"].
std::string value_text(const Key& key, const Options& options);
/// Every value that breaks its key's rule: index of the key, and what is wrong.
std::vector<std::pair<std::size_t, Error>> check_keys(const Options& options);

struct Profile {
  std::string_view name, about;
  std::span<const std::pair<std::string_view, std::string_view>> settings;
};
std::span<const Profile> profiles();

/// Who set a value.
struct Source {
  enum class Kind : std::uint8_t { Default, Profile, File, Environment, Flag };
  Kind kind = Kind::Default;
  std::string where;  // the profile's name, file:line, the variable, the flag
  std::string to_string() const;
};

/// One `key=value` of a flag; `flag` is its name, "--set".
struct Setting {
  std::string key, value, flag;
};

struct ConfigurationInput {
  std::string file_name, file_text;                              // TOML; both empty = none
  std::vector<std::pair<std::string, std::string>> environment;  // the whole of it; what does not concern us is skipped
  std::string profile;                                           // of a flag; else STARLING_PROFILE, else the file's
  std::vector<Setting> settings;
};

struct Configuration {
  Options options;
  std::string profile;          // empty = none
  std::vector<Source> sources;  // one for each of configuration_keys()
  std::vector<Error> mistakes;  // all of them, each with its place; `options` is usable only if there are none
  const Source& source_of(std::string_view key) const;  // of a key that exists
};

/// Reads everything. An unknown key is a mistake and names the nearest one; so is a variable that begins with a
/// section's name (STARLING_SWARM_…) and is no key. Values of a key that are wrong leave the one below in force.
Configuration configure(const ConfigurationInput& input);

/// One error that tells all mistakes; Ok if there are none.
Status to_status(const std::vector<Error>& mistakes);

/// A TOML file with every key, its default, what it takes and what it is, all commented out.
std::string configuration_template();
/// docs/reference/configuration.md
std::string configuration_reference();

}  // namespace starling::runtime
