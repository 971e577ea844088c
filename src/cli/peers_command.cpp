// starling peers, starling addresses: what a running daemon knows of others, and what it tells of itself.
#include <fmt/format.h>

#include <cstdio>

#include "cli/api.hpp"
#include "cli/commands.hpp"

namespace starling::cli {
namespace {

namespace json = boost::json;

struct PeersFlags {
  ApiFlags api;
  bool all = false;
};

void print(const std::string& line) { std::fputs(line.c_str(), stdout); }
std::string text(const json::value& object, const char* key) { return std::string(object.at(key).as_string()); }
std::uint64_t number(const json::value& object, const char* key) { return object.at(key).to_number<std::uint64_t>(); }

void show_connected(const json::value& page) {
  for (const json::value& each : page.at("connections").as_array()) {
    print(fmt::format("{}  {:<8}  {:4} streams  {:8.1f} ms  {}  {}\n", text(each, "peer_id"), text(each, "direction"),
                      number(each, "streams"), each.at("round_trip_ms").to_number<double>(), text(each, "address"),
                      text(each, "agent_version")));
  }
  print(fmt::format("{} connections\n", number(page, "count")));
}

std::string kept(const json::value& address) {
  const json::value& expires = address.at("expires_in_seconds");
  return text(address, "life") + (expires.is_null() ? "" : fmt::format(", {:.0f} s more", expires.to_number<double>()));
}

void show_book(const json::value& page) {
  for (const json::value& peer : page.at("known").as_array()) {
    print(fmt::format("{}  {}  {}\n", text(peer, "peer_id"), peer.at("connected").as_bool() ? "connected" : "",
                      text(peer, "agent_version")));
    for (const json::value& each : peer.at("addresses").as_array()) {
      print(fmt::format("    {}  from {}; {}{}{}\n", text(each, "address"), text(each, "sources"), kept(each),
                        each.at("certified").as_bool() ? "; signed" : "",
                        each.at("proven").as_bool()     ? "; proven"
                        : number(each, "failures") == 0 ? ""
                                                        : fmt::format("; failed {} times", number(each, "failures"))));
    }
  }
  print(fmt::format("{} peers, {} addresses, {} signed records\n", number(page, "peers"), number(page, "addresses"),
                    number(page, "records")));
}

void show_addresses(const json::value& page) {
  for (const json::value& each : page.at("addresses").as_array()) {
    const std::string detail = text(each, "detail");
    print(fmt::format("{:<14} {}  {}{}\n", each.at("announced").as_bool() ? "announced" : "not announced",
                      text(each, "address"), text(each, "reason"), detail.empty() ? "" : " (" + detail + ")"));
  }
  print(fmt::format("NAT as others see it: TCP {}, UDP {}; {} votes\n", text(page, "nat_mapping_tcp"),
                    text(page, "nat_mapping_udp"), number(page, "votes")));
}

int show(const ApiFlags& flags, const char* name, void (*as_text)(const json::value&)) {
  const auto page = ask_daemon(flags, name);
  if (!page) return report(page.error(), flags.json);
  if (flags.json)
    print_json(page->as_object());
  else
    as_text(*page);
  return kOk;
}

}  // namespace

void add_peers_command(CLI::App& app, Run& run) {
  auto flags = std::make_shared<PeersFlags>();
  CLI::App* command = app.add_subcommand("peers", "Show the peers of a running daemon");
  add_api_flags(*command, flags->api);
  command->add_flag("--all", flags->all, "Everything the address book knows, not only connected peers");
  command->footer("Examples:\n  starling peers\n  starling peers --all --json");
  command->callback([flags, &run] {
    run = [flags] {
      return flags->all ? show(flags->api, "book", show_book) : show(flags->api, "peers", show_connected);
    };
  });
}

void add_addresses_command(CLI::App& app, Run& run) {
  auto flags = std::make_shared<ApiFlags>();
  CLI::App* command = app.add_subcommand("addresses", "Show which addresses a running daemon announces, and why");
  add_api_flags(*command, *flags);
  command->footer("Example:\n  starling addresses");
  command->callback([flags, &run] { run = [flags] { return show(*flags, "addresses", show_addresses); }; });
}

}  // namespace starling::cli
