// What tests from the transport layer up share: upgraders of any stack, an end that dials and listens, a connection
// that runs, and streams read and written in one go. Everything on one reactor's thread.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "starling/base/random.hpp"
#include "starling/transport/local.hpp"
#include "starling/transport/quic.hpp"
#include "starling/transport/transport.hpp"
#include "starling/transport/websocket.hpp"
#include "support/web_certificate.hpp"

namespace starling::testing {

using std::literals::chrono_literals::operator""s;
using std::literals::chrono_literals::operator""ms;

/// Key number `number`, the same in every run.
inline crypto::PrivateKey test_key(std::uint64_t number) {
  const auto random = seeded_random(number);
  return *crypto::PrivateKey::generate(crypto::KeyType::Ed25519, *random);
}
inline PeerId peer_of(const crypto::PrivateKey& key) { return PeerId::from_public_key(key.public_key()); }

/// Bytes that differ everywhere, the same in every run.
inline ByteVector pattern(std::size_t size, std::uint64_t seed = 1) {
  ByteVector bytes(size);
  seeded_random(seed)->fill(bytes);
  return bytes;
}

inline transport::UpgraderOptions upgrader_options() {
  transport::UpgraderOptions options{};
  options.negotiate_timeout = 3s;
  options.security_timeout = 4s;
  options.connect_timeout = 5s;
  options.close_timeout = 2s;
  options.max_pending_inbound = 16;
  options.max_stream_inbox = 1u << 20;
  options.output_buffer = 64u << 10;
  options.listen_backlog = 64;
  options.reuse_port = false;
  options.identify_timeout = 2s;
  return options;
}

inline transport::QuicOptions quic_options() {
  transport::QuicOptions options{};
  options.handshake_timeout = 4s;
  options.idle_timeout = 10s;
  options.keep_alive = 3s;
  options.close_timeout = 2s;
  options.initial_round_trip = 100ms;
  options.initial_stream_window = 256u << 10;
  options.max_stream_window = 1u << 20;
  options.initial_connection_window = 512u << 10;
  options.max_connection_window = 2u << 20;
  options.max_inbound_streams = 128;
  options.output_buffer = 64u << 10;
  options.max_unacknowledged = 4u << 20;
  options.max_pending_inbound = 16;
  options.retry_above = 8;
  options.max_replies_per_second = 100;
  options.max_closing = 64;
  options.max_udp_payload = 1452;
  options.max_datagram_queue = 64u << 10;
  options.congestion = transport::QuicCongestion::Bbr;
  options.resumption = true;
  return options;
}

/// What an upgrader offers, in order of preference.
struct Stack {
  std::vector<std::string> securities = {"noise"};
  std::vector<std::string> muxers = {"yamux"};
  bool early_muxer = true;      // false: the handshake says nothing of muxers, so multistream must
  bool quic = false;            // QUIC instead of all of them
  std::string carrier = "tcp";  // below them: tcp, ws, wss, memory, unix
  std::optional<std::uint64_t> private_network = {};  // the seed of its key
};

/// A security protocol that keeps the muxers to itself.
class WithoutEarlyMuxer final : public security::Protocol {
 public:
  explicit WithoutEarlyMuxer(std::unique_ptr<security::Protocol> inner) : inner_(std::move(inner)) {}
  std::string_view protocol_id() const override { return inner_->protocol_id(); }
  std::unique_ptr<security::Handshake> begin(security::HandshakeConfig config) override {
    config.muxers.clear();
    return inner_->begin(std::move(config));
  }

 private:
  std::unique_ptr<security::Protocol> inner_;
};

inline std::unique_ptr<security::Protocol> make_security(const std::string& name, const crypto::PrivateKey& key,
                                                         Random& random, bool early_muxer = true) {
  std::unique_ptr<security::Protocol> made;
  if (name == "noise") made = std::move(*security::make_noise(key, random));
  if (name == "tls") made = std::move(*security::make_tls(key));
  if (name == "plaintext") made = security::make_plaintext(key);
  if (!early_muxer) made = std::make_unique<WithoutEarlyMuxer>(std::move(made));
  return made;
}

inline std::unique_ptr<transport::Upgrader> make_upgrader(
    io::World world, const crypto::PrivateKey& key, const Stack& stack,
    const transport::UpgraderOptions& options = upgrader_options()) {
  std::unique_ptr<transport::Upgrader> upgrader(new transport::Upgrader{world, options, {}, {}, {}});
  for (const std::string& name : stack.securities)
    upgrader->securities.push_back(make_security(name, key, world.random, stack.early_muxer));
  for (const std::string& name : stack.muxers) {
    if (name == "yamux") upgrader->muxers.push_back({std::string(muxer::kYamuxId), muxer::make_yamux});
    if (name == "mplex") upgrader->muxers.push_back({std::string(muxer::kMplexId), muxer::make_mplex});
  }
  return upgrader;
}

/// One side: a key and a transport, TCP on an upgrader or QUIC. close() what listens before it dies.
struct End {
  End(io::World world, std::uint64_t number, const Stack& stack = {},
      const transport::UpgraderOptions& options = upgrader_options())
      : key(test_key(number)),
        id(peer_of(key)),
        upgrader(make_upgrader(world, key, stack, options)),
        quic(stack.quic),
        carrier(stack.carrier) {
    if (stack.private_network)
      upgrader->private_network = security::PrivateNetworkKey::generate(*seeded_random(*stack.private_network));
    if (quic)
      transport = std::move(*transport::make_quic_transport(world, key, quic_options()));
    else
      transport = make_carrier();
  }

  std::unique_ptr<transport::Transport> make_carrier() {
    if (carrier == "memory") return transport::make_memory_transport(*upgrader);
    if (carrier == "unix") return transport::make_unix_transport(*upgrader);
    if (carrier != "tcp") return std::move(*transport::make_websocket_transport(*upgrader, websocket_options()));
    return transport::make_tcp_transport(*upgrader);
  }
  transport::WebSocketOptions websocket_options() const {
    const std::string certificate = folder.write("web.pem", kWebCertificateA);
    return {.handshake_timeout = 3s,
            .max_header_bytes = 2048,
            .max_frame_bytes = 1u << 20,
            .certificate_file = certificate,
            .key_file = folder.write("web.key", kWebKeyA),
            .ca_file = certificate,
            .any_certificate = false,
            .certificate_check = 10s,
            .unix_seconds = [] { return kWebCertificateTime; }};
  }

  Multiaddr address(const io::Endpoint& at) const {
    const std::string port = std::to_string(at.port);
    if (quic) return transport::quic_multiaddr(at);
    if (carrier == "memory") return *Multiaddr::from_string("/memory/" + port);
    if (carrier == "unix") return *Multiaddr::from_string("/unix" + folder.path("port-" + port));
    const Multiaddr tcp = transport::tcp_multiaddr(at);
    if (carrier == "ws") return tcp.with(Protocol::Ws);
    return carrier == "wss" ? tcp.with(*Multiaddr::from_string("/tls/sni/node.example/ws")) : tcp;
  }
  Multiaddr listen(const io::Endpoint& at) {
    auto made = transport->listen(address(at));
    EXPECT_TRUE(made) << made.error().message();
    listener = std::move(*made);
    return listener->address();
  }
  io::Task<void> close() {
    if (listener) co_await listener->close();
    listener.reset();
  }

  crypto::PrivateKey key;
  PeerId id;
  std::unique_ptr<transport::Upgrader> upgrader;
  bool quic;
  std::string carrier;
  TemporaryFolder folder;  // certificates and socket files
  std::unique_ptr<transport::Transport> transport;
  std::unique_ptr<transport::TransportListener> listener;
};

/// A connection that runs, with what it told. close() or gone() before it dies.
class Live final : public transport::ConnectionEvents {
 public:
  explicit Live(std::unique_ptr<transport::Connection> made) : connection(std::move(made)) { connection->start(*this); }

  io::Task<std::unique_ptr<transport::RawStream>> next_stream() {
    while (arrived_.empty() && !reason) (void)co_await changed_.wait();
    if (arrived_.empty()) co_return nullptr;
    auto stream = std::move(arrived_.front());
    arrived_.pop_front();
    co_return stream;
  }
  /// Until the connection has ended and nothing of it runs.
  io::Task<transport::CloseReason> gone() {
    while (!reason) (void)co_await changed_.wait();
    co_await connection->join();
    co_return *reason;
  }
  io::Task<void> close(transport::CloseCode code = transport::CloseCode::None) {
    connection->close(transport::CloseReason::local(code));
    (void)co_await gone();
  }
  std::size_t arrived() const { return arrived_.size(); }

  std::unique_ptr<transport::Connection> connection;
  std::optional<transport::CloseReason> reason;

 private:
  void on_inbound_stream(std::unique_ptr<transport::RawStream> stream) override {
    arrived_.push_back(std::move(stream));
    changed_.notify_all();
  }
  void on_closed(const transport::CloseReason& why) override {
    EXPECT_FALSE(reason) << "told twice";
    reason = why;
    changed_.notify_all();
  }
  std::deque<std::unique_ptr<transport::RawStream>> arrived_;
  io::WaitQueue changed_;
};

struct LivePair {
  std::unique_ptr<Live> dialer, acceptor;
};

inline io::Task<void> start_next(transport::TransportListener& listener, std::unique_ptr<Live>& into) {
  auto accepted = co_await listener.accept();
  if (accepted) into = std::make_unique<Live>(std::move(*accepted));
}

/// Dials `to` from `from` and starts both sides of the connection, each as soon as it can: the last bytes of a
/// handshake leave when its connection starts.
inline io::Task<Result<LivePair>> connect(End& from, End& to, Multiaddr address) {
  LivePair pair;
  io::TaskGroup accepting(from.upgrader->world.reactor);
  accepting.spawn(start_next(*to.listener, pair.acceptor));
  auto dialed = co_await from.transport->dial(std::move(address), {to.id, nullptr});
  if (!dialed) {
    co_await accepting.close();
    co_return std::unexpected(std::move(dialed).error());
  }
  pair.dialer = std::make_unique<Live>(std::move(*dialed));
  co_await accepting.join();
  co_return pair;
}

// ---- streams --------------------------------------------------------------------------------------------------------

inline io::Task<Status> send(transport::RawStream& stream, Bytes data) {
  while (!data.empty()) {
    const auto took = stream.try_write(data);
    if (took) {
      data = data.subspan(*took);
    } else if (took.error() == ErrorCode::WouldBlock) {
      STARLING_CO_CHECK(co_await stream.writable());
    } else {
      co_return std::unexpected(took.error());
    }
  }
  co_return Status{};
}

inline io::Task<Status> send_and_close(transport::RawStream& stream, Bytes data) {
  STARLING_CO_CHECK(co_await send(stream, data));
  stream.close_write();
  co_return Status{};
}

/// Up to `size` bytes; fewer only at the end of the stream.
inline io::Task<Result<ByteVector>> receive(transport::RawStream& stream, std::size_t size = ~std::size_t{0}) {
  ByteVector all;
  while (all.size() < size) {
    if (const Bytes view = stream.peek(); !view.empty()) {
      const std::size_t count = std::min(view.size(), size - all.size());
      append(all, view.first(count));
      stream.consume(count);
      continue;
    }
    STARLING_CO_TRY(const bool end, stream.at_end());
    if (end) break;
    STARLING_CO_CHECK(co_await stream.readable());
  }
  co_return all;
}

/// Sends back what comes until the remote ends its side.
inline io::Task<Status> echo(transport::RawStream& stream) {
  for (;;) {
    STARLING_CO_TRY(const bool end, stream.at_end());
    if (end) break;
    if (const ByteVector piece = to_vector(stream.peek()); !piece.empty()) {
      stream.consume(piece.size());
      STARLING_CO_CHECK(co_await send(stream, piece));
    } else {
      STARLING_CO_CHECK(co_await stream.readable());
    }
  }
  stream.close_write();
  co_return Status{};
}

/// Runs `task` aside; its result goes into `into`.
template <typename T>
io::Task<void> keep(io::Task<T> task, std::optional<T>& into) {
  into.emplace(co_await std::move(task));
}

template <typename T>
std::string text_of(const Result<T>& result) {
  return result ? std::string(as_text(*result)) : "error: " + result.error().message();
}

inline io::Task<void> pause_for(io::Reactor& reactor, Duration time) { (void)co_await io::sleep_for(reactor, time); }

}  // namespace starling::testing
