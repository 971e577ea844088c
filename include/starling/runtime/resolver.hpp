// The resolver of names as the options want it, for a node and for programs that resolve without one.
#pragma once

#include <memory>

#include "starling/io/network.hpp"
#include "starling/names/resolver.hpp"
#include "starling/runtime/options.hpp"

namespace starling::runtime {

/// The world must outlive it. Errors: InvalidArgument for servers that are none; FileUnreadable, FileMalformed for the
/// CA file.
Result<std::unique_ptr<names::Resolver>> make_resolver(io::World world, const Options::Dns& dns);

}  // namespace starling::runtime
