#include "starling/runtime/configuration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

namespace starling::runtime {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;

Configuration of_file(std::string text) { return configure({.file_name = "node.toml", .file_text = std::move(text)}); }
Configuration of_settings(std::vector<Setting> settings) { return configure({.settings = std::move(settings)}); }
Configuration of_environment(std::vector<std::pair<std::string, std::string>> environment) {
  return configure({.environment = std::move(environment)});
}

std::string mistakes_of(const Configuration& configuration) {
  std::string all;
  for (const Error& each : configuration.mistakes) all += each.detail() + "\n";
  return all;
}

const Source& source_of(const Configuration& configuration, std::string_view key) {
  return configuration.source_of(key);
}

std::string read(const std::string& path) {
  std::ifstream file(STARLING_SOURCE_DIR "/" + path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(ConfigurationKeys, names_and_variables_are_unique_and_every_key_says_what_it_is) {
  std::set<std::string> names, variables;
  for (const Key& key : configuration_keys()) {
    EXPECT_TRUE(names.insert(std::string(key.name)).second) << key.name;
    EXPECT_TRUE(variables.insert(environment_name(key)).second) << key.name;
    EXPECT_THAT(std::string(key.about), testing::EndsWith(".")) << key.name;
  }
}

TEST(ConfigurationKeys, every_field_is_reached_by_one_key) {
  Options options;
  std::set<void*> fields;
  for (const Key& key : configuration_keys())
    EXPECT_TRUE(fields.insert(std::visit([&](auto* field) -> void* { return field(options); }, key.field)).second)
        << key.name;
}

TEST(ConfigurationKeys, defaults_are_within_their_ranges) { EXPECT_THAT(check_keys(Options{}), SizeIs(0)); }

TEST(ConfigurationKeys, each_value_can_be_written_and_read_back) {
  for (const Key& key : configuration_keys()) {
    const std::string name(key.name), text = value_text(key, Options{});
    const Configuration same = of_file(name + " = " + text);
    EXPECT_EQ(mistakes_of(same), "") << name;
    EXPECT_EQ(value_text(key, same.options), text) << name;
    EXPECT_EQ(source_of(same, name).to_string(), "node.toml:1") << name;
  }
}

TEST(Configuration, later_layers_win_and_each_value_knows_who_set_it) {
  const Configuration all = configure(
      {.file_name = "node.toml",
       .file_text = "profile = \"desktop\"\n[swarm]\nmax_connections = 700\n"
                    "max_dials = 70\ndial_timeout = \"7s\"\n",
       .environment = {{"STARLING_SWARM_MAX_DIALS", "80"}, {"STARLING_SWARM_DIAL_TIMEOUT", "8s"}, {"PATH", "/bin"}},
       .settings = {{"swarm.dial_timeout", "9s", "--set"}}});
  ASSERT_EQ(mistakes_of(all), "");
  EXPECT_EQ(all.profile, "desktop");
  EXPECT_EQ(all.options.swarm.max_inbound_connections, 512u);
  EXPECT_EQ(source_of(all, "swarm.max_inbound_connections").to_string(), "profile desktop");
  EXPECT_EQ(all.options.swarm.max_connections, 700u);
  EXPECT_EQ(source_of(all, "swarm.max_connections").to_string(), "node.toml:3");
  EXPECT_EQ(all.options.swarm.max_dials, 80u);
  EXPECT_EQ(source_of(all, "swarm.max_dials").to_string(), "environment STARLING_SWARM_MAX_DIALS");
  EXPECT_EQ(all.options.swarm.dial_timeout, 9s);
  EXPECT_EQ(source_of(all, "swarm.dial_timeout").to_string(), "flag --set");
  EXPECT_EQ(source_of(all, "swarm.max_dials_per_peer").to_string(), "default");
}

TEST(Configuration, the_profile_of_a_flag_goes_before_the_environments_and_that_before_the_files) {
  ConfigurationInput input{.file_name = "f", .file_text = "profile = \"server\""};
  EXPECT_EQ(configure(input).profile, "server");
  input.environment = {{"STARLING_PROFILE", "lan"}};
  EXPECT_EQ(configure(input).profile, "lan");
  input.profile = "test";
  EXPECT_EQ(configure(input).profile, "test");
  input.profile = "tst";
  EXPECT_THAT(mistakes_of(configure(input)), AllOf(HasSubstr("'tst'"), HasSubstr("low-power")));
}

TEST(Configuration, every_profile_is_valid) {
  for (const Profile& profile : profiles()) {
    const Configuration all = configure({.profile = std::string(profile.name)});
    EXPECT_EQ(mistakes_of(all), "") << profile.name;
    for (const auto& [key, value] : profile.settings)
      EXPECT_NE(value_text(*find_key(key), all.options), value_text(*find_key(key), Options{}))
          << profile.name << " sets " << key << " to its default";
  }
}

TEST(Configuration, all_mistakes_are_told_at_once_each_with_its_place) {
  const Configuration bad = configure({.file_name = "node.toml",
                                       .file_text = "[swarm]\nmax_conections = 5\nmax_dials = 0\ndial_timeout = 30\n",
                                       .environment = {{"STARLING_HOST_IDENTIFY", "maybe"}},
                                       .settings = {{"muxer.window_memory", "64mb", "--set"}}});
  EXPECT_THAT(bad.mistakes, SizeIs(5));
  EXPECT_THAT(mistakes_of(bad),
              AllOf(HasSubstr("node.toml:2: no such key 'swarm.max_conections'; did you mean 'swarm.max_connections'?"),
                    HasSubstr("node.toml:3: swarm.max_dials = 0: must be in 1 … 65536"),
                    HasSubstr("node.toml:4: swarm.dial_timeout = 30: must be a duration from 1ms to 24h, like \"30s\""),
                    HasSubstr("environment STARLING_HOST_IDENTIFY: host.identify = maybe: must be true or false"),
                    HasSubstr("flag --set: muxer.window_memory = 64mb: must be a size")));
  EXPECT_EQ(bad.options.swarm.dial_timeout, Options{}.swarm.dial_timeout);
}

TEST(Configuration, values_of_the_wrong_kind_are_refused) {
  for (const char* line : {"swarm.max_dials = \"100\"",     "swarm.max_dials = 1.5",
                           "swarm.max_dials = -1",          "swarm.max_dials = [1]",
                           "swarm.max_dials = {}",          "host.identify = 1",
                           "host.identify = \"true\"",      "swarm.dial_timeout = 1",
                           "swarm.dial_timeout = 07:32:00", "muxer.window_memory = true",
                           "muxer.window_memory = -5",      "transport.muxers = \"yamux\"",
                           "transport.muxers = [1]",        "transport.muxers = []",
                           "transport.muxers = [\"yamx\"]", "identity.agent_version = 5",
                           "log.level = \"loud\"",          "diagnostics.address = \"localhost\"",
                           "diagnostics.port = 65536",      "swarm = 5"})
    EXPECT_THAT(of_file(line).mistakes, SizeIs(1)) << line;
}

TEST(Configuration, numbers_beyond_their_type_are_refused) {
  for (const auto& [key, value] :
       std::vector<std::pair<std::string, std::string>>{{"diagnostics.port", "65537"},
                                                        {"muxer.max_frame_payload", "4GiB"},
                                                        {"transport.listen_backlog", "99999999999"},
                                                        {"swarm.max_dials", "18446744073709551617"}})
    EXPECT_THAT(of_settings({{key, value, "--set"}}).mistakes, SizeIs(1)) << key;
}

TEST(Configuration, lists_come_with_commas_outside_of_files) {
  EXPECT_THAT(of_settings({{"transport.muxers", "mplex, yamux", "--set"}}).options.transport.muxers,
              testing::ElementsAre("mplex", "yamux"));
  EXPECT_THAT(of_environment({{"STARLING_DAEMON_LISTEN", ""}}).options.daemon.listen, SizeIs(0));
}

TEST(Configuration, a_variable_of_a_section_must_be_a_key_and_others_are_not_ours) {
  EXPECT_THAT(mistakes_of(of_environment({{"STARLING_SWARM_MAX_CONECTIONS", "5"}})),
              HasSubstr("did you mean 'swarm.max_connections'?"));
  EXPECT_THAT(mistakes_of(of_environment({{"STARLING_PRIVATE_NETWORK_KEYFILE", "x"}})),
              HasSubstr("did you mean 'private_network.key_file'?"));
  EXPECT_EQ(mistakes_of(of_environment({{"STARLING_BIN", "x"}, {"STARLING_", "x"}, {"STARLINGS_SWARM_X", "x"}})), "");
}

TEST(Configuration, a_key_without_its_section_is_recognised) {
  EXPECT_EQ(nearest_key("max_connections"), "swarm.max_connections");
  EXPECT_EQ(nearest_key("swarm.max_conections"), "swarm.max_connections");
  EXPECT_EQ(nearest_key("completely different"), "");
  EXPECT_EQ(nearest_key(std::string(100'000, 'x')), "");
}

TEST(Configuration, rules_between_keys_are_checked_over_the_whole) {
  EXPECT_THAT(mistakes_of(of_settings({{"swarm.max_connections", "100", "--set"}})),
              HasSubstr("swarm.max_inbound_connections = 12288: must not exceed swarm.max_connections = 100"));
  EXPECT_THAT(mistakes_of(of_settings({{"transport.securities", "plaintext", "--set"}})), HasSubstr("in the open"));
}

TEST(Configuration, a_file_that_is_no_toml_names_the_line) {
  EXPECT_THAT(mistakes_of(of_file("[swarm]\nmax_dials = = 3\n")), HasSubstr("node.toml:2: "));
  EXPECT_THAT(mistakes_of(of_file("swarm.max_dials = 3\nswarm.max_dials = 4\n")), HasSubstr("node.toml:2: "));
  EXPECT_THAT(mistakes_of(of_file(std::string((1u << 20) + 1, '#'))), HasSubstr("at most 1048576"));
  EXPECT_THAT(of_file(std::string(100'000, '[')).mistakes, SizeIs(1));
}

TEST(Configuration, the_template_changes_nothing_as_it_is_nor_with_every_line_in_force) {
  const std::string text = configuration_template();
  EXPECT_EQ(mistakes_of(of_file(text)), "");
  const std::string all = std::regex_replace(text, std::regex("\n# ([a-z0-9_]+ = )"), "\n$1");
  const Configuration every = of_file(all);
  EXPECT_EQ(mistakes_of(every), "");
  for (const Key& key : configuration_keys()) {
    EXPECT_EQ(value_text(key, every.options), value_text(key, Options{}));
    EXPECT_EQ(source_of(every, key.name).kind, Source::Kind::File) << key.name;
  }
}

TEST(Configuration, the_reference_page_is_current) {
  EXPECT_EQ(read("docs/reference/configuration.md"), configuration_reference()) << "run ./dev docs";
}

}  // namespace
}  // namespace starling::runtime
