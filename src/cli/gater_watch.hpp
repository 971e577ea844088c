// The daemon's side of the gater's file.
#pragma once

#include <filesystem>

#include "starling/runtime/gater_file.hpp"
#include "starling/runtime/node.hpp"

namespace starling::cli {

/// The rules of a daemon with this data folder; empty is the user's.
std::filesystem::path gater_file(const std::string& data_dir);

/// Brings the rules in the data folder to a node: call look() at the start and then every second.
class GaterWatch {
 public:
  GaterWatch(runtime::Node& node, const std::filesystem::path& file) : node_(node), file_(file) {}
  /// After an error the rules stay as they were.
  Status look() {
    STARLING_TRY(auto rules, file_.changed());
    if (!rules) return {};
    node_.gater().set(std::move(*rules));
    node_.host().swarm().apply_gater();
    return {};
  }

 private:
  runtime::Node& node_;
  runtime::GaterFile file_;
};

}  // namespace starling::cli
