#include "starling/host/host.hpp"

#include <gtest/gtest.h>

#include "support/sim_hosts.hpp"

namespace starling::host {
namespace {

using namespace starling::testing;
using Names = std::vector<std::string>;

io::Task<void> say_protocol(Stream stream) {
  const std::string name = stream.protocol();
  (void)co_await stream.write(as_bytes(name));
  (void)co_await stream.close();
}
io::Task<void> hold(Stream stream) { (void)co_await stream.peek(); }

class HostStreams : public TwoHosts {
 protected:
  io::Task<Result<std::string>> ask(Names protocols) {
    STARLING_CO_TRY(Stream stream, co_await a().open_stream(b().id(), std::move(protocols)));
    stream.close_write();
    STARLING_CO_TRY(const Bytes answer, co_await stream.peek());
    co_return std::string(as_text(answer));
  }
  std::string answer(Names protocols) {
    const auto got = run(ask(std::move(protocols)));
    return got ? *got : std::string(to_string(got.error().code()));
  }
};

TEST_F(HostStreams, go_to_the_exact_handler_before_one_that_matches) {
  b().handle("/exact", say_protocol);
  b().handle_matching("/e", [](std::string_view name) { return name.starts_with("/e"); }, hold);
  b().handle_matching("/any/*", [](std::string_view name) { return name.starts_with("/any/"); }, say_protocol);
  connect();
  EXPECT_EQ(answer({"/exact"}), "/exact");
  EXPECT_EQ(answer({"/any/thing"}), "/any/thing");
}

TEST_F(HostStreams, of_an_unknown_protocol_fail_lazily_or_at_once) {
  connect();
  EXPECT_EQ(answer({"/none"}), "NoCommonProtocol");
  EXPECT_EQ(answer({"/none", "/neither"}), "NoCommonProtocol");
  EXPECT_EQ(answer({}), "InvalidArgument");
}

TEST_F(HostStreams, take_the_first_protocol_that_the_peer_has_with_and_without_identify) {
  b().handle("/old", say_protocol);
  b().handle("/middle", say_protocol);
  connect();
  EXPECT_EQ(answer({"/new", "/middle", "/old"}), "/middle");
  ASSERT_TRUE(run(a().identified(b().id())));
  EXPECT_EQ(answer({"/new", "/old", "/middle"}), "/old");
}

TEST_F(HostStreams, need_a_connection) { EXPECT_EQ(answer({"/x"}), "NotFound"); }

TEST_F(HostStreams, of_a_removed_handler_are_refused_and_running_ones_go_on) {
  b().handle("/x", hold);
  connect();
  auto running = run(a().open_stream(b().id(), {"/x"}));
  world_.run_for(1s);
  b().remove_handler("/x");
  EXPECT_EQ(answer({"/x"}), "NoCommonProtocol");
  EXPECT_EQ(b().open_streams(), 1u);
}

TEST_F(HostStreams, above_the_limit_of_their_protocol_are_reset) {
  b().handle("/x", hold);
  connect();
  world_.run_for(1s);
  std::vector<Stream> streams;
  for (int i = 0; i < 6; ++i) streams.push_back(std::move(*run(a().open_stream(b().id(), {"/x"}))));
  world_.run_for(1s);
  EXPECT_EQ(b().open_streams(), 4u);
  EXPECT_EQ(b().counters().refused_per_protocol, 2u);
  streams.clear();
  world_.run_for(1s);
  EXPECT_EQ(b().open_streams(), 0u);
}

TEST_F(HostStreams, without_a_protocol_are_bounded_and_end_by_the_negotiation_timeout) {
  connect();
  world_.run_for(1s);
  std::vector<std::unique_ptr<transport::RawStream>> silent;
  for (int i = 0; i < 10; ++i) silent.push_back(std::move(*a().swarm().find(b().id())->open_stream()));
  world_.run_for(1s);
  EXPECT_EQ(b().counters().refused_negotiating, 2u);
  world_.run_for(4s);
  EXPECT_EQ(b().counters().negotiation_timeout, 8u);
}

TEST_F(HostStreams, wait_for_a_place_on_the_connection) {
  transport::UpgraderOptions transport = upgrader_options();
  transport.muxer.accept_backlog = 2;
  restart(host_options(), transport);
  b().handle("/x", say_protocol);
  connect();
  for (int round = 0; round < 3; ++round) {
    std::vector<Stream> streams;
    for (int i = 0; i < 4; ++i) {
      auto stream = run(a().open_stream(b().id(), {"/x"}));
      ASSERT_TRUE(stream) << stream.error().message();
      streams.push_back(std::move(*stream));
    }
  }
}

TEST_F(HostStreams, that_get_no_place_fail_by_the_negotiation_timeout) {
  transport::UpgraderOptions transport = upgrader_options();
  transport.muxer.max_outbound_streams = 1;
  HostOptions options = host_options();
  options.identify = false;
  restart(options, transport);
  b().handle("/x", hold);
  connect();
  auto only = run(a().open_stream(b().id(), {"/x"}));
  ASSERT_TRUE(only);
  const TimePoint start = world_.now();
  EXPECT_EQ(answer({"/x"}), "Timeout");
  EXPECT_EQ(world_.now() - start, options.negotiate_timeout);
}

TEST_F(HostStreams, end_with_the_host_and_its_handlers_too) {
  b().handle("/x", hold);
  connect();
  auto stream = run(a().open_stream(b().id(), {"/x"}));
  world_.run_for(1s);
  ASSERT_EQ(b().open_streams(), 1u);
  run(b().close());
  EXPECT_EQ(b().open_streams(), 0u);
  world_.run_for(1s);
  EXPECT_NE(stream->close_reason(), nullptr);
  EXPECT_EQ(a().swarm().connection_count(), 0u);
}

class Identify : public TwoHosts {};

TEST_F(Identify, tells_both_sides_who_the_other_is) {
  b().handle("/served", hold);
  connect();
  for (const bool of_b : {true, false}) {
    Host &asker = of_b ? a() : b(), &told = of_b ? b() : a();
    const auto info = run(asker.identified(told.id()));
    ASSERT_TRUE(info) << info.error().message();
    EXPECT_EQ(info->agent_version, "test/1");
    EXPECT_EQ(info->protocol_version, "test/0");
    EXPECT_EQ(info->public_key, told.key().public_key());
    EXPECT_EQ(info->protocols, told.protocols());
    EXPECT_EQ(info->listen_addresses, told.swarm().listen_addresses());
    EXPECT_TRUE(info->peer_record_valid);
    EXPECT_EQ(info->observed_address, asker.swarm().find(told.id())->info().local_address);
  }
}

TEST_F(Identify, takes_a_record_that_it_verified_before_without_verifying_it_again) {
  const PeerRecord record{b().id(), 7, {b().swarm().listen_addresses()}};
  IdentifyInfo info;
  info.signed_peer_record = record.seal(b().key())->to_protobuf();
  info.signed_peer_record.back() ^= 1;  // in the signature
  const ByteVector verified = info.signed_peer_record;
  ASSERT_TRUE(check_identify(info, b().id()));
  EXPECT_FALSE(info.peer_record_valid);
  ASSERT_TRUE(check_identify(info, b().id(), verified));
  EXPECT_TRUE(info.peer_record_valid);
  EXPECT_EQ(info.peer_record->record().sequence, 7u);
  ASSERT_TRUE(check_identify(info, a().id(), verified));
  EXPECT_FALSE(info.peer_record_valid) << "it is the record of another peer";
}

TEST_F(Identify, of_more_than_4_kib_comes_in_several_messages) {
  for (int i = 0; i < 300; ++i) b().handle("/a/rather/long/protocol/name/number/" + std::to_string(i), hold);
  EXPECT_GT(encode_identify(b().describe(std::nullopt)).size(), 2u);
  connect();
  const auto info = run(a().identified(b().id()));
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_EQ(info->protocols, b().protocols());
  EXPECT_TRUE(info->peer_record_valid);
}

TEST_F(Identify, changes_are_pushed_once_for_all_within_the_delay) {
  connect();
  ASSERT_TRUE(run(a().identified(b().id())) && run(b().identified(a().id())));
  std::vector<PeerProtocolsChanged> seen;
  const auto watch = a().events().subscribe<PeerProtocolsChanged>([&](const auto& event) { seen.push_back(event); });
  b().handle("/one", hold);
  b().handle("/two", hold);
  world_.run_for(2s);
  EXPECT_EQ(a().counters().pushes_received, 1u);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].added, (Names{"/one", "/two"}));
  b().remove_handler("/one");
  world_.run_for(2s);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[1].removed, Names{"/one"});
}

TEST_F(Identify, a_change_while_the_peer_is_being_identified_reaches_it_too) {
  HostOptions options = host_options();
  options.push_delay = 1ms;
  restart(options);
  world_.set_link(machine_a_, machine_b_, {.latency = 100ms});
  connect();
  world_.run_for(150ms);  // b has answered a and waits for the answer of a
  ASSERT_EQ(b().peer(a().id())->identify, std::nullopt);
  b().handle("/late", hold);
  world_.run_for(2s);
  const auto& known = a().peer(b().id())->identify->protocols;
  EXPECT_NE(std::find(known.begin(), known.end(), "/late"), known.end());
}

TEST_F(Identify, a_push_that_leaves_something_out_does_not_change_it) {
  connect();
  const auto before = run(a().identified(b().id()));
  ASSERT_TRUE(before);
  auto stream = run(b().open_stream(a().id(), {std::string(kIdentifyPushId)}));
  IdentifyInfo news;
  news.agent_version = "news";
  ASSERT_TRUE(run(stream->write_message(encode_identify(news)[0])));
  EXPECT_TRUE(run(stream->close()));
  const auto& now = *a().peer(b().id())->identify;
  EXPECT_EQ(now.agent_version, "news");
  EXPECT_EQ(now.protocols, before->protocols);
  EXPECT_EQ(now.listen_addresses, before->listen_addresses);
}

struct BadAnswer {
  const char* name;
  std::function<ByteVector()> bytes;
  ErrorCode error;
};

class BadIdentify : public TwoHosts, public ::testing::WithParamInterface<BadAnswer> {};

TEST_P(BadIdentify, fails_with_its_cause_and_the_connection_stays) {
  b().handle(std::string(kIdentifyId), [](Stream stream) -> io::Task<void> {
    const ByteVector bytes = GetParam().bytes();
    (void)co_await stream.write(bytes);
    (void)co_await stream.close();
  });
  std::vector<ErrorCode> failed;
  const auto watch =
      a().events().subscribe<PeerIdentifyFailed>([&](const auto& event) { failed.push_back(event.error.code()); });
  connect();
  const auto info = run(a().identified(b().id()));
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error(), GetParam().error) << info.error().message();
  EXPECT_EQ(failed.size(), 1u);
  EXPECT_EQ(a().swarm().connection_count(), 1u);
}

ByteVector framed(Bytes message, std::size_t times = 1) {
  ByteVector all;
  for (std::size_t i = 0; i < times; ++i) {
    all.push_back(std::uint8_t(message.size()));
    append(all, message);
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(
    Answers, BadIdentify,
    ::testing::Values(BadAnswer{"nothing", [] { return ByteVector{}; }, ErrorCode::EndOfStream},
                      BadAnswer{"cut_short", [] { return ByteVector{9, 1, 2}; }, ErrorCode::EndOfStream},
                      BadAnswer{"oversized", [] { return ByteVector{0xff, 0xff, 0x7f}; }, ErrorCode::TooLarge},
                      BadAnswer{"too_many", [] { return framed(ByteVector{0x32, 1, 'x'}, 11); }, ErrorCode::TooLarge},
                      BadAnswer{"truncated_field", [] { return framed(ByteVector{0x0a, 99, 1}); },
                                ErrorCode::Truncated},
                      BadAnswer{"anothers_key",
                                [] {
                                  IdentifyInfo info;
                                  info.public_key = test_key(9).public_key();
                                  return framed(encode_identify(info)[0]);
                                },
                                ErrorCode::BadKey}),
    [](const auto& info) { return info.param.name; });

TEST_F(Identify, connections_are_announced_and_their_end_too) {
  int connected = 0, ended = 0;
  const auto one =
      a().events().subscribe<PeerConnected>([&](const auto& event) { connected += event.peer == b().id(); });
  auto dropped = a().events().subscribe<PeerConnected>([&](const auto&) { connected += 100; });
  dropped.reset();
  const auto two = a().events().subscribe<PeerDisconnected>([&](const auto& event) { ended += event.last_connection; });
  connect();
  EXPECT_EQ(connected, 1);
  world_.run_for(1s);
  b().swarm().close_peer(a().id(), transport::CloseReason::local(transport::CloseCode::None));
  world_.run_for(1s);
  EXPECT_EQ(ended, 1);
  EXPECT_EQ(a().peer(b().id()), nullptr) << "forgotten";
}

}  // namespace
}  // namespace starling::host
