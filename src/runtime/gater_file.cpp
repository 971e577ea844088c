#include "starling/runtime/gater_file.hpp"

#include <system_error>

#include "starling/peer/secret_file.hpp"

namespace starling::runtime {
namespace {

constexpr std::size_t kMaxFileSize = 8u << 20;  // about a hundred thousand rules
constexpr std::string_view kHeading = "# Rules of `starling gater`: allow|deny peer|ip|address WHAT, one a line.\n";

}  // namespace

Result<std::vector<swarm::GateRule>> load_gater_file(const std::filesystem::path& path) {
  std::error_code problem;
  if (!std::filesystem::exists(path, problem) && !problem) return std::vector<swarm::GateRule>();
  STARLING_TRY(const crypto::SecretBytes content, load_secret_file(path, kMaxFileSize));
  auto rules = swarm::parse_rules(as_text(content.view()));
  if (!rules) return std::unexpected(std::move(rules.error()).while_doing(Op::ReadFile, path.string()));
  return rules;
}

Status save_gater_file(const std::filesystem::path& path, const std::vector<swarm::GateRule>& rules) {
  return save_secret_file(path, as_bytes(std::string(kHeading) + swarm::to_text(rules)), {.replace = true});
}

GaterFile::State GaterFile::look() const {
  std::error_code none;
  State state;
  if (!std::filesystem::exists(path_, none)) return state;
  state.written = std::filesystem::last_write_time(path_, none);
  state.size = std::filesystem::file_size(path_, none);
  return state;
}

Result<std::optional<std::vector<swarm::GateRule>>> GaterFile::changed() {
  const State now = look();
  if (last_ == now) return std::nullopt;
  last_ = now;
  STARLING_TRY(auto rules, load_gater_file(path_));
  return std::optional(std::move(rules));
}

}  // namespace starling::runtime
