// The commands of the starling program. Each registers itself on the parser and leaves in `run` what to do.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace starling::cli {

using Run = std::function<int()>;

void add_key_commands(CLI::App& app, Run& run);
void add_daemon_command(CLI::App& app, Run& run);
void add_ping_command(CLI::App& app, Run& run);
void add_identify_command(CLI::App& app, Run& run);
void add_dial_command(CLI::App& app, Run& run);
void add_resolve_command(CLI::App& app, Run& run);
void add_perf_command(CLI::App& app, Run& run);
void add_interop_client_command(CLI::App& app, Run& run);
void add_peers_command(CLI::App& app, Run& run);
void add_addresses_command(CLI::App& app, Run& run);
void add_stats_command(CLI::App& app, Run& run);
void add_metrics_command(CLI::App& app, Run& run);
void add_config_command(CLI::App& app, Run& run);
void add_gater_command(CLI::App& app, Run& run);
void add_limits_command(CLI::App& app, Run& run);
void add_document_commands(CLI::App& app, Run& run);

/// The whole program: parses, runs, returns the exit code.
int starling_main(int argc, char** argv);

}  // namespace starling::cli
