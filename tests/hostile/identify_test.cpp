// Peers that answer identify, or push it, with bombs.
#include "hostile/arena.hpp"
#include "starling/wire/protobuf.hpp"

namespace starling::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBudget = 8u << 20;
constexpr std::uint8_t kAddressTag = 2 << 3 | 2, kProtocolTag = 3 << 3 | 2;  // spec: identify/README.md, the message

struct Bomb {
  std::string name;
  ByteVector bytes;  // with length prefixes
  int times = 1;
  bool ends = true;  // or goes silent with the stream open
};

/// One message of `count` fields with the same content.
ByteVector message(std::uint8_t tag, Bytes content, std::size_t count) {
  ByteVector body;
  for (std::size_t i = 0; i < count; ++i) {
    body.push_back(tag);
    body.push_back(std::uint8_t(content.size()));
    append(body, content);
  }
  const std::uint8_t length[] = {std::uint8_t(body.size() | 0x80), std::uint8_t(body.size() >> 7)};
  ByteVector framed(length, length + 2);
  append(framed, body);
  return framed;
}

std::vector<Bomb> bombs() {
  const ByteVector address = {0x04, 1, 2, 3, 4, 0x06, 0x0f, 0xa1};  // /ip4/1.2.3.4/tcp/4001
  ByteVector half_message = {0xff, 0x3f};
  half_message.resize(100, 0);
  return {{"too_many_protocols", message(kProtocolTag, as_bytes("x"), 2000)},
          {"too_many_addresses", message(kAddressTag, address, 200)},
          {"hundred_messages",
           message(kProtocolTag,
                   as_bytes("/a/protocol/of/some/length/that/takes/room/in/the/message/until/two/length/bytes/are/"
                            "needed/for/it/and/then/some/more/of/it"),
                   2),
           100},
          {"endless_message", ByteVector{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}},
          {"message_that_stops", half_message, 1, false},
          {"rubbish", to_vector(as_bytes("\x10this is no protobuf message at all"))}};
}

class IdentifyBomb : public ::testing::TestWithParam<Bomb> {};
INSTANTIATE_TEST_SUITE_P(Hostile, IdentifyBomb, ::testing::ValuesIn(bombs()),
                         [](const auto& info) { return info.param.name; });

io::Task<void> throw_at(host::Stream stream, Bomb bomb) {
  for (int i = 0; i < bomb.times; ++i) {
    if (!co_await stream.write(bomb.bytes)) co_return;
  }
  if (bomb.ends) stream.close_write();
  (void)co_await stream.peek();
}

/// An attacker made of a node of ours: its identify is the bomb.
io::Task<void> answer_with(Arena& arena, Bomb bomb) {
  runtime::Options options = deterministic_options();
  options.host.identify = false;
  SimNode bomber(arena.world().add_host(), options);
  bomber.start();
  bomber.host().handle(std::string(host::kIdentifyId),
                       [bomb](host::Stream stream) { return throw_at(std::move(stream), bomb); });
  EXPECT_TRUE(co_await bomber.host().connect(arena.victim().id(), {arena.victim().listen_address()}));
  (void)co_await arena.pass(12s);
  EXPECT_EQ(arena.host().identify_failed, 1u);
  const host::PeerState* known = arena.victim().host().peer(bomber.id());
  EXPECT_TRUE(known != nullptr && !known->identify);
  co_await bomber.stop();
}

TEST_P(IdentifyBomb, as_an_answer_is_refused) {
  Arena arena;
  arena.endure(answer_with(arena, GetParam()), kBudget);
}

io::Task<void> push(Arena& arena, Bomb bomb) {
  runtime::Options options = deterministic_options();
  options.host.identify = false;
  SimNode bomber(arena.world().add_host(), options);
  bomber.start();
  EXPECT_TRUE(co_await bomber.host().connect(arena.victim().id(), {arena.victim().listen_address()}));
  auto stream = co_await bomber.host().open_stream(arena.victim().id(), {std::string(host::kIdentifyPushId)});
  EXPECT_TRUE(stream);
  if (stream) bomber.tasks().spawn(throw_at(std::move(*stream), bomb));
  (void)co_await arena.pass(12s);
  EXPECT_EQ(arena.host().pushes_failed, 1u);
  EXPECT_EQ(arena.host().pushes_received, 0u);
  co_await bomber.stop();
}

TEST_P(IdentifyBomb, as_a_push_is_refused) {
  Arena arena;
  arena.endure(push(arena, GetParam()), kBudget);
}

}  // namespace
}  // namespace starling::testing
