// The file in which a node keeps its gater's rules: text, one rule a line, mode 0600, replaced whole. Blocking calls on
// a small file. Threading: any one thread.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "starling/swarm/rule_gater.hpp"

namespace starling::runtime {

inline constexpr const char* kGaterFileName = "gater.rules";  // in the data folder

/// No rules if there is no file. Errors: those of files; FileMalformed, naming the line.
Result<std::vector<swarm::GateRule>> load_gater_file(const std::filesystem::path& path);
Status save_gater_file(const std::filesystem::path& path, const std::vector<swarm::GateRule>& rules);

/// Sees when the file changed.
class GaterFile {
 public:
  explicit GaterFile(std::filesystem::path path) : path_(std::move(path)) {}
  /// The rules if they are others than at the last call, which the first call always finds. An error is told once for
  /// each state of the file.
  Result<std::optional<std::vector<swarm::GateRule>>> changed();

 private:
  struct State {
    std::filesystem::file_time_type written{};
    std::uintmax_t size = 0;
    friend bool operator==(const State&, const State&) = default;
  };
  State look() const;
  std::filesystem::path path_;
  std::optional<State> last_;
};

}  // namespace starling::runtime
