// Metrics: one look at a node's numbers, to be written as Prometheus text. Made anew for each scrape from the counters
// that the layers keep anyway; nothing here is on a hot path, and nothing is shared between threads.
// spec: Prometheus exposition formats, text format 0.0.4. Value.
// src/runtime/diagnostics.cpp shows how it is used.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "starling/base/histogram.hpp"

namespace starling::diagnostics {

enum class MetricType : std::uint8_t { Counter, Gauge, Histogram };
std::string_view to_string(MetricType type);

class Metrics {
  using Names = std::initializer_list<std::string_view>;

 public:
  /// All samples of one name. Label values come from this node (transports, reasons, registered protocols), never from
  /// a remote peer's choice: each new value is a new time series for ever.
  class Family {
   public:
    /// One label value for each label name, in that order.
    Family& add(double value, Names label_values = {});
    Family& add(const Histogram& times, Names label_values = {});

    MetricType type() const { return type_; }
    const std::string& help() const { return help_; }
    const std::vector<std::string>& labels() const { return labels_; }
    const std::string& samples() const { return samples_; }

   private:
    friend class Metrics;
    std::string label_text(Names values) const;
    std::string name_, help_, samples_;
    MetricType type_ = MetricType::Counter;
    std::vector<std::string> labels_;
  };

  /// States a family; stated twice, the second adds to the first. Counters are named …_total, durations …_seconds.
  Family& counter(std::string_view name, std::string_view help, Names labels = {});
  Family& gauge(std::string_view name, std::string_view help, Names labels = {});
  Family& histogram(std::string_view name, std::string_view help, Names labels = {});

  const std::map<std::string, Family, std::less<>>& families() const { return families_; }
  /// Every family that has a sample, in order of the names.
  std::string text() const;
  /// Tables (Markdown) of every family with type, labels and help; for the reference page.
  std::string reference() const;

 private:
  Family& family(MetricType type, std::string_view name, std::string_view help, Names labels);
  std::map<std::string, Family, std::less<>> families_;
};

}  // namespace starling::diagnostics
