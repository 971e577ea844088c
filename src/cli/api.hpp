// Commands that ask a running daemon: its diagnostics server, found by --api or by the file `api` in the data folder.
#pragma once

#include <boost/json/value.hpp>
#include <filesystem>
#include <string>

#include "cli/session.hpp"
#include "starling/io/network.hpp"

namespace starling::cli {

struct ApiFlags {
  std::string api;       // HOST:PORT
  std::string data_dir;  // where the daemon wrote its file
  bool json = false;
};
/// --api, --data-dir, --json
void add_api_flags(CLI::App& app, ApiFlags& flags);

/// The folder of a daemon: `given`, or the user's data folder.
std::filesystem::path data_dir(const std::string& given);
/// The daemon's address, written on start: mode 0600, one line.
std::filesystem::path api_file(const std::string& data_dir);

/// The page /debug/p2p/`page` of the running daemon. Errors: NotFound (no daemon runs, or it has no such page), those
/// of the connection.
Result<boost::json::value> ask_daemon(const ApiFlags& flags, const std::string& page);

/// The text of any other path of its server.
Result<std::string> ask_daemon_for(const ApiFlags& flags, const std::string& path);

/// "127.0.0.1:5101" or "[::1]:5101".
Result<io::Endpoint> parse_endpoint(const std::string& text);

}  // namespace starling::cli
