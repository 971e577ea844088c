// The way of a QUIC packet, with the real library under a virtual clock. The first byte chooses:
//  - datagrams of a stranger, against an engine and the sessions it makes;
//  - an honest handshake in which the fuzzer changes, drops and doubles packets on their way;
//  - an established pair without packet protection: hostile frames reach the parser and every rule behind it, between
//    honest packets, time, streams, key updates and changes of address.
// Nothing a remote sends, and nothing the application does, may reach an assertion; what the sessions hold stays within
// their bounds.
#include <array>
#include <cstdlib>
#include <set>

#include "security_fuzz_peer.hpp"
#include "transport/quic/ng/make.hpp"

namespace {

using namespace starling;
using namespace starling::transport;
using namespace starling::transport::quic;
using fuzz::Input;

std::int64_t fixed_time() { return 1'800'000'000; }

void expect(bool kept) {
  if (!kept) std::abort();
}

QuicOptions small_options() {
  QuicOptions options{};
  options.handshake_timeout = std::chrono::seconds(5);
  options.idle_timeout = std::chrono::seconds(10);
  options.keep_alive = std::chrono::seconds(3);
  options.close_timeout = std::chrono::seconds(1);
  options.initial_round_trip = std::chrono::milliseconds(100);
  options.initial_stream_window = options.initial_connection_window = 16u << 10;
  options.max_stream_window = options.max_connection_window = 64u << 10;
  options.max_inbound_streams = 8;
  options.output_buffer = 16u << 10;
  options.max_unacknowledged = 64u << 10;
  options.max_udp_payload = 1452;
  options.max_datagram_queue = 4096;
  return options;
}

/// An identity's engine; the same certificate for every input.
struct Side {
  Side(std::uint64_t seed, bool null_protection) : random(seeded_random(seed)), options(small_options()) {
    const auto key = fuzz::fixed_key(seed);
    engine = ng::make_engine_of({security::make_certificate_der(key).value(), null_protection}, key.to_protobuf(),
                                *random, options, fixed_time)
                 .value();
  }
  std::unique_ptr<Random> random;
  QuicOptions options;
  std::unique_ptr<Engine> engine;
};

Side& side(std::uint64_t seed, bool null_protection) {
  static Side sides[] = {{1, false}, {2, false}, {1, true}, {2, true}};
  return sides[(seed - 1) + (null_protection ? 2 : 0)];
}

/// One end: a session and an application that answers in ways the input chooses.
class End final : public SessionEvents {
 public:
  End(io::Endpoint at, const TimePoint& clock) : at_(at), clock_(clock) {}
  void on_established() override {}
  void on_stream(StreamId id) override {
    expect(streams_.insert(id).second);
    expect(streams_.size() <= 8 + opened_);
    if ((mood_ & 1) != 0) session->send(id, as_bytes("hello"));
    if ((mood_ & 2) != 0) session->reset(id, 7);
    if ((mood_ & 4) != 0) session->close_write(id);
  }
  void on_data(StreamId id, Bytes data) override {
    held_ += data.size();
    expect(held_ <= (256u << 10));
    if ((mood_ & 8) != 0) consume(id, data.size());
    if ((mood_ & 16) != 0 && session->unsent() < (16u << 10)) session->send(id, data);
  }
  void on_remote_close(StreamId id) override {
    if ((mood_ & 32) != 0) session->close_write(id);
    if ((mood_ & 64) != 0) release(id);
  }
  void on_reset(StreamId id, std::uint64_t) override {
    session->reset(id, 1);
    release(id);
  }
  void on_stop(StreamId, std::uint64_t) override {}
  void on_openable() override {}
  void on_datagram(Bytes) override {}
  void on_id_added(const ConnectionId& id) override {
    ids.push_back(id);
    expect(ids.size() <= 32);
  }
  void on_id_removed(const ConnectionId& id) override { std::erase(ids, id); }
  void on_reset_token_added(const ResetToken&) override { expect(++tokens_ <= 64); }
  void on_reset_token_removed(const ResetToken&) override { --tokens_; }
  void on_path_changed(const io::Endpoint&) override {}

  void act(std::uint8_t what, std::uint8_t argument) {
    if (session->ended() != nullptr || !session->established()) return;
    if (what % 8 == 0) {
      if (const auto id = session->open_stream()) {
        ++opened_;
        streams_.insert(*id);
      }
      return;
    }
    if (what % 8 == 1) {
      session->send_datagram(Bytes(kPayload).first(std::min<std::size_t>(argument * 8u, session->max_datagram_size())));
      return;
    }
    if (streams_.empty()) return;
    const StreamId id = *std::next(streams_.begin(), argument % std::ptrdiff_t(streams_.size()));
    if (what % 8 == 2 && session->unsent() < (16u << 10)) session->send(id, Bytes(kPayload).first(argument * 64u));
    if (what % 8 == 3) session->close_write(id);
    if (what % 8 == 4) session->reset(id, argument);
    if (what % 8 == 5) consume(id, held_);
    if (what % 8 == 6) release(id);
  }
  void consume(StreamId id, std::size_t bytes) {
    session->consumed(id, bytes, clock_);
    held_ -= bytes;
  }
  void release(StreamId id) {
    session->release(id);
    streams_.erase(id);
  }
  Path path_to(const End& other) const { return {at_, other.at_}; }
  void set_mood(std::uint8_t mood) { mood_ = mood; }
  void move() { at_.port = std::uint16_t(at_.port + 1); }

  std::unique_ptr<Session> session;
  std::vector<ConnectionId> ids;

 private:
  static constexpr std::array<std::uint8_t, 1u << 14> kPayload{};
  io::Endpoint at_;
  const TimePoint& clock_;
  std::set<StreamId> streams_;
  std::size_t held_ = 0, opened_ = 0, tokens_ = 0;
  std::uint8_t mood_ = 8;
};

io::Endpoint endpoint(std::uint8_t last, std::uint16_t port) { return {io::IpAddress::v4({10, 0, 0, last}), port}; }

/// Two ends and what passes between them.
struct Pair {
  explicit Pair(bool null_protection_in)
      : null_protection(null_protection_in), client(endpoint(1, 1000), now), server(endpoint(2, 4001), now) {}

  bool start() {
    client.session = side(1, null_protection).engine->connect(client.path_to(server), std::nullopt, client, now);
    return client.session != nullptr;
  }
  std::vector<ByteVector> output_of(End& from) {
    std::vector<ByteVector> packets;
    if (!from.session || from.session->ended() != nullptr) return packets;
    for (int turns = 0; turns < 4; ++turns) {
      const auto batches = from.session->write(room, now);
      if (batches.empty()) break;
      for (const PacketBatch& batch : batches)
        for (std::size_t at = 0; at < batch.size; at += batch.segment)
          packets.push_back(
              to_vector(Bytes(room).subspan(batch.offset + at, std::min(batch.segment, batch.size - at))));
    }
    return packets;
  }
  void deliver(End& from, End& to, Bytes packet) {
    if (&to == &server && !server.session) return accept(packet);
    if (to.session && to.session->ended() == nullptr) to.session->receive(to.path_to(from), 0, packet, now);
  }
  void accept(Bytes packet) {
    Engine& engine = *side(2, null_protection).engine;
    const auto head = engine.parse(packet);
    if (!head) return;
    const Path path = server.path_to(client);
    const Verdict verdict = engine.judge(path, packet, *head, false, now);
    if (verdict.kind != Verdict::Kind::Accept) {
      const ByteVector answer = engine.answer(path, packet, *head, verdict.kind, now);
      expect(answer.size() <= packet.size() || verdict.kind == Verdict::Kind::Retry);
      if (client.session && !answer.empty()) deliver(server, client, answer);
      return;
    }
    server.session = engine.accept(path, *head, verdict, packet, server, now);
    if (server.session) server.session->receive(path, 0, packet, now);
  }
  void exchange(int rounds) {
    for (int round = 0; round < rounds; ++round) {
      now += std::chrono::milliseconds(1);
      for (const ByteVector& packet : output_of(client)) deliver(client, server, packet);
      for (const ByteVector& packet : output_of(server)) deliver(server, client, packet);
    }
  }
  void pass(Duration time) {
    now += time;
    for (End* end : {&client, &server})
      if (end->session && end->session->ended() == nullptr && end->session->next_deadline() <= now)
        end->session->on_timer(now);
  }

  bool null_protection;
  TimePoint now{std::chrono::seconds(1)};
  std::array<std::uint8_t, 64u << 10> room;
  End client, server;
};

/// Raw datagrams, each behind its length in two bytes.
void from_a_stranger(Input input) {
  Pair pair(/*null_protection_in=*/false);
  while (!input.empty()) {
    const std::size_t size = std::size_t(input.byte()) << 8 | input.byte();
    ByteVector packet = to_vector(input.take(std::min<std::size_t>(size, 2000)));
    if ((size & 0x8000) != 0) packet.resize(kMinInitialSize);  // Initials must have that much
    if (packet.empty()) continue;
    pair.deliver(pair.client, pair.server, packet);
    pair.pass(std::chrono::milliseconds(10));
    pair.output_of(pair.server);
  }
}

/// An honest handshake whose packets the input changes, drops and doubles.
void garbled_handshake(Input input) {
  Pair pair(/*null_protection_in=*/false);
  if (!pair.start()) return;
  const auto pass_on = [&](End& from, End& to) {
    for (ByteVector& packet : pair.output_of(from)) {
      const std::uint8_t what = input.byte();
      if (what % 8 == 1) continue;
      if (what % 8 == 2) packet[(std::size_t(input.byte()) << 3 | input.byte()) % packet.size()] ^= input.byte();
      if (what % 8 == 3) packet.resize(1 + input.byte() * packet.size() / 256);
      if (what % 8 == 4) pair.deliver(from, to, packet);
      pair.deliver(from, to, packet);
    }
  };
  for (int round = 0; round < 12; ++round) {
    pass_on(pair.client, pair.server);
    pass_on(pair.server, pair.client);
    pair.pass(std::chrono::milliseconds(1 + input.byte()));
  }
}

/// A short-header packet with `frames` in it, for a session without protection.
ByteVector forge(const ConnectionId& to, std::uint32_t number, Bytes frames) {
  constexpr std::uint8_t kShortFourByteNumber = 0x43;
  ByteVector packet{kShortFourByteNumber};
  append(packet, to.view());
  packet.resize(packet.size() + 4);
  put_u32_be(packet.data() + packet.size() - 4, number);
  append(packet, frames);
  packet.resize(packet.size() + 16);
  return packet;
}

void hostile_frames(Input input) {
  Pair pair(/*null_protection_in=*/true);
  if (!pair.start()) return;
  pair.exchange(6);
  expect(pair.server.session && pair.server.session->established() && pair.client.session->established());
  std::uint32_t number = 100'000;
  while (!input.empty()) {
    const std::uint8_t op = input.byte();
    End& victim = (op & 1) != 0 ? pair.client : pair.server;
    End& other = (op & 1) != 0 ? pair.server : pair.client;
    if (op < 0x80) {
      const std::size_t size = input.byte() + 1u;
      const ByteVector packet =
          forge(victim.ids.empty() ? ConnectionId{} : victim.ids.back(), ++number, input.take(size));
      pair.deliver(other, victim, packet);
      pair.output_of(victim);  // what it says to that is lost
    } else if (op < 0xb0) {
      victim.act(op >> 1, input.byte());
    } else if (op < 0xc0) {
      victim.set_mood(input.byte());
    } else if (op < 0xd0) {
      pair.pass(std::chrono::milliseconds(1u << input.byte() % 14));
    } else if (op < 0xd8) {
      victim.move();
    } else if (op < 0xdc) {
      if (victim.session->ended() == nullptr) victim.session->update_keys(pair.now);
    } else {
      pair.exchange(2);
    }
    for (End* end : {&pair.client, &pair.server}) {
      expect(end->session->unacknowledged() <= (64u << 10) + 1452);
      if (end->session->ended() != nullptr) {
        (void)end->session->farewell(pair.room, pair.now);
        return;
      }
    }
  }
  (void)pair.client.session->close(0, pair.room, pair.now);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input({data, size});
  const std::uint8_t mode = input.byte();
  if (mode < 64)
    from_a_stranger(input);
  else if (mode < 128)
    garbled_handshake(input);
  else
    hostile_frames(input);
  return 0;
}
