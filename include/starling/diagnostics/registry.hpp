// Registry: what a node shows of itself. Layers add pages (a name and a function that makes JSON) and collectors (a
// function that states metrics); diagnostics/server.hpp serves them as GET /debug/p2p/<name> and /metrics.
// Resource, owned by the node; what is added must outlive it or be removed before. Threading: the reactor's thread.
#pragma once

#include <boost/json/value.hpp>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "starling/base/error.hpp"
#include "starling/diagnostics/metrics.hpp"

namespace starling::diagnostics {

class Registry {
 public:
  /// Called when somebody looks. It bounds what it returns: a page may be asked for every second.
  using Page = std::function<boost::json::value()>;
  using Collector = std::function<void(Metrics& out)>;

  Registry() = default;
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  /// `name` in lower case with hyphens, as it stands in the URL; `about` says in one line what the page shows.
  void add(std::string name, std::string about, Page page);
  void remove(std::string_view name);
  /// Collectors state all their families on each call, also those without a value yet: the reference page is made so.
  void add_metrics(Collector collector);

  /// Error NotFound names the pages there are.
  Result<boost::json::value> show(std::string_view name) const;
  /// Names of the pages, each with what it shows.
  boost::json::value index() const;
  /// Everything the collectors state now.
  Metrics collect() const;

 private:
  struct Entry {
    std::string about;
    Page page;
  };
  std::map<std::string, Entry, std::less<>> pages_;
  std::vector<Collector> collectors_;
};

}  // namespace starling::diagnostics
