#include "starling/io/faulty.hpp"

#include <gtest/gtest.h>

#include "io/stream_testing.hpp"
#include "starling/io/sim_network.hpp"

namespace starling::io {
namespace {

using namespace testing;

Task<Status> ask(Network& network, Endpoint to, std::string& answer) {
  STARLING_CO_TRY(auto socket, co_await network.connect(to, {}));
  STARLING_CO_CHECK(co_await write_all(*socket, as_bytes("question")));
  STARLING_CO_TRY(answer, co_await read_exactly(*socket, 6));
  co_return Status{};
}

Task<void> answer_one(Listener& listener) {
  auto socket = co_await listener.accept();
  if (!socket || !co_await read_exactly(**socket, 8)) co_return;
  (void)co_await write_all(**socket, as_bytes("answer"));
  (void)co_await read_to_end(**socket);
}

Task<void> close_group(TaskGroup& group) { co_await group.close(); }

/// One question and its answer, with the asker's operation `fail_at` failing.
bool fault_happened(std::uint64_t fail_at) {
  SimWorld world;
  SimHost &client = world.add_host(), &server = world.add_host();
  auto listener = *server.world().network.listen(server.at(1), {});
  FaultyNetwork network(client.world().network, {.fail_at = fail_at});
  TaskGroup group(world.reactor());
  group.spawn(answer_one(*listener));
  std::string answer;
  const Status status = run_task(world.reactor(), ask(network, server.at(1), answer));
  EXPECT_EQ(status.has_value(), !network.injected());
  EXPECT_EQ(answer == "answer", status.has_value());
  run_task(world.reactor(), close_group(group));
  return network.injected();
}

TEST(FaultyNetwork, every_operation_fails_once_and_then_the_scenario_passes) {
  EXPECT_EQ(fail_each_operation(fault_happened), 4u) << "connect, write, a read that blocks, a read";
}

TEST(FaultyNetwork, only_the_operations_named_are_counted) {
  SimWorld world;
  SimHost& host = world.add_host();
  FaultyNetwork network(host.world().network, {.fail_at = 2,
                                               .error = Error(ErrorCode::OutOfDescriptors, Op::Listen, Origin::Limit),
                                               .operations = NetworkOperation::Listen | NetworkOperation::Bind});
  EXPECT_TRUE(network.interfaces());
  EXPECT_TRUE(network.listen(host.at(1), {}));
  EXPECT_EQ(network.operations(), 1u);
  EXPECT_EQ(code_of(network.bind_datagram(host.at(1))), ErrorCode::OutOfDescriptors);
  EXPECT_TRUE(network.injected());
  EXPECT_TRUE(network.bind_datagram(host.at(1)));
}

TEST(FaultyNetwork, a_stream_that_failed_keeps_failing) {
  SimWorld world;
  SimHost &client = world.add_host(), &server = world.add_host();
  auto listener = *server.world().network.listen(server.at(1), {});
  FaultyNetwork network(client.world().network, {.fail_at = 1, .operations = NetworkOperation::Write});
  auto socket = run_task(world.reactor(), network.connect(server.at(1), {}));
  ASSERT_TRUE(socket);
  EXPECT_EQ(code_of((*socket)->try_write(as_bytes("x"))), ErrorCode::SocketFailed);
  EXPECT_EQ(code_of((*socket)->try_write(as_bytes("x"))), ErrorCode::SocketFailed);
  std::uint8_t byte;
  EXPECT_EQ(code_of((*socket)->try_read({&byte, 1})), ErrorCode::SocketFailed);
}

TEST(FaultyNetwork, stops_at_the_most_operations_asked_for) {
  EXPECT_EQ(fail_each_operation([](std::uint64_t) { return true; }, 7), 7u);
}

}  // namespace
}  // namespace starling::io
