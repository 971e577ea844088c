// starling limits: what a running daemon may use, what it uses, what it refused, and what keeps its peers connected.
#include <fmt/format.h>

#include <cstdio>
#include <map>

#include "cli/api.hpp"
#include "cli/commands.hpp"
#include "cli/units.hpp"

namespace starling::cli {
namespace {

namespace json = boost::json;

struct LimitsFlags {
  ApiFlags api;
  bool peers = false;
  std::size_t top = 20;
};

void print(const std::string& line) { std::fputs(line.c_str(), stdout); }

std::uint64_t number(const json::object& of, std::string_view name) {
  const json::value* found = of.if_contains(name);
  return found != nullptr && found->is_number() ? found->to_number<std::uint64_t>() : 0;
}

std::string amount(std::string_view resource, std::uint64_t count) {
  return resource == "memory" ? format_size(count) : std::to_string(count);
}

// Only what is in use: a scope's limits are many, and most of them are far away.
void show_scope(const json::object& scope) {
  print(fmt::format("{}\n", std::string(scope.at("path").as_string())));
  const json::object& limits = scope.at("limits").as_object();
  for (const auto& [name, used] : scope.at("used").as_object()) {
    const std::string resource(name);
    const std::uint64_t now = used.to_number<std::uint64_t>(), most = number(limits, resource);
    print(fmt::format("  {:<22}{:>12} of {:>12}", resource, amount(resource, now),
                      most == 0 ? "unlimited" : amount(resource, most)));
    print(most == 0 ? "\n" : fmt::format("  {:3.0f} %\n", 100.0 * double(now) / double(most)));
  }
}

void show_counts(const char* title, const json::object& counts) {
  print(fmt::format("{}\n", title));
  for (const auto& [name, count] : counts) {
    if (count.is_object()) {
      for (const auto& [inner, each] : count.as_object())
        print(fmt::format("  {:<22}{:>12}\n", std::string(inner), each.to_number<std::uint64_t>()));
    } else if (count.is_number()) {
      print(fmt::format("  {:<22}{:>12}\n", std::string(name), count.to_number<std::uint64_t>()));
    }
  }
}

void show_limits(const json::object& page, std::size_t top) {
  for (const json::value& scope : page.at("scopes").as_array()) {
    if (top-- == 0) break;
    show_scope(scope.as_object());
  }
  show_counts("refused by this node's limits", page.at("refused").as_object());
  show_counts("networks", page.at("networks").as_object());
  show_counts("connections", page.at("connections").as_object());
  show_counts("rules", page.at("gater").as_object());
}

void show_standing(const json::object& page, std::size_t top) {
  for (const json::value& each : page.at("peers").as_array()) {
    if (top-- == 0) break;
    const json::object& peer = each.as_object();
    print(fmt::format("{}  value {}\n", std::string(peer.at("peer_id").as_string()),
                      peer.at("value").to_number<std::int64_t>()));
    for (const json::value& name : peer.at("protections").as_array())
      print(fmt::format("  protected: {}\n", std::string(name.as_string())));
    for (const auto& [tag, worth] : peer.at("tags").as_object())
      print(fmt::format("  tag {}: {}\n", std::string(tag), worth.to_number<std::int64_t>()));
    for (const auto& [reason, count] : peer.at("leases").as_object())
      print(fmt::format("  leased {} times: {}\n", count.to_number<std::uint64_t>(), std::string(reason)));
  }
}

int show(const LimitsFlags& flags) {
  const auto page = ask_daemon(flags.api, flags.peers ? "standing" : "limits");
  if (!page) return report(page.error(), flags.api.json);
  if (flags.api.json)
    print_json(page->as_object());
  else
    (flags.peers ? show_standing : show_limits)(page->as_object(), flags.top);
  return kOk;
}

}  // namespace

void add_limits_command(CLI::App& app, Run& run) {
  auto flags = std::make_shared<LimitsFlags>();
  CLI::App* command = app.add_subcommand("limits", "Show what a running daemon may use, uses, and refused");
  add_api_flags(*command, flags->api);
  command->add_flag("--peers", flags->peers, "Instead, what keeps each connected peer connected");
  command->add_option("--top", flags->top, "Show so many scopes or peers")->capture_default_str();
  command->footer("Examples:\n  starling limits\n  starling limits --peers --json");
  command->callback([flags, &run] { run = [flags] { return show(*flags); }; });
}

}  // namespace starling::cli
