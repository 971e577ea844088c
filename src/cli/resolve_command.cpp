// starling resolve
#include <cstdio>

#include "cli/commands.hpp"
#include "cli/session.hpp"
#include "cli/units.hpp"
#include "starling/names/resolver.hpp"
#include "starling/runtime/resolver.hpp"

namespace starling::cli {
namespace {

struct ResolveFlags {
  std::vector<std::string> addresses;
  NodeFlags node;
};

boost::json::array path_json(const std::vector<Multiaddr>& path) {
  boost::json::array texts;
  for (const Multiaddr& each : path) texts.emplace_back(each.to_string());
  return texts;
}

boost::json::object step_json(const names::LookupStep& step) {
  boost::json::object object{
      {"event", "lookup"},          {"type", std::string(io::to_string(step.question.type))},
      {"name", step.question.name}, {"server", step.server},
      {"cached", step.cached},      {"took_ms", std::chrono::duration<double, std::milli>(step.took).count()},
      {"records", step.records},    {"used", step.used}};
  if (step.error) object["error"] = std::string(to_string(step.error->code()));
  return object;
}

void print_as_json(const names::Resolution& found) {
  for (const auto& step : found.steps) print_json(step_json(step));
  for (const auto& each : found.addresses) {
    print_json({{"event", "address"},
                {"address", each.address.to_string()},
                {"host_name", each.host_name},
                {"path", path_json(each.path)}});
  }
  for (const auto& each : found.failures) {
    print_json({{"event", "unresolved"},
                {"path", path_json(each.path)},
                {"code", std::string(to_string(each.error.code()))},
                {"message", each.error.message()}});
  }
}

std::string arrows(const std::vector<Multiaddr>& path) {
  std::string text;
  for (const Multiaddr& each : path) text += (text.empty() ? "" : " → ") + each.to_string();
  return text;
}

void print_as_text(const names::Resolution& found) {
  for (const auto& step : found.steps) {
    std::fprintf(stderr, "%-24s asked %s, %s: ", step.question.to_string().c_str(), step.server.c_str(),
                 step.cached ? "cached" : format_duration(step.took).c_str());
    if (step.error)
      std::fprintf(stderr, "%s\n", std::string(to_string(step.error->code())).c_str());
    else
      std::fprintf(stderr, "%zu of %zu records used\n", step.used, step.records);
  }
  for (const auto& each : found.addresses) {
    std::printf("%s\n", each.address.to_string().c_str());
    if (each.was_name()) std::fprintf(stderr, "  from %s\n", arrows(each.path).c_str());
  }
  for (const auto& each : found.failures)
    std::fprintf(stderr, "%s: %s\n", arrows(each.path).c_str(), each.error.message().c_str());
}

io::Task<int> resolve_all(names::Resolver& resolver, std::vector<Multiaddr> addresses, const ResolveFlags& flags) {
  const names::Resolution found = co_await io::with_deadline(
      duration_of(flags.node.timeout), io::timeout_error(Op::Resolve, "--timeout " + flags.node.timeout),
      resolver.resolve(std::move(addresses)));
  co_await resolver.close();
  flags.node.json ? print_as_json(found) : print_as_text(found);
  if (!found.addresses.empty()) co_return kOk;
  co_return !found.failures.empty() && found.failures[0].error == ErrorCode::Timeout ? kTimedOut : kFailed;
}

int resolve(const ResolveFlags& flags) {
  std::vector<Multiaddr> addresses;
  for (const std::string& text : flags.addresses) {
    auto address = Multiaddr::from_string(text);
    if (!address) {
      (void)report(address.error(), flags.node.json);
      return kUsage;
    }
    addresses.push_back(std::move(*address));
  }
  const auto reactor = io::RealReactor::create();
  const auto network = reactor->make_network();
  const auto configuration = configuration_of(flags.node);
  if (!configuration) return report(configuration.error(), flags.node.json);
  if (const Status right = runtime::to_status(configuration->mistakes); !right)
    return report(right.error(), flags.node.json);
  auto resolver = runtime::make_resolver({*reactor, *network, system_random()}, configuration->options.dns);
  if (!resolver) return report(resolver.error(), flags.node.json);
  return io::run_task(*reactor, resolve_all(**resolver, std::move(addresses), flags));
}

}  // namespace

void add_resolve_command(CLI::App& app, Run& run) {
  auto flags = std::make_shared<ResolveFlags>();
  CLI::App* command =
      app.add_subcommand("resolve", "Show what the names in addresses stand for, and how that was found");
  command->add_option("address", flags->addresses, "Addresses to resolve")->required()->type_name("MULTIADDR");
  add_json_flag(*command, flags->node.json);
  add_timeout_flag(*command, flags->node);
  add_configuration_flags(*command, flags->node);
  add_key_option(*command, flags->node, "--dns-server", "dns.servers", "Ask these name servers (comma list)");
  add_key_option(
      *command, flags->node, "--dns-resolver", "dns.resolvers",
      "Ask other servers for names below a suffix, '.' for all (comma list): .=https://dns.example/dns-query");
  add_key_option(*command, flags->node, "--dns-ca", "dns.https_ca_file",
                 "Authorities to trust for https:// (PEM file)");
  command->footer(
      "Example:\n  starling resolve /dnsaddr/bootstrap.libp2p.io\n  starling resolve /dns/example.org/tcp/4001 "
      "--dns-resolver .=https://cloudflare-dns.com/dns-query");
  command->callback([flags, &run] { run = [flags] { return resolve(*flags); }; });
}

}  // namespace starling::cli
