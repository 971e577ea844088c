// How values of configuration keys are read from text and from TOML.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "starling/runtime/configuration.hpp"

namespace starling::runtime {

/// Comma list to items, without the blanks around them.
std::vector<std::string> split_list(std::string_view text);

/// A value as it was given. Text of flags and variables stands for any type; TOML tells what it is.
struct Given {
  enum class Shape : std::uint8_t { Untyped, Boolean, Integer, Decimal, String, Array, Other };
  Shape shape = Shape::Untyped;
  std::string text;
  std::vector<std::string> items;  // of an array
};

/// Sets the key's field, or says what the key takes.
Status assign(const Key& key, Options& options, const Given& given);

/// A key of a file, with its line.
struct FileSetting {
  std::string key;
  Given given;
  std::uint32_t line = 0;
};
struct FileContent {
  std::vector<FileSetting> settings;
  std::string profile;
  std::vector<Error> mistakes;
};
/// Reads a TOML file of at most kMaxConfigurationFile bytes. Keys that do not exist are among the mistakes.
FileContent read_file(std::string_view name, std::string_view text);

inline constexpr std::size_t kMaxConfigurationFile = 1u << 20;

/// "no such key 'swarm.max_conections'; did you mean 'swarm.max_connections'?"
std::string unknown_key(std::string_view key);

}  // namespace starling::runtime
