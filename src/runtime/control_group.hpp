// What the control group of this process grants: that of a container, or of a service of systemd.
// spec: Linux, Control Group v2, Memory Interface Files and Namespace
#pragma once

#include <cstdint>
#include <filesystem>

namespace starling::runtime {

/// Bytes: the least `memory.max` of the process's group and of those above it. UINT64_MAX where none is set, or where
/// there are no groups of version 2. `groups`: where their tree is mounted; `own`: the file that tells the process's.
std::uint64_t control_group_memory(const std::filesystem::path& groups = "/sys/fs/cgroup",
                                   const std::filesystem::path& own = "/proc/self/cgroup");

}  // namespace starling::runtime
