// A remote that stalls, sends garbage, half-closes or closes the socket at each stage of an upgrade, in either role:
// always a clean error that names the stage, in time, with nothing left behind.
#include <gtest/gtest.h>

#include "starling/io/sim_network.hpp"
#include "starling/transport/multistream.hpp"
#include "support/transport_ends.hpp"

namespace starling::transport {
namespace {

using namespace starling::testing;

enum class Until { Connected, SecurityChosen, Secured };
enum class Then { Stall, Garbage, End, Close };

struct Trouble {
  std::string security;
  bool remote_dials;
  Until until;
  Then then;
  std::string name() const {
    static const char* const kUntil[] = {"after_connect", "after_choice", "after_handshake"};
    static const char* const kThen[] = {"stalls", "sends_garbage", "ends", "closes"};
    return security + (remote_dials ? "_dialer_" : "_listener_") + kThen[int(then)] + "_" + kUntil[int(until)];
  }
};

/// A remote on a bare socket that goes through the stages by the machines themselves, up to a point.
class Script {
 public:
  Script(std::unique_ptr<io::StreamSocket> socket, security::Protocol& security, bool dials)
      : socket_(std::move(socket)), security_(security), dials_(dials) {}

  io::Task<Status> run(Until until) {
    if (until == Until::Connected) co_return Status{};
    STARLING_CO_CHECK(co_await choose());
    if (until == Until::SecurityChosen) co_return Status{};
    security::HandshakeConfig config;
    config.role = dials_ ? security::Role::Initiator : security::Role::Responder;
    handshake_ = security_.begin(std::move(config));
    STARLING_CO_CHECK(handshake_->start(out_));
    STARLING_CO_CHECK(handshake_->receive(in_, out_));
    while (!handshake_->done()) {
      STARLING_CO_CHECK(co_await exchange());
      STARLING_CO_CHECK(handshake_->receive(in_, out_));
    }
    co_return co_await write();
  }

  io::Task<Status> make(Then trouble) {
    if (trouble == Then::Garbage) {
      out_.append(ByteVector(140'000, 0xff));  // two Noise messages: the first one of a handshake may hold anything
      STARLING_CO_CHECK(co_await write());
    }
    if (trouble == Then::End) socket_->shutdown_write();
    if (trouble == Then::Close) socket_->close();
    co_return Status{};
  }

  /// Until the other side has let go.
  io::Task<Status> wait_for_end() {
    for (;;) {
      const auto got = socket_->try_read(in_.prepare(4096));
      if (!got && got.error() == ErrorCode::WouldBlock) {
        STARLING_CO_CHECK(co_await socket_->readable());
      } else if (!got || *got == 0) {
        co_return Status{};
      }
    }
  }

 private:
  io::Task<Status> choose() {
    const std::string id(security_.protocol_id());
    if (dials_) {
      MultistreamDialer dialer({id});
      dialer.start(out_);
      while (!dialer.done()) {
        STARLING_CO_CHECK(co_await exchange());
        STARLING_CO_CHECK(dialer.receive(in_, out_));
      }
    } else {
      MultistreamListener listener([&](std::string_view name) { return name == id; });
      while (!listener.done()) {
        STARLING_CO_CHECK(co_await exchange());
        STARLING_CO_CHECK(listener.receive(in_, out_));
      }
    }
    co_return co_await write();
  }
  io::Task<Status> write() {
    while (!out_.empty()) {
      const auto wrote = socket_->try_write(out_.view());
      if (!wrote && !(wrote.error() == ErrorCode::WouldBlock)) co_return std::unexpected(wrote.error());
      if (wrote)
        out_.consume(*wrote);
      else
        STARLING_CO_CHECK(co_await socket_->writable());
    }
    co_return Status{};
  }
  io::Task<Status> exchange() {
    STARLING_CO_CHECK(co_await write());
    for (;;) {
      const auto got = socket_->try_read(in_.prepare(4096));
      if (got && *got > 0) {
        in_.commit(*got);
        co_return Status{};
      }
      if (got) co_return fail(ErrorCode::EndOfStream, Op::Read, Origin::Remote);
      if (!(got.error() == ErrorCode::WouldBlock)) co_return std::unexpected(got.error());
      STARLING_CO_CHECK(co_await socket_->readable());
    }
  }

  std::unique_ptr<io::StreamSocket> socket_;
  security::Protocol& security_;
  bool dials_;
  ByteQueue in_, out_;
  std::unique_ptr<security::Handshake> handshake_;
};

class UpgradeStages : public ::testing::TestWithParam<Trouble> {
 protected:
  static constexpr std::uint16_t kPort = 4001;
  static Stack stack() { return {{GetParam().security}, {"yamux"}, /*early_muxer=*/false}; }

  io::Task<Status> play(std::unique_ptr<io::StreamSocket> socket) {
    Script script(std::move(socket), *security_, GetParam().remote_dials);
    STARLING_CO_CHECK(co_await script.run(GetParam().until));
    STARLING_CO_CHECK(co_await script.make(GetParam().then));
    co_return co_await script.wait_for_end();
  }
  io::Task<Status> play_dialer() {
    STARLING_CO_TRY(auto socket, co_await theirs_.world().network.connect(ours_.at(kPort), {}));
    co_return co_await play(std::move(socket));
  }
  io::Task<Status> play_listener(io::Listener& listener) {
    STARLING_CO_TRY(auto socket, co_await listener.accept());
    co_return co_await play(std::move(socket));
  }
  Duration deadline() const {
    const auto& options = end_.upgrader->options;
    return GetParam().until == Until::SecurityChosen ? options.security_timeout : options.negotiate_timeout;
  }

  io::SimWorld world_;
  io::SimHost &ours_ = world_.add_host(), &theirs_ = world_.add_host();
  End end_{ours_.world(), 1, stack()};
  std::unique_ptr<security::Protocol> security_ =
      make_security(GetParam().security, test_key(2), theirs_.world().random, /*early_muxer=*/false);
};

TEST_P(UpgradeStages, end_in_a_clean_error_in_time) {
  const Trouble& trouble = GetParam();
  std::optional<Status> played;
  std::optional<Result<std::unique_ptr<Connection>>> dialed;
  io::TaskGroup group(world_.reactor());
  std::unique_ptr<io::Listener> raw;
  StageTimes times;
  if (trouble.remote_dials) {
    end_.listen(ours_.at(kPort));
    group.spawn(keep(play_dialer(), played));
  } else {
    raw = *theirs_.world().network.listen(theirs_.at(kPort), {});
    group.spawn(keep(play_listener(*raw), played));
    group.spawn(keep(end_.transport->dial(tcp_multiaddr(theirs_.at(kPort)), {peer_of(test_key(2)), &times}), dialed));
  }
  const TimePoint start = world_.now();
  io::run_task(world_.reactor(), group.join());
  const Duration took = world_.now() - start;
  world_.run_for(100ms);  // until our side has seen a close
  EXPECT_TRUE(played->has_value()) << played->error().message();

  const bool stalls = trouble.then == Then::Stall;
  if (stalls) EXPECT_GE(took, deadline());
  EXPECT_LE(took, (stalls ? deadline() : Duration(0)) + 1s) << "nothing waits longer than it must";
  const InboundCounters& counters = end_.upgrader->counters;
  if (trouble.remote_dials) {
    EXPECT_EQ(counters.accepted, 1u);
    EXPECT_EQ(counters.upgraded, 0u);
    EXPECT_EQ(counters.timed_out, stalls ? 1u : 0u);
    const std::uint64_t by_stage[] = {counters.failed_negotiation, counters.failed_security, counters.failed_muxer};
    EXPECT_EQ(by_stage[int(trouble.until)], stalls ? 0u : 1u);
  } else {
    ASSERT_FALSE(*dialed);
    const Op by_stage[] = {Op::Negotiate, Op::Secure, Op::Mux};
    EXPECT_EQ(dialed->error().op(), by_stage[int(trouble.until)]) << dialed->error().message();
    EXPECT_EQ(dialed->error() == ErrorCode::Timeout, stalls) << dialed->error().message();
    const char* const reached[] = {"security protocol", "security handshake", "muxer"};
    EXPECT_EQ(times.reached, reached[int(trouble.until)]);
  }
  io::run_task(world_.reactor(), end_.close());
  raw.reset();
  EXPECT_EQ(ours_.open_descriptors(), 0u);
  EXPECT_EQ(world_.reactor().armed_timers(), 0u);
}

std::vector<Trouble> troubles() {
  std::vector<Trouble> all;
  for (const char* security : {"noise", "tls", "plaintext"})
    for (const bool dials : {true, false})
      for (const Until until : {Until::Connected, Until::SecurityChosen, Until::Secured})
        for (const Then then : {Then::Stall, Then::Garbage, Then::End, Then::Close})
          all.push_back({security, dials, until, then});
  return all;
}

INSTANTIATE_TEST_SUITE_P(Troubles, UpgradeStages, ::testing::ValuesIn(troubles()),
                         [](const auto& info) { return info.param.name(); });

}  // namespace
}  // namespace starling::transport
