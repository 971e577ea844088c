#include "starling/diagnostics/metrics.hpp"

#include <fmt/format.h>

#include "starling/base/assert.hpp"

namespace starling::diagnostics {
namespace {

std::string escaped(std::string_view value, bool quotes) {
  std::string text;
  for (const char c : value) {
    if (c == '\n') {
      text += "\\n";
    } else {
      if (c == '\\' || (quotes && c == '"')) text += '\\';
      text += c;
    }
  }
  return text;
}

double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

std::string_view to_string(MetricType type) {
  switch (type) {
    case MetricType::Counter:
      return "counter";
    case MetricType::Gauge:
      return "gauge";
    case MetricType::Histogram:
      return "histogram";
  }
  return "untyped";
}

std::string Metrics::Family::label_text(Names values) const {
  STARLING_ASSERT(values.size() == labels_.size(), "a metric's sample gives a value for each label");
  std::string text;
  auto value = values.begin();
  for (const std::string& name : labels_)
    text += fmt::format("{}{}=\"{}\"", text.empty() ? "" : ",", name, escaped(*value++, /*quotes=*/true));
  return text;
}

Metrics::Family& Metrics::Family::add(double value, Names label_values) {
  const std::string labels = label_text(label_values);
  samples_ +=
      labels.empty() ? fmt::format("{} {}\n", name_, value) : fmt::format("{}{{{}}} {}\n", name_, labels, value);
  return *this;
}

Metrics::Family& Metrics::Family::add(const Histogram& times, Names label_values) {
  const std::string labels = label_text(label_values);
  const std::string_view comma = labels.empty() ? "" : ",";
  std::uint64_t below = 0;
  for (std::size_t i = 0; i + 1 < Histogram::kBuckets; ++i) {
    below += times.buckets()[i];
    samples_ +=
        fmt::format("{}_bucket{{{}{}le=\"{}\"}} {}\n", name_, labels, comma, seconds(Histogram::bound(i)), below);
  }
  const std::string braced = labels.empty() ? "" : "{" + labels + "}";
  samples_ += fmt::format("{}_bucket{{{}{}le=\"+Inf\"}} {}\n", name_, labels, comma, times.count());
  samples_ +=
      fmt::format("{}_sum{} {}\n{}_count{} {}\n", name_, braced, seconds(times.sum()), name_, braced, times.count());
  return *this;
}

Metrics::Family& Metrics::family(MetricType type, std::string_view name, std::string_view help, Names labels) {
  Family& family = families_[std::string(name)];
  if (family.name_.empty()) {
    family.name_ = name;
    family.help_ = help;
    family.type_ = type;
    family.labels_.assign(labels.begin(), labels.end());
  }
  return family;
}

Metrics::Family& Metrics::counter(std::string_view name, std::string_view help, Names labels) {
  return family(MetricType::Counter, name, help, labels);
}
Metrics::Family& Metrics::gauge(std::string_view name, std::string_view help, Names labels) {
  return family(MetricType::Gauge, name, help, labels);
}
Metrics::Family& Metrics::histogram(std::string_view name, std::string_view help, Names labels) {
  return family(MetricType::Histogram, name, help, labels);
}

std::string Metrics::text() const {
  std::string text;
  for (const auto& [name, family] : families_) {
    if (family.samples_.empty()) continue;
    text += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, escaped(family.help_, /*quotes=*/false), name,
                        to_string(family.type_));
    text += family.samples_;
  }
  return text;
}

std::string Metrics::reference() const {
  std::string text;
  std::string_view prefix;
  for (const auto& [name, family] : families_) {
    const std::string_view own = std::string_view(name).substr(0, name.find('_'));
    if (own != prefix)
      text += fmt::format("\n## {}\n\n| metric | type | labels | what it is |\n|---|---|---|---|\n", own);
    prefix = own;
    std::string labels;
    for (const std::string& label : family.labels_) labels += (labels.empty() ? "`" : ", `") + label + "`";
    text += fmt::format("| `{}` | {} | {} | {} |\n", name, to_string(family.type_), labels, family.help_);
  }
  return text;
}

}  // namespace starling::diagnostics
