// starling metrics: what /metrics of a daemon tells, or the list of what it may tell.
#include <cstdio>

#include "cli/api.hpp"
#include "cli/commands.hpp"
#include "starling/diagnostics/process.hpp"

namespace starling::cli {
namespace {

constexpr const char* kHead =
    "# Metrics\n\nWritten by `./dev docs` from what a node states; do not edit. How to scrape them: "
    "[metrics](../metrics.md).\n";

// A node that is not started states every family it has.
int reference() {
  NodeFlags flags;
  return run_session(flags, runtime::Options{}, /*timed=*/false, [](Session& session) -> io::Task<int> {
    diagnostics::Metrics all = session.node->diagnostics().collect();
    diagnostics::process_metrics(all);
    std::fputs((kHead + all.reference()).c_str(), stdout);
    co_return kOk;
  });
}

}  // namespace

void add_metrics_command(CLI::App& app, Run& run) {
  auto flags = std::make_shared<ApiFlags>();
  auto list = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand("metrics", "Print the metrics of a running daemon");
  command->add_option("--api", flags->api, "Diagnostics address of the daemon; default: that of the data folder")
      ->type_name("HOST:PORT");
  command->add_option("--data-dir", flags->data_dir, "Data folder of the daemon")->type_name("DIR");
  command->add_flag("--reference", *list, "List every metric with its type, labels and meaning (Markdown)");
  command->footer("Example:\n  starling metrics | grep libp2p_swarm");
  command->callback([flags, list, &run] {
    run = [flags, list] {
      if (*list) return reference();
      const auto text = ask_daemon_for(*flags, "/metrics");
      if (!text) return report(text.error(), /*json=*/false);
      std::fputs(text->c_str(), stdout);
      return kOk;
    };
  });
}

}  // namespace starling::cli
