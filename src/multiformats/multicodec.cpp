#include "starling/multiformats/multicodec.hpp"

#include <algorithm>

namespace starling {
namespace {

struct Entry {
  Multicodec code;
  std::string_view name;
};

constexpr Entry kTable[] = {
#define STARLING_MULTICODEC(name, code, text) {Multicodec::name, text},
#include "starling/multiformats/multicodec_codes.def"
#undef STARLING_MULTICODEC
};
static_assert(std::ranges::is_sorted(kTable, {}, &Entry::code), "multicodec_codes.def is in the order of the codes");

}  // namespace

std::string_view to_string(Multicodec code) {
  const auto found = std::ranges::lower_bound(kTable, code, {}, &Entry::code);
  return found != std::end(kTable) && found->code == code ? found->name : std::string_view();
}

std::optional<Multicodec> multicodec_from_name(std::string_view name) {
  const auto found = std::ranges::find(kTable, name, &Entry::name);
  if (found == std::end(kTable)) return std::nullopt;
  return found->code;
}

}  // namespace starling
