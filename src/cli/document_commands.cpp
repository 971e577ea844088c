// Man page and shell completions, made from the same definitions as --help.
#include <cstdio>
#include <string>

#include "cli/commands.hpp"
#include "cli/session.hpp"
#include "starling/base/version.hpp"

namespace starling::cli {
namespace {

// Text for troff: backslashes, dashes and a leading dot mean something there.
std::string troff(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    if (c == '\\')
      safe += "\\e";
    else if (c == '-')
      safe += "\\-";
    else if (c == '.' && (safe.empty() || safe.back() == '\n'))
      safe += "\\&.";
    else
      safe += c;
  }
  return safe;
}

std::string option_line(const CLI::Option& option) {
  std::string text =
      ".TP\n.B " + troff(option.get_name(option.get_positional(), true)) + "\n" + troff(option.get_description());
  if (!option.get_default_str().empty()) text += " (default: " + troff(option.get_default_str()) + ")";
  return text + "\n";
}

std::string man_of(const CLI::App& app, const std::string& path) {
  std::string text = ".SS " + troff(path) + "\n" + troff(app.get_description()) + "\n";
  for (const CLI::Option* option : app.get_options())
    if (option->get_name() != "--help") text += option_line(*option);
  if (!app.get_footer().empty()) text += ".PP\n.nf\n" + troff(app.get_footer()) + "\n.fi\n";
  for (const CLI::App* sub : app.get_subcommands({})) text += man_of(*sub, path + " " + sub->get_name());
  return text;
}

std::string man_page(const CLI::App& app) {
  std::string text = ".TH STARLING 1 \"\" \"starling " + std::string(kVersion) +
                     "\" \"User Commands\"\n.SH NAME\nstarling \\- " + troff(app.get_description()) +
                     "\n.SH SYNOPSIS\n.B starling\nCOMMAND [OPTIONS]\n.SH COMMANDS\n";
  for (const CLI::App* sub : app.get_subcommands({})) text += man_of(*sub, sub->get_name());
  return text + ".SH EXIT STATUS\n0 success, 1 the operation failed, 2 bad command line, 3 timed out.\n";
}

std::vector<std::string> words_of(const CLI::App& app) {
  std::vector<std::string> words;
  for (const CLI::App* sub : app.get_subcommands({})) words.push_back(sub->get_name());
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
  return words;
}

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

// Calls visit(path, app) for the program and each command below it.
template <typename Visit>
void walk(const CLI::App& app, const std::string& path, Visit&& visit) {
  visit(path, app);
  for (const CLI::App* sub : app.get_subcommands({}))
    walk(*sub, path.empty() ? sub->get_name() : path + " " + sub->get_name(), visit);
}

std::string bash_completion(const CLI::App& app) {
  std::string text =
      "_starling() {\n  local path=\"\" word i\n  for ((i = 1; i < COMP_CWORD; i++)); do\n    "
      "word=\"${COMP_WORDS[i]}\"\n"
      "    [[ $word == [a-z]* && $word != */* ]] && path=\"${path:+$path }$word\"\n  done\n  local words=\"\"\n  case "
      "\"$path\" in\n";
  walk(app, "", [&](const std::string& path, const CLI::App& each) {
    text += "    \"" + path + "\") words=\"" + join(words_of(each)) + "\" ;;\n";
  });
  return text +
         "  esac\n  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
         "  [[ ${#COMPREPLY[@]} -gt 0 ]] || mapfile -t COMPREPLY < <(compgen -f -- \"${COMP_WORDS[COMP_CWORD]}\")\n}\n"
         "complete -F _starling starling\n";
}

std::string zsh_completion(const CLI::App& app) {
  return "#compdef starling\nautoload -U +X bashcompinit && bashcompinit\n" + bash_completion(app);
}

std::string fish_completion(const CLI::App& app) {
  std::string text = "complete -c starling -f\n";
  for (const CLI::App* sub : app.get_subcommands({})) {
    text += "complete -c starling -n __fish_use_subcommand -a " + sub->get_name() + " -d \"" + sub->get_description() +
            "\"\n";
    walk(*sub, sub->get_name(), [&](const std::string&, const CLI::App& each) {
      for (const CLI::App* inner : each.get_subcommands({}))
        text += "complete -c starling -n \"__fish_seen_subcommand_from " + sub->get_name() + "\" -a " +
                inner->get_name() + "\n";
      for (const CLI::Option* option : each.get_options())
        for (const std::string& name : option->get_lnames())
          text += "complete -c starling -n \"__fish_seen_subcommand_from " + sub->get_name() + "\" -l " + name + "\n";
    });
  }
  return text;
}

}  // namespace

void add_document_commands(CLI::App& app, Run& run) {
  auto shell = std::make_shared<std::string>();
  CLI::App* completions = app.add_subcommand("completions", "Print the completion script of a shell");
  completions->add_option("shell", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  completions->footer("Example:\n  starling completions bash > /etc/bash_completion.d/starling");
  completions->callback([shell, &app, &run] {
    run = [shell, &app] {
      const std::string text = *shell == "bash"  ? bash_completion(app)
                               : *shell == "zsh" ? zsh_completion(app)
                                                 : fish_completion(app);
      std::fputs(text.c_str(), stdout);
      return kOk;
    };
  });
  CLI::App* man = app.add_subcommand("man", "Print the manual page");
  man->footer("Example:\n  starling man | man -l -");
  man->callback([&app, &run] {
    run = [&app] {
      std::fputs(man_page(app).c_str(), stdout);
      return kOk;
    };
  });
}

}  // namespace starling::cli
