// starling stats: what a running daemon has sent and received.
#include <fmt/format.h>

#include <cstdio>

#include "cli/api.hpp"
#include "cli/commands.hpp"
#include "cli/units.hpp"

namespace starling::cli {
namespace {

std::string flow(const boost::json::object& of) {
  const auto size = [&](const char* key) { return format_size(of.at(key).to_number<std::uint64_t>()); };
  const auto rate = [&](const char* key) { return format_size(std::uint64_t(of.at(key).to_number<double>())); };
  return fmt::format("in {:>10} {:>10}/s   out {:>10} {:>10}/s", size("in"), rate("in_rate"), size("out"),
                     rate("out_rate"));
}

void show(const boost::json::value& page) {
  std::printf("%-52s %s\n", "total", flow(page.at("total").as_object()).c_str());
  for (const char* part : {"transports", "protocols", "peers"}) {
    std::printf("\n%s\n", part);
    for (const auto& each : page.at(part).as_array())
      std::printf("  %-50s %s\n", each.at("name").as_string().c_str(), flow(each.as_object()).c_str());
  }
}

int stats(const ApiFlags& flags) {
  const auto page = ask_daemon(flags, "bandwidth");
  if (!page) return report(page.error(), flags.json);
  if (flags.json) {
    print_json(page->as_object());
  } else {
    show(*page);
  }
  return kOk;
}

}  // namespace

void add_stats_command(CLI::App& app, Run& run) {
  auto flags = std::make_shared<ApiFlags>();
  CLI::App* command = app.add_subcommand("stats", "Show the traffic of a running daemon");
  add_api_flags(*command, *flags);
  command->footer("Example:\n  starling stats\n  starling stats --api 127.0.0.1:5101 --json");
  command->callback([flags, &run] { run = [flags] { return stats(*flags); }; });
}

}  // namespace starling::cli
