#include <cstdio>

#include "cli/commands.hpp"
#include "cli/session.hpp"
#include "starling/base/version.hpp"

namespace starling::cli {

int starling_main(int argc, char** argv) {
  CLI::App app("a peer-to-peer node that speaks libp2p", "starling");
  app.set_version_flag("--version", std::string("starling ") + kVersion);
  app.require_subcommand(1);
  app.footer(
      "Start a node:           starling daemon\nPing one:               starling ping ADDRESS\nHelp on one command:    "
      "starling COMMAND --help");
  Run run;
  add_daemon_command(app, run);
  add_ping_command(app, run);
  add_identify_command(app, run);
  add_dial_command(app, run);
  add_resolve_command(app, run);
  add_perf_command(app, run);
  add_key_commands(app, run);
  add_interop_client_command(app, run);
  add_peers_command(app, run);
  add_addresses_command(app, run);
  add_stats_command(app, run);
  add_metrics_command(app, run);
  add_config_command(app, run);
  add_gater_command(app, run);
  add_limits_command(app, run);
  add_document_commands(app, run);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kUsage;
  }
  return run();
}

}  // namespace starling::cli
