#include "runtime/control_group.hpp"

#include <algorithm>
#include <fstream>
#include <string>

namespace starling::runtime {
namespace {

/// Relative to where the tree is mounted.
std::filesystem::path own_group(const std::filesystem::path& file) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("0::/")) return line.substr(4);
  return {};
}

/// A number, or "max".
std::uint64_t memory_of(const std::filesystem::path& group) {
  std::uint64_t bytes = 0;
  std::ifstream file(group / "memory.max");
  return file >> bytes ? bytes : UINT64_MAX;
}

}  // namespace

std::uint64_t control_group_memory(const std::filesystem::path& groups, const std::filesystem::path& own) {
  std::filesystem::path group = groups;
  std::uint64_t least = memory_of(group);
  for (const auto& name : own_group(own)) least = std::min(least, memory_of(group /= name));
  return least;
}

}  // namespace starling::runtime
