// TOML files. The only place that sees toml++.
#include <fmt/format.h>

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
// Some malformed keys break what toml++ asserts and, with NDEBUG, tells the compiler to take for granted. The code
// behind those places reports them well: neither may stand between.
#pragma push_macro("NDEBUG")
#undef NDEBUG
#define TOML_ASSERT(expr) static_cast<void>(0)
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")

#include "runtime/configuration_text.hpp"

namespace starling::runtime {
namespace {

using Shape = Given::Shape;

Given given(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::boolean:
      return {Shape::Boolean, **node.as_boolean() ? "true" : "false", {}};
    case toml::node_type::integer:
      return {Shape::Integer, std::to_string(**node.as_integer()), {}};
    case toml::node_type::floating_point:
      return {Shape::Decimal, fmt::format("{}", **node.as_floating_point()), {}};
    case toml::node_type::string:
      return {Shape::String, **node.as_string(), {}};
    case toml::node_type::array: {
      Given list{Shape::Array, "[…]", {}};
      for (const toml::node& item : *node.as_array()) {
        if (!item.is_string()) return {Shape::Other, "a list with something else than texts in it", {}};
        list.items.push_back(**item.as_string());
      }
      return list;
    }
    default:
      return {Shape::Other, "a table, date or time", {}};
  }
}

class Reader {
 public:
  explicit Reader(std::string_view name) : name_(name) {}

  void mistake(std::uint32_t line, std::string text) {
    content.mistakes.emplace_back(ErrorCode::InvalidArgument, Op::Configure, Origin::Local,
                                  fmt::format("{}:{}: {}", name_, line, text));
  }
  void read(const toml::table& table, const std::string& path) {
    for (const auto& [key, node] : table) {
      const std::string full = path.empty() ? std::string(key.str()) : path + "." + std::string(key.str());
      const std::uint32_t line = node.source().begin.line;
      if (find_key(full) != nullptr) {
        content.settings.push_back({full, given(node), line});
      } else if (full == "profile" && node.is_string()) {
        content.profile = **node.as_string();
      } else if (is_section(full) && node.is_table()) {
        read(*node.as_table(), full);
      } else {
        mistake(line, unknown_key(full));
      }
    }
  }
  FileContent content;

 private:
  static bool is_section(std::string_view path) {
    for (const Key& key : configuration_keys())
      if (key.name.starts_with(path) && key.name.substr(path.size()).starts_with(".")) return true;
    return false;
  }
  std::string_view name_;
};

}  // namespace

FileContent read_file(std::string_view name, std::string_view text) {
  Reader reader(name);
  if (text.size() > kMaxConfigurationFile) {
    reader.mistake(1, fmt::format("{} bytes; a configuration has at most {}", text.size(), kMaxConfigurationFile));
    return std::move(reader.content);
  }
  const toml::parse_result parsed = toml::parse(text);
  if (parsed.failed()) {
    reader.mistake(parsed.error().source().begin.line, std::string(parsed.error().description()));
  } else {
    reader.read(parsed.table(), "");
  }
  return std::move(reader.content);
}

}  // namespace starling::runtime
