// starling interop-client: behaviours that tests between implementations check, from the dialing side.
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "cli/commands.hpp"
#include "cli/session.hpp"
#include "cli/test_protocols.hpp"

namespace starling::cli {
namespace {

struct ClientFlags {
  NodeFlags node;
  std::string target;
  std::vector<std::string> also;  // more addresses of the same peer
  std::uint64_t count = 1000, size = 1000, open = 0;
};

/// What a behaviour adds to its result.
using Extra = boost::json::object;

constexpr std::size_t kFloodBytes = 4u << 20;  // what close-during-write tries to send
constexpr std::size_t kHoldBytes = 8;
constexpr Duration kHoldEvery = std::chrono::milliseconds(100);

ByteVector make_payload(std::uint64_t seed, std::size_t size) {
  ByteVector payload(size);
  for (std::size_t i = 0; i < size; ++i) payload[i] = perf::pattern_byte(seed * 7919 + i);
  return payload;
}

io::Task<Status> read_and_compare(host::Stream& stream, const ByteVector& expected) {
  ByteVector got(expected.size());
  STARLING_CO_CHECK(co_await stream.read_exactly(got));
  if (got != expected) co_return fail(ErrorCode::ProtocolViolation, Op::Read, Origin::Remote, "the echo differs");
  STARLING_CO_TRY(const Bytes rest, co_await stream.peek());
  if (!rest.empty())
    co_return fail(ErrorCode::ProtocolViolation, Op::Read, Origin::Remote, "the echo is longer than what was sent");
  co_return Status{};
}

/// One echo stream among many.
struct Echo {
  host::Stream stream;
  ByteVector payload;
  Status status;

  Bytes first_half() const { return Bytes(payload).first(payload.size() / 2); }
  Bytes second_half() const { return Bytes(payload).subspan(payload.size() / 2); }
};

io::Task<Status> echo_first_half(Echo& echo) {
  STARLING_CO_CHECK(co_await echo.stream.write(echo.first_half()));
  ByteVector got(echo.first_half().size());
  STARLING_CO_CHECK(co_await echo.stream.read_exactly(got));
  if (!std::ranges::equal(got, echo.first_half()))
    co_return fail(ErrorCode::ProtocolViolation, Op::Read, Origin::Remote, "the echo differs");
  co_return Status{};
}

io::Task<Status> echo_the_rest(Echo& echo) {
  STARLING_CO_CHECK(co_await echo.stream.write(echo.second_half()));
  echo.stream.close_write();
  co_return co_await read_and_compare(echo.stream, to_vector(echo.second_half()));
}

// Each stream is read while the others write: the echoes of all share one receive window of a QUIC connection, and
// bytes that nobody reads would keep those of the stream that is read from coming.
io::Task<Status> each_at_once(Session& session, std::vector<Echo>& echoes, io::Task<Status> (*step)(Echo&)) {
  struct One {
    static io::Task<void> run(Echo& echo, io::Task<Status> (*step)(Echo&)) { echo.status = co_await step(echo); }
  };
  io::TaskGroup group(*session.reactor, (co_await io::current_context()).scope);
  for (Echo& echo : echoes) group.spawn(One::run(echo, step));
  co_await group.join();
  for (const Echo& echo : echoes) STARLING_CO_CHECK(echo.status);
  co_return Status{};
}

// With the first half of the payload a stream is open for the peer, too, however it was negotiated; so all are open at
// the same time before the first one ends.
io::Task<Status> stream_wave(Session& session, const Target& target, const ClientFlags& flags, std::uint64_t count) {
  std::vector<Echo> echoes;
  for (std::uint64_t i = 0; i < count; ++i) {
    STARLING_CO_TRY(host::Stream stream, co_await session.host().open_stream(target.peer, {std::string(kEchoId)}));
    echoes.push_back({std::move(stream), make_payload(i, flags.size), {}});
  }
  STARLING_CO_CHECK(co_await each_at_once(session, echoes, echo_first_half));
  co_return co_await each_at_once(session, echoes, echo_the_rest);
}

io::Task<Status> many_streams(Session& session, const Target& target, const ClientFlags& flags, Extra&) {
  const std::uint64_t at_once = flags.open == 0 ? flags.count : flags.open;
  for (std::uint64_t left = flags.count; left > 0;) {
    const std::uint64_t wave = std::min(left, at_once);
    STARLING_CO_CHECK(co_await stream_wave(session, target, flags, wave));
    left -= wave;
  }
  co_return Status{};
}

io::Task<Status> half_close(Session& session, const Target& target, const ClientFlags& flags, Extra&) {
  STARLING_CO_TRY(host::Stream stream, co_await session.host().open_stream(target.peer, {std::string(kEchoId)}));
  const ByteVector payload = make_payload(1, flags.size);
  io::TaskGroup writing(*session.reactor, (co_await io::current_context()).scope);
  struct Writer {
    static io::Task<void> run(host::Stream& stream, const ByteVector& payload) {
      if (co_await stream.write(payload)) stream.close_write();
    }
  };
  writing.spawn(Writer::run(stream, payload));  // beside the reading: more than a window goes through
  const Status read = co_await read_and_compare(stream, payload);
  co_await writing.close();
  co_return read;
}

io::Task<Status> reset(Session& session, const Target& target, const ClientFlags&, Extra& extra) {
  STARLING_CO_TRY(host::Stream stream, co_await session.host().open_stream(target.peer, {std::string(kTestResetId)}));
  STARLING_CO_CHECK(co_await stream.write(make_payload(2, 1)));
  const auto got = co_await stream.peek();
  if (!got && got.error() == ErrorCode::StreamReset) {
    if (const transport::CloseReason* reason = stream.close_reason()) extra["code"] = reason->code;
    co_return Status{};
  }
  if (!got) co_return std::unexpected(got.error());
  if (!got->empty())
    co_return fail(ErrorCode::ProtocolViolation, Op::Read, Origin::Remote,
                   "expected a reset, got " + std::to_string(got->size()) + " bytes");
  const Status written = co_await stream.write(make_payload(3, kFloodBytes));
  co_return fail(ErrorCode::ProtocolViolation, Op::Read, Origin::Remote,
                 written ? "expected a reset, got the end of the stream"
                         : "expected a reset; the stream ended for the reader, only the writer is told: " +
                               std::string(to_string(written.error().code())));
}

// Leaves its stream without waiting for the peer to end it, which would be a round trip more.
io::Task<Status> ping_once(Session& session, const Target& target) {
  STARLING_CO_TRY(auto pinger, co_await ping::Pinger::open(session.host(), target.peer, session.node->ping_options()));
  STARLING_CO_TRY(const Duration time, co_await pinger.ping());
  (void)time;
  co_return Status{};
}

io::Task<Status> close_during_write(Session& session, const Target& target, const ClientFlags&, Extra&) {
  STARLING_CO_TRY(host::Stream stream, co_await session.host().open_stream(target.peer, {std::string(kTestCloseId)}));
  const Status written = co_await stream.write(make_payload(3, kFloodBytes));
  if (!written && !(written.error() == ErrorCode::StreamReset) && !(written.error() == ErrorCode::StreamClosed))
    co_return written;
  co_return co_await ping_once(session, target);  // the connection is still good
}

// One echo there and back.
io::Task<Status> echo_once(host::Stream& stream, std::uint64_t seed) {
  const ByteVector payload = make_payload(seed, kHoldBytes);
  ByteVector got(payload.size());
  STARLING_CO_CHECK(co_await stream.write(payload));
  STARLING_CO_CHECK(co_await stream.read_exactly(got));
  if (got != payload) co_return fail(ErrorCode::ProtocolViolation, Op::Read, Origin::Remote, "the echo differs");
  co_return Status{};
}

// Keeps one stream busy, --count times or until it breaks, and says what became of it: held, or lost and why.
io::Task<Status> hold(Session& session, const Target& target, const ClientFlags& flags, Extra&) {
  STARLING_CO_TRY(host::Stream stream, co_await session.host().open_stream(target.peer, {std::string(kEchoId)}));
  TimePoint last = session.reactor->now();
  for (std::uint64_t i = 0; i < flags.count; ++i) {
    if (const Status echoed = co_await echo_once(stream, i); !echoed) {
      const auto silent = std::chrono::duration<double, std::milli>(session.reactor->now() - last).count();
      print_json({{"event", "lost"}, {"echoes", i}, {"ms", silent}, {"error", echoed.error().message()}});
      co_return echoed;
    }
    last = session.reactor->now();
    if (i == 0) print_json({{"event", "holding"}});
    STARLING_CO_CHECK(co_await io::sleep_for(*session.reactor, kHoldEvery));
  }
  print_json({{"event", "held"}, {"echoes", flags.count}});
  co_return co_await ping_once(session, target);
}

// A new connection each time: dial, one ping, close.
io::Task<Status> connects(Session& session, const Target& target, const ClientFlags& flags, Extra&) {
  io::WaitQueue gone;
  const auto watch =
      session.host().events().subscribe<host::PeerDisconnected>([&gone](const auto&) { gone.notify_all(); });
  for (std::uint64_t i = 0; i < flags.count; ++i) {
    STARLING_CO_TRY(const auto connection, co_await connect(session, target));
    STARLING_CO_CHECK(co_await ping_once(session, target));
    if (swarm::Link* link = session.host().swarm().find(connection))
      link->close(transport::CloseReason::local(transport::CloseCode::None));
    while (session.host().swarm().find(target.peer) != nullptr) STARLING_CO_CHECK(co_await gone.wait());
  }
  co_return Status{};
}

// Dials all addresses of the peer at once and tells which of them it was.
io::Task<Status> reach(Session& session, const Target& target, const ClientFlags& flags, Extra& extra) {
  std::vector<Multiaddr> addresses = {target.address};
  for (const std::string& text : flags.also) {
    STARLING_CO_TRY(Multiaddr address, Multiaddr::from_string(text));
    addresses.push_back(std::move(address));
  }
  STARLING_CO_TRY(const auto connection, co_await session.host().connect(target.peer, std::move(addresses)));
  STARLING_CO_CHECK(co_await ping_once(session, target));
  if (const swarm::Link* link = session.host().swarm().find(connection))
    extra["address"] = link->info().remote_address.to_string();
  co_return Status{};
}

using Behaviour = io::Task<Status> (*)(Session&, const Target&, const ClientFlags&, Extra&);

io::Task<int> run_behaviour(Session& session, const ClientFlags& flags, const char* name, Behaviour behaviour,
                            bool connects_itself) {
  const auto target = parse_target(flags.target);
  if (!target) co_return report(target.error(), flags.node.json);
  if (!connects_itself) {
    if (const auto connection = co_await connect(session, *target); !connection)
      co_return report(connection.error(), flags.node.json);
  }
  const TimePoint start = session.reactor->now();
  Extra extra;
  const Status status = co_await behaviour(session, *target, flags, extra);
  const double seconds = std::chrono::duration<double>(session.reactor->now() - start).count();
  if (!status) co_return report(status.error(), flags.node.json);
  if (flags.node.json) {
    extra["event"] = "done";
    extra["mode"] = name;
    extra["ok"] = true;
    extra["count"] = flags.count;
    extra["seconds"] = seconds;
    extra["per_second"] = seconds > 0 ? double(flags.count) / seconds : 0.0;
    print_json(extra);
  } else {
    std::printf("%s: ok in %.3f s\n", name, seconds);
  }
  co_return kOk;
}

}  // namespace

void add_interop_client_command(CLI::App& app, Run& run) {
  struct Row {
    const char* name;
    const char* what;
    Behaviour behaviour;
    bool connects_itself;
  };
  static constexpr Row kRows[] = {
      {"streams", "Open --count echo streams at once and check each", many_streams, false},
      {"half-close", "Close the write side first, then read the echo to its end", half_close, false},
      {"reset", "Expect the peer's reset", reset, false},
      {"close-during-write", "Write to a stream that the peer gives up", close_during_write, false},
      {"hold", "Keep one echo stream busy until --count echoes came back or it breaks", hold, false},
      {"reach", "Dial the address and those of --also together, and tell which answered", reach, true},
      {"connect", "--count times: connect, ping once, close", connects, true},
  };
  CLI::App* group = app.add_subcommand("interop-client", "Behaviours that tests between implementations check");
  group->require_subcommand(1);
  for (const Row& row : kRows) {
    auto flags = std::make_shared<ClientFlags>();
    CLI::App* command = group->add_subcommand(row.name, row.what);
    command->add_option("address", flags->target, "Peer that serves the test protocols, ending in /p2p/<peer id>")
        ->required()
        ->type_name("MULTIADDR");
    command->add_option("--also", flags->also, "One more address of the same peer; may be given several times");
    command->add_option("--count", flags->count, "How many")->capture_default_str();
    command->add_option("--open", flags->open, "Streams open at the same time; 0: all");
    command->add_option("--size", flags->size, "Bytes per stream")->capture_default_str();
    add_node_flags(*command, flags->node);
    add_timeout_flag(*command, flags->node);
    command->callback([flags, row, &run] {
      run = [flags, row] {
        return run_session(flags->node, /*timed=*/true, [flags, row](Session& session) {
          return run_behaviour(session, *flags, row.name, row.behaviour, row.connects_itself);
        });
      };
    });
  }
  group->footer("Example:\n  starling interop-client streams ADDRESS --count 1000 --size 1000");
}

}  // namespace starling::cli
