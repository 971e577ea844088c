#include "cli/api.hpp"

#include <boost/json/parse.hpp>
#include <charconv>
#include <cstdlib>
#include <fstream>

#include "starling/diagnostics/server.hpp"

namespace starling::cli {
namespace {

constexpr Duration kPatience = std::chrono::seconds(10);
constexpr std::uint64_t kLargestPage = 64u << 20;

Result<io::Endpoint> daemon_of(const ApiFlags& flags) {
  if (!flags.api.empty()) return parse_endpoint(flags.api);
  const std::filesystem::path file = api_file(flags.data_dir);
  std::ifstream stream(file);
  std::string line;
  if (!std::getline(stream, line)) {
    return fail(ErrorCode::NotFound, Op::ReadFile, Origin::Local,
                file.string() + ": no daemon runs with this data folder; start one, or name it with --api HOST:PORT");
  }
  return parse_endpoint(line);
}

}  // namespace

void add_api_flags(CLI::App& app, ApiFlags& flags) {
  app.add_option("--api", flags.api, "Diagnostics address of the daemon; default: that of the data folder")
      ->type_name("HOST:PORT");
  app.add_option("--data-dir", flags.data_dir, "Data folder of the daemon")->type_name("DIR");
  add_json_flag(app, flags.json);
}

std::filesystem::path data_dir(const std::string& given) {
  if (!given.empty()) return given;
  if (const char* xdg = std::getenv("XDG_DATA_HOME"); xdg != nullptr && *xdg != '\0')
    return std::filesystem::path(xdg) / "starling";
  const char* home = std::getenv("HOME");
  return std::filesystem::path(home != nullptr ? home : ".") / ".local/share/starling";
}

std::filesystem::path api_file(const std::string& folder) { return data_dir(folder) / "api"; }

Result<io::Endpoint> parse_endpoint(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  const std::string number = colon == std::string::npos ? "" : text.substr(colon + 1);
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  std::uint16_t port = 0;
  const auto [end, problem] = std::from_chars(number.data(), number.data() + number.size(), port);
  const auto address = io::IpAddress::from_string(host);
  if (!address || problem != std::errc() || end != number.data() + number.size())
    return fail(ErrorCode::InvalidArgument, Op::Parse, Origin::Local, "'" + text + "': write it like 127.0.0.1:5101");
  return io::Endpoint{*address, port};
}

Result<std::string> ask_daemon_for(const ApiFlags& flags, const std::string& path) {
  STARLING_TRY(const io::Endpoint server, daemon_of(flags));
  const auto reactor = io::RealReactor::create();
  const auto network = reactor->make_network();
  auto got = io::run_task(*reactor, diagnostics::http_get(*network, server, path, kPatience, kLargestPage));
  if (!got) return std::unexpected(std::move(got.error()).while_doing(Op::Connect, "daemon at " + server.to_string()));
  if (got->status == 200) return std::move(got->body);
  return fail(ErrorCode::NotFound, Op::Run, Origin::Remote, got->body);
}

Result<boost::json::value> ask_daemon(const ApiFlags& flags, const std::string& page) {
  STARLING_TRY(const std::string body, ask_daemon_for(flags, "/debug/p2p/" + page));
  boost::system::error_code problem;
  boost::json::value value = boost::json::parse(body, problem);
  if (problem) return fail(ErrorCode::Malformed, Op::Decode, Origin::Remote, page + ": " + problem.message());
  return value;
}

}  // namespace starling::cli
