#include "starling/diagnostics/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "starling/diagnostics/process.hpp"
#include "starling/diagnostics/registry.hpp"

namespace starling::diagnostics {
namespace {

using testing::HasSubstr;
using testing::Not;
using std::literals::chrono_literals::operator""ms;
using std::literals::chrono_literals::operator""us;

TEST(Metrics, samples_of_one_name_stand_together_below_one_header) {
  Metrics all;
  all.counter("b_total", "Second.", {"reason"}).add(1, {"limit"});
  all.gauge("a", "First.").add(2.5);
  all.counter("b_total", "Second.", {"reason"}).add(3, {"self"});
  EXPECT_EQ(
      all.text(),
      "# HELP a First.\n# TYPE a gauge\na 2.5\n"
      "# HELP b_total Second.\n# TYPE b_total counter\nb_total{reason=\"limit\"} 1\nb_total{reason=\"self\"} 3\n");
}

TEST(Metrics, a_family_without_samples_is_stated_but_not_written) {
  Metrics all;
  all.counter("a_total", "None yet.", {"protocol"});
  EXPECT_EQ(all.text(), "");
  EXPECT_EQ(all.families().size(), 1u);
}

TEST(Metrics, label_values_and_help_are_escaped) {
  Metrics all;
  all.gauge("a", "line\nbreak \\", {"name"}).add(1, {"quo\"te\\new\nline"});
  EXPECT_EQ(all.text(), "# HELP a line\\nbreak \\\\\n# TYPE a gauge\na{name=\"quo\\\"te\\\\new\\nline\"} 1\n");
}

TEST(Metrics, large_counters_keep_every_digit_that_a_double_holds) {
  Metrics all;
  all.counter("a_total", "Bytes.").add(double(std::uint64_t{1} << 52));
  EXPECT_THAT(all.text(), HasSubstr("a_total 4503599627370496\n"));
}

TEST(Metrics, the_reference_lists_families_with_their_labels) {
  Metrics all;
  all.counter("b_x_total", "Second.", {"reason", "dir"});
  all.gauge("a_y", "First.");
  EXPECT_THAT(all.reference(), HasSubstr("## a\n"));
  EXPECT_THAT(all.reference(), HasSubstr("| `b_x_total` | counter | `reason`, `dir` | Second. |\n"));
}

TEST(Metrics, a_histogram_counts_upward_and_ends_with_all) {
  Histogram times;
  times.add(1us);
  times.add(3us);
  times.add(500ms);
  Metrics all;
  all.histogram("a_seconds", "Times.", {"kind"}).add(times, {"x"});
  const std::string text = all.text();
  EXPECT_THAT(text, HasSubstr("a_seconds_bucket{kind=\"x\",le=\"1e-06\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("a_seconds_bucket{kind=\"x\",le=\"2e-06\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("a_seconds_bucket{kind=\"x\",le=\"4e-06\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("a_seconds_bucket{kind=\"x\",le=\"+Inf\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("a_seconds_sum{kind=\"x\"} 0.500004\na_seconds_count{kind=\"x\"} 3\n"));
}

TEST(ProcessMetrics, this_process_has_memory_descriptors_and_used_the_processor) {
  Metrics all;
  process_metrics(all);
  for (const auto& [name, family] : all.families()) EXPECT_NE(family.samples(), "") << name;
  EXPECT_EQ(all.families().size(), 5u);
}

TEST(Registry, an_unknown_page_names_those_there_are) {
  Registry registry;
  registry.add("peers", "Connected peers", [] { return boost::json::value{{"count", 1}}; });
  EXPECT_EQ(registry.show("peers")->at("count"), 1);
  const auto wrong = registry.show("pears");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code(), ErrorCode::NotFound);
  EXPECT_THAT(wrong.error().detail(), HasSubstr("peers"));
  registry.remove("peers");
  EXPECT_FALSE(registry.show("peers"));
}

TEST(Registry, collectors_state_what_is_true_when_asked) {
  Registry registry;
  int now = 1;
  registry.add_metrics([&](Metrics& out) { out.gauge("a", "Now.").add(now); });
  EXPECT_THAT(registry.collect().text(), HasSubstr("a 1\n"));
  now = 2;
  EXPECT_THAT(registry.collect().text(), HasSubstr("a 2\n"));
}

}  // namespace
}  // namespace starling::diagnostics
