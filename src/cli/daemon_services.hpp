// What a daemon runs beside its node: the log on stderr, the diagnostics server with the file that names it, and a look
// now and then at traffic and at stalls of the loop.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "cli/session.hpp"
#include "starling/base/log.hpp"
#include "starling/diagnostics/server.hpp"

namespace starling::cli {

/// Writes lines with the time to stderr; without the time under systemd, whose journal has its own.
Log::Sink stderr_sink();

/// Resource: close() before it dies.
class DaemonServices {
 public:
  DaemonServices(Session& session, Log& log);
  ~DaemonServices();
  /// Starts the server unless diagnostics.port is 0. `folder`: where its file goes; empty = nowhere. A port that is
  /// taken is an error if it was asked for; the default port gives way to any free one, so that several daemons run on
  /// one machine.
  Status start(bool port_was_given, const std::filesystem::path& folder);
  io::Task<void> close();

 private:
  Status write_api_file(const std::filesystem::path& folder, const io::Endpoint& at);
  io::Task<void> watch();

  Session& session_;
  Log& log_;
  std::unique_ptr<diagnostics::Server> server_;
  std::filesystem::path api_file_;
  std::string api_line_;
  io::TaskGroup tasks_;
};

}  // namespace starling::cli
