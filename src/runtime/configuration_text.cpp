#include "runtime/configuration_text.hpp"

#include <fmt/format.h>

#include <charconv>
#include <limits>

#include "starling/base/units.hpp"

namespace starling::runtime {
namespace {

template <typename T>
bool read_number(std::string_view text, T& into) {
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), into);
  return problem == std::errc() && end == text.data() + text.size();
}

bool read(bool& into, const Rule&, const Given& given) {
  into = given.text == "true";
  return into || given.text == "false";
}
bool read(Duration& into, const Rule&, const Given& given) {
  const auto time = parse_duration(given.text);
  if (time) into = *time;
  return time.has_value();
}
bool read(double& into, const Rule&, const Given& given) { return read_number(given.text, into); }
bool read(std::string& into, const Rule&, const Given& given) {
  into = given.text;
  return true;
}
bool read(std::vector<std::string>& into, const Rule&, const Given& given) {
  into = given.shape == Given::Shape::Array ? given.items : split_list(given.text);
  return true;
}
template <std::integral T>
bool read(T& into, const Rule& rule, const Given& given) {
  if (!std::holds_alternative<Size>(rule)) return read_number(given.text, into);
  const auto size = parse_size(given.text);
  if (!size || *size > std::uint64_t(std::numeric_limits<T>::max())) return false;
  into = T(*size);
  return true;
}

// What a TOML value must be for the rule; text of flags and variables may be anything.
bool fits(const Rule& rule, Given::Shape shape) {
  using S = Given::Shape;
  struct Visitor {
    S shape;
    bool operator()(const Flag&) const { return shape == S::Boolean; }
    bool operator()(const Count&) const { return shape == S::Integer; }
    bool operator()(const Size&) const { return shape == S::Integer || shape == S::String; }
    bool operator()(const Time&) const { return shape == S::String; }
    bool operator()(const Ratio&) const { return shape == S::Integer || shape == S::Decimal; }
    bool operator()(const Text&) const { return shape == S::String; }
    bool operator()(const List&) const { return shape == S::Array; }
  };
  return shape == S::Untyped || std::visit(Visitor{shape}, rule);
}

std::string_view example(const Rule& rule) {
  constexpr std::string_view kExamples[] = {"true", "100",      "\"64MiB\"",         "\"30s\"",
                                            "0.5",  "\"text\"", "[\"one\", \"two\"]"};
  static_assert(std::size(kExamples) == std::variant_size_v<Rule>);
  return kExamples[rule.index()];
}

}  // namespace

Status assign(const Key& key, Options& options, const Given& given) {
  const bool done = fits(key.rule, given.shape) && std::visit(
                                                       [&](auto* field) {
                                                         auto value = *field(options);
                                                         if (!read(value, key.rule, given)) return false;
                                                         *field(options) = std::move(value);
                                                         return true;
                                                       },
                                                       key.field);
  if (done) return {};
  constexpr std::size_t kShown = 80;
  return fail(ErrorCode::InvalidArgument, Op::Configure, Origin::Local,
              fmt::format("{} = {}: must be {}, like {}", key.name, given.text.substr(0, kShown), describe(key.rule),
                          example(key.rule)));
}

std::string unknown_key(std::string_view key) {
  constexpr std::size_t kShown = 100;
  const std::string_view near = nearest_key(key);
  return fmt::format("no such key '{}'; {}", key.substr(0, kShown),
                     near.empty() ? "`starling config explain` lists them" : fmt::format("did you mean '{}'?", near));
}

}  // namespace starling::runtime
