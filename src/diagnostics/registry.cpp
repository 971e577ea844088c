#include "starling/diagnostics/registry.hpp"

#include <boost/json/object.hpp>
#include <utility>

namespace starling::diagnostics {

void Registry::add(std::string name, std::string about, Page page) {
  pages_.insert_or_assign(std::move(name), Entry{std::move(about), std::move(page)});
}

void Registry::remove(std::string_view name) {
  if (const auto found = pages_.find(name); found != pages_.end()) pages_.erase(found);
}

void Registry::add_metrics(Collector collector) { collectors_.push_back(std::move(collector)); }

Result<boost::json::value> Registry::show(std::string_view name) const {
  if (const auto found = pages_.find(name); found != pages_.end()) return found->second.page();
  std::string known;
  for (const auto& [each, entry] : pages_) known += (known.empty() ? "" : ", ") + each;
  return fail(ErrorCode::NotFound, Op::Run, Origin::Remote, "no page '" + std::string(name) + "'; there are: " + known);
}

boost::json::value Registry::index() const {
  boost::json::object names;
  for (const auto& [name, entry] : pages_) names[name] = entry.about;
  return names;
}

Metrics Registry::collect() const {
  Metrics all;
  for (const Collector& collector : collectors_) collector(all);
  return all;
}

}  // namespace starling::diagnostics
