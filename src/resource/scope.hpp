// One scope of the tree, as the manager keeps it. Resource, owned by the manager.
#pragma once

#include "starling/resource/manager.hpp"

namespace starling::resource {

struct Hold::Scope {
  Scope(ScopeKind kind_in, std::string name_in, const PeerId& peer_in, const Amounts& limits_in)
      : kind(kind_in), name(std::move(name_in)), peer(peer_in), limits(limits_in) {}
  ScopeKind kind;
  std::string name;  // of the protocol or service
  PeerId peer;
  Amounts limits, used;
  std::uint64_t holders = 0;

  std::string path() const;
  /// How the limit is called in resource.limits.
  std::string key() const;
};

/// What somebody wants to use more, and on which terms.
struct Manager::Want {
  Amounts amounts;
  Priority priority;
  Op op;
};

}  // namespace starling::resource
