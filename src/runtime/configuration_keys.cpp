// The table itself, and what is said of a key: its range, its value as text, whether a value is permitted.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/pfr/core.hpp>
#include <cctype>
#include <numeric>

#include "runtime/configuration_text.hpp"
#include "starling/base/units.hpp"
#include "starling/runtime/configuration.hpp"

namespace starling::runtime {
namespace {

using std::literals::chrono_literals::operator""h;  // NOLINT(misc-unused-using-decls): literals are not seen as uses

constexpr Time kTime{1ms, 24h};                             // of anything that is waited for
constexpr Size kWindow{16u << 10, std::uint64_t{1} << 40};  // of QUIC flow control

// Lambda to function pointer, so that its result picks the alternative of Field.
#define STARLING_KEY(path, rule, about) \
  Key{#path, Rule(rule), Field(+[](Options& options) { return &(options.path); }), about},
const auto kKeys = std::to_array<Key>({
#include "runtime/configuration_keys.def"
});
#undef STARLING_KEY

template <typename T, typename Variant>
struct IsFieldType;
template <typename T, typename... Pointers>
struct IsFieldType<T, std::variant<Pointers...>> {
  static constexpr bool value = (std::is_same_v<T* (*)(Options&), Pointers> || ...);
};

template <typename T>
constexpr std::size_t count_fields() {
  if constexpr (IsFieldType<T, Field>::value) {
    return 1;
  } else {
    return []<std::size_t... I>(std::index_sequence<I...>) {
      return (std::size_t{0} + ... + count_fields<boost::pfr::tuple_element_t<I, T>>());
    }(std::make_index_sequence<boost::pfr::tuple_size_v<T>>());
  }
}
static_assert(count_fields<Options>() == std::tuple_size_v<decltype(kKeys)>,
              "each field of runtime::Options needs one line in src/runtime/configuration_keys.def, and no other");

std::size_t distance(std::string_view a, std::string_view b) {  // Levenshtein
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0u);
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

std::string toml_string(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += {'\\', c};
    } else if (std::uint8_t(c) < 0x20 || c == 0x7f) {
      quoted += fmt::format("\\u{:04X}", std::uint8_t(c));
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::string toml_list(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : ", ") + toml_string(item);
  return "[" + text + "]";
}

// Numbers are compared as wide ones; a negative int64 is below every Count.
template <typename T>
std::string number_mistake(T value, std::uint64_t low, std::uint64_t high) {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    if (std::cmp_greater_equal(value, low) && std::cmp_less_equal(value, high)) return {};
  }
  return fmt::format("must be in {} … {}", low, high);
}

std::string choice_mistake(const std::string& item, std::string_view choices) {
  const auto all = split_list(choices);
  if (all.empty() || std::find(all.begin(), all.end(), item) != all.end()) return {};
  return fmt::format("'{}' is not one of {}", item, choices);
}

struct Check {
  template <typename T>
  std::string operator()(const Count& rule, const T& value) const {
    return number_mistake(value, rule.low, rule.high);
  }
  template <typename T>
  std::string operator()(const Size& rule, const T& value) const {
    if (number_mistake(value, rule.low, rule.high).empty()) return {};
    return fmt::format("must be in {} … {}", exact_size(rule.low), exact_size(rule.high));
  }
  std::string operator()(const Time& rule, const Duration& value) const {
    if (value >= rule.low && value <= rule.high) return {};
    return fmt::format("must be in {} … {}", exact_duration(rule.low), exact_duration(rule.high));
  }
  std::string operator()(const Ratio& rule, double value) const {
    if (value >= rule.low && value <= rule.high) return {};
    return fmt::format("must be in {} … {}", rule.low, rule.high);
  }
  std::string operator()(const Text& rule, const std::string& value) const {
    return choice_mistake(value, rule.choices);
  }
  std::string operator()(const List& rule, const std::vector<std::string>& value) const {
    if (value.empty() && !rule.may_be_empty) return "must name at least one";
    for (const std::string& item : value)
      if (std::string wrong = choice_mistake(item, rule.choices); !wrong.empty()) return wrong;
    return {};
  }
  std::string operator()(const Flag&, bool) const { return {}; }
  template <typename R, typename T>
  std::string operator()(const R&, const T&) const {
    return "has a rule that does not fit its type";  // a mistake in the table; the test of the table finds it
  }
};

}  // namespace

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> items;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(',', start), text.size());
    std::string_view item = text.substr(start, end - start);
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
    if (!item.empty()) items.emplace_back(item);
    start = end + 1;
  }
  return items;
}

std::span<const Key> configuration_keys() { return kKeys; }

const Key* find_key(std::string_view name) {
  const auto found = std::find_if(kKeys.begin(), kKeys.end(), [&](const Key& key) { return key.name == name; });
  return found == kKeys.end() ? nullptr : &*found;
}

std::string_view nearest_key(std::string_view name) {
  constexpr std::size_t kLongest = 100;  // a longer one is like none, and the work grows with the product of lengths
  if (name.size() > kLongest) return {};
  std::string_view best;
  std::size_t least = std::max<std::size_t>(2, name.size() / 3) + 1;
  for (const Key& key : kKeys) {
    const std::string_view last = key.name.substr(key.name.rfind('.') + 1);
    const std::size_t far = last == name ? 0 : distance(name, key.name);  // the section was forgotten
    if (far < least) std::tie(least, best) = std::pair(far, key.name);
  }
  return best;
}

std::string environment_name(const Key& key) {
  std::string name = "STARLING_";
  for (const char c : key.name) name += c == '.' ? '_' : char(std::toupper(std::uint8_t(c)));
  return name;
}

std::string describe(const Rule& rule) {
  struct Visitor {
    std::string operator()(const Flag&) const { return "true or false"; }
    std::string operator()(const Count& r) const { return fmt::format("a count from {} to {}", r.low, r.high); }
    std::string operator()(const Size& r) const {
      return fmt::format("a size from {} to {}", exact_size(r.low), exact_size(r.high));
    }
    std::string operator()(const Time& r) const {
      return fmt::format("a duration from {} to {}", exact_duration(r.low), exact_duration(r.high));
    }
    std::string operator()(const Ratio& r) const { return fmt::format("a number from {} to {}", r.low, r.high); }
    std::string operator()(const Text& r) const {
      return r.choices.empty() ? "a text" : fmt::format("one of {}", r.choices);
    }
    std::string operator()(const List& r) const {
      return r.choices.empty() ? "a list of texts" : fmt::format("a list of {}", r.choices);
    }
  };
  return std::visit(Visitor{}, rule);
}

std::string value_text(const Key& key, const Options& options) {
  const bool size = std::holds_alternative<Size>(key.rule);
  return std::visit(
      [&](auto* field) -> std::string {
        const auto& value =
            *field(const_cast<Options&>(options));  // fields are found by non-const access; only read here
        using T = std::remove_cvref_t<decltype(value)>;
        if constexpr (std::is_same_v<T, Duration>) {
          return toml_string(exact_duration(value));
        } else if constexpr (std::is_same_v<T, std::string>) {
          return toml_string(value);
        } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
          return toml_list(value);
        } else {
          return size ? toml_string(exact_size(std::uint64_t(value))) : fmt::format("{}", value);
        }
      },
      key.field);
}

std::vector<std::pair<std::size_t, Error>> check_keys(const Options& options) {
  std::vector<std::pair<std::size_t, Error>> mistakes;
  for (std::size_t i = 0; i < kKeys.size(); ++i) {
    const Key& key = kKeys[i];
    const std::string wrong =
        std::visit([&](const auto& rule, auto* field) { return Check{}(rule, *field(const_cast<Options&>(options))); },
                   key.rule, key.field);
    if (wrong.empty()) continue;
    mistakes.emplace_back(i, Error(ErrorCode::InvalidArgument, Op::Configure, Origin::Local,
                                   fmt::format("{} = {}: {}", key.name, value_text(key, options), wrong)));
  }
  return mistakes;
}

}  // namespace starling::runtime
