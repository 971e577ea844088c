// starling config: check a file, explain what is in force and who set it, print the defaults.
#include <cstdio>
#include <fstream>
#include <sstream>

#include "cli/commands.hpp"
#include "cli/session.hpp"

namespace starling::cli {
namespace {

struct ConfigFlags {
  NodeFlags node;
  std::string file, key;
};

int told(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  return kOk;
}

int tell_mistakes(const std::vector<Error>& mistakes, bool json) {
  for (const Error& mistake : mistakes) std::fprintf(stderr, "error: %s\n", mistake.detail().c_str());
  if (json) {
    boost::json::array all;
    for (const Error& mistake : mistakes) all.emplace_back(mistake.detail());
    print_json({{"event", "config-checked"}, {"ok", mistakes.empty()}, {"mistakes", std::move(all)}});
  }
  return mistakes.empty() ? kOk : kFailed;
}

int check(ConfigFlags flags) {
  flags.node.config_file = flags.file;
  const auto configuration = configuration_of(flags.node);
  if (!configuration) return report(configuration.error(), flags.node.json);
  const int code = tell_mistakes(configuration->mistakes, flags.node.json);
  if (code == kOk && !flags.node.json) std::printf("%s is in order\n", flags.file.c_str());
  return code;
}

boost::json::object as_json(const runtime::Key& key, const runtime::Configuration& all, const runtime::Source& source) {
  return {{"key", key.name},
          {"value", runtime::value_text(key, all.options)},
          {"origin", source.to_string()},
          {"default", runtime::value_text(key, runtime::Options{})},
          {"takes", runtime::describe(key.rule)},
          {"environment", runtime::environment_name(key)},
          {"restart_needed", true},  // no key is read again while a node runs
          {"about", key.about}};
}

void show(const runtime::Key& key, const runtime::Configuration& all, const runtime::Source& source, bool whole) {
  std::printf("%s = %s  (%s)\n", std::string(key.name).c_str(), runtime::value_text(key, all.options).c_str(),
              source.to_string().c_str());
  if (!whole) return;
  std::printf("  %s\n  takes        %s\n  default      %s\n  environment  %s\n  takes effect when the node starts\n",
              std::string(key.about).c_str(), runtime::describe(key.rule).c_str(),
              runtime::value_text(key, runtime::Options{}).c_str(), runtime::environment_name(key).c_str());
}

// `key` names one, or a section: swarm. Empty: all.
int explain(const ConfigFlags& flags) {
  const auto configuration = configuration_of(flags.node);
  if (!configuration) return report(configuration.error(), flags.node.json);
  if (!configuration->mistakes.empty()) return tell_mistakes(configuration->mistakes, flags.node.json);
  const auto keys = runtime::configuration_keys();
  bool any = false;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const runtime::Key& key = keys[i];
    if (!flags.key.empty() && key.name != flags.key && !key.name.starts_with(flags.key + ".")) continue;
    any = true;
    if (flags.node.json) {
      print_json(as_json(key, *configuration, configuration->sources[i]));
    } else {
      show(key, *configuration, configuration->sources[i], /*whole=*/key.name == flags.key);
    }
  }
  if (any) return kOk;
  const std::string_view near = runtime::nearest_key(flags.key);
  return report(Error(ErrorCode::NotFound, Op::Configure, Origin::Local,
                      "no key or section '" + flags.key + "'" +
                          (near.empty() ? std::string() : "; did you mean '" + std::string(near) + "'?")),
                flags.node.json);
}

}  // namespace

void add_config_command(CLI::App& app, Run& run) {
  auto flags = std::make_shared<ConfigFlags>();
  CLI::App* config = app.add_subcommand("config", "Check, explain or list the configuration");
  config->require_subcommand(1);
  config->footer(
      "Examples:\n  starling config default > node.toml\n  starling config check node.toml\n"
      "  starling config explain swarm.max_connections --config node.toml");

  CLI::App* check_command = config->add_subcommand("check", "Tell every mistake in a file");
  check_command->add_option("file", flags->file, "TOML file")->required()->type_name("FILE");
  add_configuration_flags(*check_command, flags->node);
  add_json_flag(*check_command, flags->node.json);
  check_command->callback([flags, &run] { run = [flags] { return check(*flags); }; });

  CLI::App* explain_command = config->add_subcommand("explain", "Show each value, and who set it");
  explain_command->add_option("key", flags->key, "A key or a section; all without it")->type_name("KEY");
  add_configuration_flags(*explain_command, flags->node);
  add_json_flag(*explain_command, flags->node.json);
  explain_command->callback([flags, &run] { run = [flags] { return explain(*flags); }; });

  CLI::App* default_command = config->add_subcommand("default", "Print a file with every key, commented out");
  default_command->callback([&run] { run = [] { return told(runtime::configuration_template()); }; });
  CLI::App* reference = config->add_subcommand("reference", "Print the reference page (Markdown)");
  reference->callback([&run] { run = [] { return told(runtime::configuration_reference()); }; });
}

}  // namespace starling::cli
