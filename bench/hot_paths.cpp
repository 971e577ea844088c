// The hot paths on fixed inputs, for counting instructions: tools/hot_paths runs this under callgrind and compares with
// bench/hot_paths.json. Started alone it prints nanoseconds, which are worth less.
// Everything random is seeded and all hosts live in the simulator, so that two runs execute the same instructions (but
// for what OpenSSL draws for itself in TLS).
// For a profile: hot_paths [PART OF A NAME [REPETITIONS]].
#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_ZERO_STATS
#define CALLGRIND_DUMP_STATS_AT(name) (void)(name)
#endif

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "security/noise_channel.hpp"
#include "security/tls_channel.hpp"
#include "starling/host/identify_message.hpp"
#include "starling/muxer/muxer.hpp"
#include "starling/security/security.hpp"
#include "support/sim_node.hpp"

namespace starling::bench {
namespace {

using Body = std::function<void()>;

struct HotPath {
  const char* name;
  int repetitions;               // of the body, counted as one
  std::function<Body()> set_up;  // not counted; the body keeps what it needs
};

// ---- records
// ----------------------------------------------------------------------------------------------------------
class Discard final : public security::PlaintextSink {
 public:
  Status on_plaintext(Bytes) override { return {}; }
};

struct NoisePair {
  security::NoiseChannel sender{crypto::ChaChaPoly(ByteVector(32, 1)), crypto::ChaChaPoly(ByteVector(32, 2))};
  security::NoiseChannel receiver{crypto::ChaChaPoly(ByteVector(32, 2)), crypto::ChaChaPoly(ByteVector(32, 1))};
  ByteQueue wire;
  Discard sink;
};

struct TlsPair {
  using Use = security::TlsRecordKey::Use;
  static security::TlsRecordKey key(Use use, std::uint8_t seed) {
    return *security::TlsRecordKey::create(use, 0x1301, crypto::SecretBytes(ByteVector(32, seed)));  // AES-128-GCM
  }
  static security::TlsChannel channel(security::Role role, std::uint8_t sends, std::uint8_t receives) {
    return security::TlsChannel(
        {.role = role, .sending = key(Use::Seal, sends), .receiving = key(Use::Open, receives), .tickets = nullptr});
  }
  security::TlsChannel sender = channel(security::Role::Initiator, 1, 2);
  security::TlsChannel receiver = channel(security::Role::Responder, 2, 1);
  ByteQueue wire;
  Discard sink;
};

template <typename Pair>
Body records(std::size_t size) {
  return [pair = std::make_shared<Pair>(), plaintext = ByteVector(size, 0x5A)] {
    STARLING_ASSERT(pair->sender.seal(plaintext, pair->wire) && pair->receiver.open(pair->wire, pair->sink),
                    "what one end seals the other opens");
  };
}

// ---- streams
// ----------------------------------------------------------------------------------------------------------
class Reader final : public muxer::Events {
 public:
  bool on_stream(muxer::StreamId) override { return true; }
  void on_data(muxer::StreamId id, Bytes payload) override { session->consumed(id, payload.size(), {}); }
  void on_remote_close(muxer::StreamId id) override { session->close_write(id); }
  void on_reset(muxer::StreamId, muxer::ResetCode) override {}
  void on_writable(muxer::StreamId) override {}
  void on_go_away(muxer::ResetCode) override {}

  muxer::Session* session = nullptr;
};

struct MuxerPair {
  MuxerPair() {
    a_events.session = a.get();
    b_events.session = b.get();
    a->start({});
    b->start({});
    settle();
  }
  static void move(muxer::Session& from, muxer::Session& to, Reader& events) {
    STARLING_ASSERT(to.receive(from.output().view(), {}, events), "what one end frames the other reads");
    from.output().clear();
  }
  void settle() {
    while (!a->output().empty() || !b->output().empty()) {
      move(*a, *b, b_events);
      move(*b, *a, a_events);
    }
  }
  std::unique_ptr<muxer::Session> a = muxer::make_yamux({.initiator = true}),
                                  b = muxer::make_yamux({.initiator = false});
  Reader a_events, b_events;
};

Body yamux_payload(std::size_t frame) {
  auto pair = std::make_shared<MuxerPair>();
  const auto id = *pair->a->open_stream();
  return [pair, id, payload = ByteVector(frame, 0x5A)] {
    STARLING_ASSERT(pair->a->send(id, payload) == payload.size(), "the window is open");
    pair->settle();
  };
}

Body yamux_stream_life() {
  return [pair = std::make_shared<MuxerPair>()] {
    pair->a->close_write(*pair->a->open_stream());
    pair->settle();
  };
}

// ---- handshakes
// -------------------------------------------------------------------------------------------------------
void shake_hands(security::Protocol& dialer, security::Protocol& listener, std::optional<PeerId> expected = {}) {
  const auto a = dialer.begin(
      {.role = security::Role::Initiator, .expected_peer = std::move(expected), .muxers = {"/yamux/1.0.0"}});
  const auto b = listener.begin({.role = security::Role::Responder, .muxers = {"/yamux/1.0.0"}});
  ByteQueue to_a, to_b;
  Status status = a->start(to_b);
  if (status) status = b->start(to_a);
  while (status && !(a->done() && b->done())) {
    if (!b->done()) status = b->receive(to_b, to_a);
    if (status && !a->done()) status = a->receive(to_a, to_b);
  }
  Discard sink;
  if (status) status = a->take().channel->open(to_a, sink);  // a ticket, if it asked for one
  STARLING_ASSERT(status, "two honest ends agree");
}

struct Identities {
  std::unique_ptr<Random> random = seeded_random(7);
  crypto::PrivateKey a = *crypto::PrivateKey::generate(crypto::KeyType::Ed25519, *random);
  crypto::PrivateKey b = *crypto::PrivateKey::generate(crypto::KeyType::Ed25519, *random);
};

Body noise_handshake() {
  auto keys = std::make_shared<Identities>();
  std::shared_ptr<security::Protocol> a = *security::make_noise(keys->a, *keys->random);
  std::shared_ptr<security::Protocol> b = *security::make_noise(keys->b, *keys->random);
  return [keys, a, b] { shake_hands(*a, *b); };
}

Body tls_handshake(bool resumed) {
  const Identities keys;
  std::shared_ptr<security::Protocol> a = *security::make_tls(keys.a), b = *security::make_tls(keys.b);
  const auto expected = resumed ? std::optional(PeerId::from_public_key(keys.b.public_key())) : std::nullopt;
  return [a, b, expected] { shake_hands(*a, *b, expected); };
}

// ---- parsers
// ----------------------------------------------------------------------------------------------------------
Body multiaddr_parse() {
  const auto text = Multiaddr::from_string(
      "/ip4/192.0.2.7/udp/4001/quic-v1/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA/p2p-circuit");
  return [bytes = to_vector(text.value().bytes())] {
    STARLING_ASSERT(Multiaddr::from_bytes(bytes)->to_string().size() > 60, "both ways");
  };
}

// ---- whole nodes
// ------------------------------------------------------------------------------------------------------
/// Two nodes in the simulator; what they do runs on the calling thread.
class NodePair {
 public:
  explicit NodePair(const std::string& transport) {
    runtime::Options options = testing::deterministic_options();
    options.transport.transports = {transport};
    options.perf.serve = true;
    for (auto* node : {&a_, &b_}) {
      auto key = testing::test_key(world_.random());
      *node = std::move(*runtime::Node::create(world_.add_host().world(), std::move(key), options, 1));
    }
    const io::IpAddress& address = world_.host(1).addresses().front();
    address_ = *Multiaddr::from_string("/ip4/" + address.to_string() +
                                       (transport == "quic-v1" ? "/udp/4001/quic-v1" : "/tcp/4001"));
    STARLING_ASSERT(b_->host().listen(address_), "a simulated node can listen");
  }
  ~NodePair() {
    io::run_task(world_.reactor(), a_->close());
    io::run_task(world_.reactor(), b_->close());
  }
  template <typename T>
  T run(io::Task<T> task) {
    return io::run_task(world_.reactor(), std::move(task));
  }
  void connect() { STARLING_ASSERT(run(a_->host().connect(b_->id(), {address_})), "the other node listens"); }
  /// Connects, is identified, and closes again.
  void meet() {
    connect();
    world_.run_for(std::chrono::seconds(1));
    a_->host().swarm().close_peer(b_->id(), transport::CloseReason::local(transport::CloseCode::None));
    world_.run_for(std::chrono::seconds(1));
  }
  void upload(std::uint64_t bytes) {
    const auto result = run(perf::run(a_->host(), b_->id(), {.upload_bytes = bytes}, a_->perf_options()));
    STARLING_ASSERT(result, "perf is served");
  }
  void open_and_ping() {
    auto pinger = run(ping::Pinger::open(a_->host(), b_->id(), a_->ping_options()));
    STARLING_ASSERT(pinger && run(pinger->ping()) && run(pinger->close()), "ping is served");
  }
  ping::Pinger pinger() { return std::move(*run(ping::Pinger::open(a_->host(), b_->id(), a_->ping_options()))); }

 private:
  io::SimWorld world_;
  std::unique_ptr<runtime::Node> a_, b_;
  Multiaddr address_;
};

std::shared_ptr<NodePair> connected(const std::string& transport) {
  auto pair = std::make_shared<NodePair>(transport);
  pair->connect();
  return pair;
}

Body node_meets(const std::string& transport) {
  return [pair = std::make_shared<NodePair>(transport)] { pair->meet(); };
}
Body node_uploads(const std::string& transport) {
  return [pair = connected(transport)] { pair->upload(1u << 20); };
}
Body node_opens_stream(const std::string& transport) {
  return [pair = connected(transport)] { pair->open_and_ping(); };
}
Body node_pings(const std::string& transport) {
  auto pair = connected(transport);
  auto pinger = std::make_shared<ping::Pinger>(pair->pinger());
  return [pair, pinger] { STARLING_ASSERT(pair->run(pinger->ping()), "ping is served"); };
}

const std::vector<HotPath>& hot_paths() {
  static const std::vector<HotPath> all = {
      {"noise record of 64 B, sealed and opened", 1000, [] { return records<NoisePair>(64); }},
      {"noise record of 64 KiB, sealed and opened", 20, [] { return records<NoisePair>(65519); }},
      {"tls record of 64 B, sealed and opened", 1000, [] { return records<TlsPair>(64); }},
      {"tls records of 64 KiB, sealed and opened", 20, [] { return records<TlsPair>(64 << 10); }},
      {"yamux frame of 1 KiB, sent and received", 1000, [] { return yamux_payload(1 << 10); }},
      {"yamux frame of 64 KiB, sent and received", 100, [] { return yamux_payload(64 << 10); }},
      {"yamux stream opened and closed", 500, yamux_stream_life},
      {"noise handshake, both ends", 10, noise_handshake},
      {"tls handshake, both ends", 10, [] { return tls_handshake(false); }},
      {"tls handshake resumed, both ends", 10, [] { return tls_handshake(true); }},
      {"multiaddr parsed and printed", 500, multiaddr_parse},
      {"ping over tcp, noise, yamux, both nodes", 200, [] { return node_pings("tcp"); }},
      {"ping over quic, both nodes", 200, [] { return node_pings("quic-v1"); }},
      {"stream opened over tcp, both nodes", 50, [] { return node_opens_stream("tcp"); }},
      {"1 MiB uploaded over tcp, noise, yamux, both nodes", 4, [] { return node_uploads("tcp"); }},
      {"1 MiB uploaded over quic, both nodes", 4, [] { return node_uploads("quic-v1"); }},
      {"connect, identify, disconnect over tcp, both nodes", 5, [] { return node_meets("tcp"); }},
      {"connect, identify, disconnect over quic, both nodes", 5, [] { return node_meets("quic-v1"); }},
  };
  return all;
}

void measure(const HotPath& path) {
  const Body body = path.set_up();
  body();  // pools fill, tables grow, algorithms are fetched
  const auto started = std::chrono::steady_clock::now();
  CALLGRIND_ZERO_STATS;
  for (int i = 0; i < path.repetitions; ++i) body();
  CALLGRIND_DUMP_STATS_AT(path.name);
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - started;
  std::printf("%-55s %6d %14.0f ns\n", path.name, path.repetitions, took.count() / path.repetitions);
}

}  // namespace
}  // namespace starling::bench

int main(int argc, char** argv) {
  const std::string_view wanted = argc > 1 ? argv[1] : "";
  for (auto path : starling::bench::hot_paths()) {
    if (!std::string_view(path.name).contains(wanted)) continue;
    if (argc > 2) path.repetitions = std::atoi(argv[2]);
    starling::bench::measure(path);
  }
}
