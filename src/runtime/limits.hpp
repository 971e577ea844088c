// From Options to the limits of a node: budgets, single settings, networks, water marks.
#pragma once

#include <memory>

#include "starling/host/host.hpp"
#include "starling/resource/manager.hpp"
#include "starling/runtime/options.hpp"
#include "starling/swarm/connection_manager.hpp"

namespace starling::runtime {

/// What this machine has: memory (that of the control group, if it is less) and descriptors the process may open.
resource::Budget this_machine();

/// The budget of a node: what the options say, and half of the machine where they say nothing.
resource::Budget budget(const Options& options, const resource::Budget& machine);

/// Derived limits, then the options that name single ones.
resource::LimitTable limit_table(const Options& options, const resource::Budget& machine);
std::vector<Error> limit_mistakes(const Options& options);

std::unique_ptr<resource::Manager> make_resource_manager(const Options& options, const resource::Budget& machine);
/// Handshakes at once per listener: fewer than the transient scope has room for, so that the oldest gives way to a new
/// one before the scope turns the new one away.
std::size_t max_pending_inbound(const Options& options, const resource::LimitTable& limits);
swarm::ConnectionManagerOptions connection_manager_options(const Options& options, const resource::LimitTable& limits);

/// Identify and ping count in services of their own, and keep no connection open.
std::map<std::string, host::ProtocolPolicy, std::less<>> protocol_policies();

}  // namespace starling::runtime
