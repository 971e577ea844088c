#include "io/sim/name_client.hpp"

#include "io/sim/world_state.hpp"

namespace starling::io::sim {

Task<Result<NameRecords>> SimNameClient::look_up(NameQuestion question) {
  if (auto known = answer_without_server(question)) co_return std::move(*known);
  WorldState& world = host_.world();
  STARLING_CO_CHECK(co_await sleep_for(world.reactor, world.options.lookup_latency));
  while (world.names_silent) STARLING_CO_CHECK(co_await sleep_for(world.reactor, std::chrono::seconds(1)));
  STARLING_CO_CHECK(host_.check_running(Op::Resolve));
  const auto entry = world.names.find(question);
  const bool found = entry != world.names.end();
  const std::size_t count = found ? entry->second.addresses.size() + entry->second.texts.size() : 0;
  world.record({TraceKind::Resolve, host_.number(), host_.number(), 0, 0, count});
  if (!found) co_return fail(ErrorCode::NameNotFound, Op::Resolve, Origin::Network, question.to_string());
  if (count == 0) co_return fail(ErrorCode::NoRecords, Op::Resolve, Origin::Network, question.to_string());
  co_return entry->second;
}

}  // namespace starling::io::sim
