// starling gater: rules about who may be dialed and who may connect, kept in the data folder. A running daemon on the
// same folder sees a change within a second or two.
#include <cstdio>

#include "cli/commands.hpp"
#include "cli/gater_watch.hpp"
#include "cli/session.hpp"

namespace starling::cli {
namespace {

using swarm::GateRule;

struct GaterFlags {
  std::string data_dir;
  std::vector<std::string> subjects;
  bool json = false;
};

/// A subject as people write it: a peer id, a network or an IP address, or a multiaddr.
Result<GateRule> rule_of(const std::string& effect, const std::string& subject) {
  if (subject.starts_with('/')) return GateRule::from_string(effect + " address " + subject);
  if (auto network = GateRule::from_string(effect + " ip " + subject)) return network;
  if (auto peer = GateRule::from_string(effect + " peer " + subject)) return peer;
  return fail(ErrorCode::InvalidArgument, Op::Parse, Origin::Local,
              "'" + subject + "' is no peer id, no IP address or network, and no multiaddr");
}

std::filesystem::path file_of(const GaterFlags& flags) { return gater_file(flags.data_dir); }

Status save(const std::filesystem::path& path, const std::vector<GateRule>& rules) {
  std::error_code problem;
  std::filesystem::create_directories(path.parent_path(), problem);
  if (problem)
    return fail(ErrorCode::FileUnwritable, Op::WriteFile, Origin::Local,
                path.parent_path().string() + ": " + problem.message());
  return runtime::save_gater_file(path, rules);
}

Status change(const GaterFlags& flags, const std::string& effect) {
  STARLING_TRY(std::vector<GateRule> rules, runtime::load_gater_file(file_of(flags)));
  for (const std::string& subject : flags.subjects) {
    STARLING_TRY(const GateRule rule, rule_of(effect, subject));
    std::erase_if(rules, [&](const GateRule& each) { return each.subject == rule.subject; });
    rules.push_back(rule);
  }
  return save(file_of(flags), rules);
}

Status remove(const GaterFlags& flags) {
  STARLING_TRY(std::vector<GateRule> rules, runtime::load_gater_file(file_of(flags)));
  for (const std::string& subject : flags.subjects) {
    STARLING_TRY(const GateRule rule, rule_of("deny", subject));
    if (std::erase_if(rules, [&](const GateRule& each) { return each.subject == rule.subject; }) == 0)
      return fail(ErrorCode::NotFound, Op::Parse, Origin::Local, "no rule about " + subject);
  }
  return save(file_of(flags), rules);
}

int list(const GaterFlags& flags) {
  const auto rules = runtime::load_gater_file(file_of(flags));
  if (!rules) return report(rules.error(), flags.json);
  for (const GateRule& rule : *rules) {
    if (flags.json)
      print_json({{"rule", rule.to_string()}});
    else
      std::printf("%s\n", rule.to_string().c_str());
  }
  return kOk;
}

int done(const Status& status, bool json) { return status ? kOk : report(status.error(), json); }

void add_common(CLI::App& app, GaterFlags& flags, bool subjects) {
  if (subjects)
    app.add_option("SUBJECT", flags.subjects, "Peer ids, IP addresses, networks (192.0.2.0/24) or multiaddrs")
        ->required();
  app.add_option("--data-dir", flags.data_dir, "Folder of the daemon; default: the user's data folder")
      ->type_name("DIR");
  add_json_flag(app, flags.json);
}

}  // namespace

void add_gater_command(CLI::App& app, Run& run) {
  auto flags = std::make_shared<GaterFlags>();
  CLI::App* gater = app.add_subcommand("gater", "Rules about who may be dialed and who may connect");
  gater->require_subcommand(1);
  for (const std::string effect : {"allow", "deny"}) {
    CLI::App* command = gater->add_subcommand(
        effect, effect == "allow" ? "Let through whatever deny rules say" : "Neither dial nor let in");
    add_common(*command, *flags, true);
    command->callback([=, &run] { run = [=] { return done(change(*flags, effect), flags->json); }; });
  }
  CLI::App* removal = gater->add_subcommand("remove", "Drop the rules about these");
  add_common(*removal, *flags, true);
  removal->callback([=, &run] { run = [=] { return done(remove(*flags), flags->json); }; });
  CLI::App* listing = gater->add_subcommand("list", "Show all rules");
  add_common(*listing, *flags, false);
  listing->callback([=, &run] { run = [=] { return list(*flags); }; });
  gater->footer(
      "A running daemon with the same data folder follows within two seconds, and closes connections that are "
      "forbidden "
      "now.\nExamples:\n  starling gater deny 192.0.2.0/24\n  starling gater allow 12D3KooW…\n  starling gater list");
}

}  // namespace starling::cli
