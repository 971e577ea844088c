#include "cli/daemon_services.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "cli/api.hpp"
#include "starling/diagnostics/process.hpp"

namespace starling::cli {
namespace {

constexpr Duration kWatchInterval = std::chrono::seconds(5);
constexpr Duration kStall = std::chrono::milliseconds(250);  // of the loop: time-outs of peers begin to be at risk

}  // namespace

Log::Sink stderr_sink() {
  const bool journal = std::getenv("JOURNAL_STREAM") != nullptr;
  return [journal](const LogRecord& record) {
    const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    const std::string time = journal ? "" : fmt::format("time={:%FT%T}Z ", now);
    const std::string line = time + to_line(record) + "\n";
    std::fwrite(line.data(), 1, line.size(), stderr);
  };
}

DaemonServices::DaemonServices(Session& session, Log& log) : session_(session), log_(log), tasks_(*session.reactor) {}

DaemonServices::~DaemonServices() {
  if (api_line_.empty()) return;
  std::ifstream file(api_file_);
  std::string line;
  std::error_code ignored;  // the folder may be gone, and then so is the file
  if (std::getline(file, line) && line + "\n" == api_line_) std::filesystem::remove(api_file_, ignored);
}

Status DaemonServices::start(bool port_was_given, const std::filesystem::path& folder) {
  session_.reactor->measure_turns();
  session_.node->diagnostics().add_metrics(diagnostics::process_metrics);
  tasks_.spawn(watch());
  const runtime::Options& options = session_.node->options();
  if (options.diagnostics.port == 0) return {};
  STARLING_TRY(const io::IpAddress address, io::IpAddress::from_string(options.diagnostics.address));
  const io::World world{*session_.reactor, *session_.network, system_random()};
  diagnostics::ServerOptions server{{address, options.diagnostics.port},
                                    options.diagnostics.allow_remote,
                                    options.diagnostics.max_connections,
                                    options.diagnostics.timeout};
  server_ = std::make_unique<diagnostics::Server>(world, session_.node->diagnostics(), server);
  auto at = server_->start();
  if (!at && at.error() == ErrorCode::AddressInUse && !port_was_given) {
    log_.warning("diagnostics", "the default port is taken, any free one is used", {{"port", server.at.port}});
    server.at.port = 0;
    server_ = std::make_unique<diagnostics::Server>(world, session_.node->diagnostics(), server);
    at = server_->start();
  }
  if (!at) return std::unexpected(std::move(at).error());
  log_.info("diagnostics", "serving", {{"address", at->to_string()}});
  if (folder.empty()) return {};
  if (const Status written = write_api_file(folder, *at); !written)
    log_.warning("diagnostics", "commands need --api to find this daemon", {{"error", written.error()}});
  return {};
}

// Made anew with mode 0600 and put in place whole: nobody reads half a line.
Status DaemonServices::write_api_file(const std::filesystem::path& folder, const io::Endpoint& at) {
  api_file_ = folder / "api";
  const auto unwritable = [&](const std::string& why) {
    return fail(ErrorCode::FileUnwritable, Op::WriteFile, Origin::Local, api_file_.string() + ": " + why);
  };
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem) return unwritable(problem.message());
  const std::string line = at.to_string() + "\n";
  const std::string draft = api_file_.string() + "." + std::to_string(::getpid());
  const int file = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return unwritable("cannot be created");
  const bool whole = ::write(file, line.data(), line.size()) == ssize_t(line.size());
  ::close(file);
  if (whole) std::filesystem::rename(draft, api_file_, problem);
  if (!whole || problem) return unwritable(whole ? problem.message() : "the disk is full");
  api_line_ = line;
  return {};
}

// Rates need a look now and then; a stall of the loop is told where it can be read.
io::Task<void> DaemonServices::watch() {
  LogLimit limit(3, std::chrono::minutes(1));
  while (co_await io::sleep_for(*session_.reactor, kWatchInterval)) {
    (void)session_.host().traffic();
    const Duration longest = session_.reactor->take_longest_turn();
    if (longest >= kStall && limit.allow(session_.reactor->now()))
      log_.warning("loop", "the event loop stood still", {{"for", longest}, {"suppressed", limit.take_suppressed()}});
  }
}

io::Task<void> DaemonServices::close() {
  co_await tasks_.close();
  if (server_) co_await server_->close();
}

}  // namespace starling::cli
