#include "starling/runtime/configuration.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "runtime/configuration_text.hpp"
#include "starling/base/assert.hpp"

namespace starling::runtime {
namespace {

constexpr std::string_view kPrefix = "STARLING_";

// Puts one layer over the other, and remembers who set what.
class Layers {
 public:
  Layers() { result.sources.resize(configuration_keys().size()); }

  void mistake(std::string text) {
    result.mistakes.emplace_back(ErrorCode::InvalidArgument, Op::Configure, Origin::Local, std::move(text));
  }
  void set(std::string_view name, const Given& given, Source source) {
    const Key* key = find_key(name);
    if (key == nullptr) return mistake(source.to_string() + ": " + unknown_key(name));
    if (const Status assigned = assign(*key, result.options, given); !assigned)
      return mistake(source.to_string() + ": " + assigned.error().detail());
    result.sources[std::size_t(key - configuration_keys().data())] = std::move(source);
  }
  void use_profile(const std::string& name) {
    if (name.empty()) return;
    const auto all = profiles();
    const auto found = std::find_if(all.begin(), all.end(), [&](const Profile& each) { return each.name == name; });
    if (found == all.end()) {
      std::string known;
      for (const Profile& each : all) known += (known.empty() ? "" : ", ") + std::string(each.name);
      return mistake("no profile '" + name + "'; there are " + known);
    }
    result.profile = name;
    for (const auto& [key, value] : found->settings)
      set(key, {Given::Shape::Untyped, std::string(value), {}}, {Source::Kind::Profile, name});
  }
  void use_environment(const std::vector<std::pair<std::string, std::string>>& environment);
  void check();

  Configuration result;
};

// STARLING_SWARM_MAX_CONNECTIONS sets a key. STARLING_SWARM_MAX_CONECTIONS is a mistake. STARLING_SOMETHING, which
// begins with no section, is somebody else's.
void Layers::use_environment(const std::vector<std::pair<std::string, std::string>>& environment) {
  for (const auto& [variable, value] : environment) {
    if (!variable.starts_with(kPrefix)) continue;
    const auto keys = configuration_keys();
    const auto found =
        std::find_if(keys.begin(), keys.end(), [&](const Key& key) { return environment_name(key) == variable; });
    if (found != keys.end()) {
      set(found->name, {Given::Shape::Untyped, value, {}}, {Source::Kind::Environment, variable});
      continue;
    }
    const auto near = std::find_if(keys.begin(), keys.end(), [&](const Key& key) {
      return variable.starts_with(environment_name(key).substr(0, kPrefix.size() + key.name.rfind('.') + 1));
    });
    if (near == keys.end()) continue;
    std::string name = variable.substr(kPrefix.size());
    std::transform(name.begin(), name.end(), name.begin(), [](char c) { return char(std::tolower(std::uint8_t(c))); });
    name[near->name.rfind('.')] = '.';
    mistake("environment " + variable + ": " + unknown_key(name));
  }
}

void Layers::check() {
  for (auto& [index, wrong] : check_keys(result.options)) {
    const Source& source = result.sources[index];
    mistake(source.to_string() + ": " + wrong.detail());
  }
  // Rules between keys come after those of each key, and validate() repeats the latter: leave out what was said.
  const std::size_t said = check_keys(result.options).size();
  std::vector<Error> all = result.options.validate();
  for (std::size_t i = said; i < all.size(); ++i) result.mistakes.push_back(std::move(all[i]));
}

std::string chosen_profile(const ConfigurationInput& input, const std::string& of_file) {
  if (!input.profile.empty()) return input.profile;
  for (const auto& [variable, value] : input.environment)
    if (variable == "STARLING_PROFILE") return value;
  return of_file;
}

}  // namespace

std::string Source::to_string() const {
  switch (kind) {
    case Kind::Default:
      return "default";
    case Kind::Profile:
      return "profile " + where;
    case Kind::File:
      return where;
    case Kind::Environment:
      return "environment " + where;
    case Kind::Flag:
      return "flag " + where;
  }
  return {};
}

const Source& Configuration::source_of(std::string_view key) const {
  const Key* found = find_key(key);
  STARLING_ASSERT(found != nullptr, "source_of() is asked for keys of the table");
  return sources[std::size_t(found - configuration_keys().data())];
}

Configuration configure(const ConfigurationInput& input) {
  Layers layers;
  FileContent file;
  if (!input.file_name.empty() || !input.file_text.empty()) file = read_file(input.file_name, input.file_text);
  layers.result.mistakes = std::move(file.mistakes);
  layers.use_profile(chosen_profile(input, file.profile));
  for (const FileSetting& each : file.settings)
    layers.set(each.key, each.given, {Source::Kind::File, fmt::format("{}:{}", input.file_name, each.line)});
  layers.use_environment(input.environment);
  for (const Setting& each : input.settings)
    layers.set(each.key, {Given::Shape::Untyped, each.value, {}}, {Source::Kind::Flag, each.flag});
  layers.check();
  return std::move(layers.result);
}

Status to_status(const std::vector<Error>& mistakes) {
  if (mistakes.empty()) return {};
  std::string all;
  for (const Error& mistake : mistakes) all += (all.empty() ? "" : "; ") + mistake.detail();
  return fail(ErrorCode::InvalidArgument, Op::Configure, Origin::Local, std::move(all));
}

}  // namespace starling::runtime
