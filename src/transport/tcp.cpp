// The TCP transport: /ip4|ip6/…/tcp/….
// spec: addressing/README.md, Transport multiaddrs. Dials leave from a listening port of the same family where that is
// allowed, so that NAT mappings are shared with the listener.
#include <list>
#include <utility>

#include "starling/io/channel.hpp"
#include "starling/transport/transport.hpp"

namespace starling::transport {
namespace {

Bytes port_bytes(std::uint16_t port, std::array<std::uint8_t, 2>& storage) {
  put_u16_be(storage.data(), port);
  return storage;
}

class TcpTransport;

class TcpListener final : public TransportListener {
 public:
  TcpListener(TcpTransport& transport, Upgrader& upgrader, std::unique_ptr<io::Listener> listener);
  ~TcpListener() override;
  io::Task<Result<std::unique_ptr<Connection>>> accept() override { return ready_.receive(); }
  Multiaddr address() const override { return address_; }
  io::Task<void> close() override;
  io::Endpoint endpoint() const { return listener_->local(); }

 private:
  // One handshake under way. The oldest is cut when a new socket finds no room: a flood of silent peers then costs
  // each other, while an honest peer needs a place for a few round trips only.
  struct Pending {
    explicit Pending(io::CancelScope* parent) : scope(parent) {}
    io::CancelScope scope;
  };
  io::Task<void> accept_loop();
  Result<resource::ConnectionScope> admit(const io::StreamSocket& socket);
  io::Task<void> upgrade(std::unique_ptr<io::StreamSocket> socket, resource::ConnectionScope scope,
                         std::list<Pending>::iterator place);
  io::Task<Result<std::unique_ptr<Connection>>> run_upgrade(std::unique_ptr<io::StreamSocket> socket);
  void make_room();

  TcpTransport& transport_;
  Upgrader& upgrader_;
  std::unique_ptr<io::Listener> listener_;
  Multiaddr address_;
  io::Channel<std::unique_ptr<Connection>> ready_;
  std::list<Pending> pending_;
  io::TaskGroup tasks_;
};

class TcpTransport final : public Transport {
 public:
  explicit TcpTransport(Upgrader& upgrader) : upgrader_(upgrader) {}
  bool can_dial(const Multiaddr& address) const override { return tcp_endpoint(address).has_value(); }
  bool can_listen(const Multiaddr& address) const override { return tcp_endpoint(address).has_value(); }
  io::Task<Result<std::unique_ptr<Connection>>> dial(Multiaddr address, DialOptions options) override;
  Result<std::unique_ptr<TransportListener>> listen(const Multiaddr& address) override;

 private:
  friend class TcpListener;
  io::Task<Result<std::unique_ptr<Connection>>> dial_from(io::ConnectOptions from, io::Endpoint remote,
                                                          Multiaddr address, DialOptions options);
  std::optional<io::Endpoint> listening_port_for(const io::Endpoint& remote) const;
  Upgrader& upgrader_;
  std::vector<TcpListener*> listeners_;
};

io::Task<Result<std::unique_ptr<Connection>>> TcpTransport::dial(Multiaddr address, DialOptions options) {
  const auto remote = tcp_endpoint(address);
  if (!remote) {
    co_return fail(ErrorCode::Unsupported, Op::Dial, Origin::Local, address.to_string() + " is not a TCP address");
  }
  io::ConnectOptions from;
  if (upgrader_.options.reuse_port) from.local = listening_port_for(*remote);
  auto connection = co_await dial_from(from, *remote, address, options);
  if (connection) co_return connection;
  const bool refused = refused_first_security(upgrader_, options, connection.error());
  // Two nodes that dial each other from their listening ports at the same moment get one socket, on which both are
  // the initiator: the handshake cannot succeed. From another port it is an ordinary dial.
  const bool crossed = from.local && connection.error() == ErrorCode::HandshakeFailed;
  if (!refused && !crossed) co_return connection;
  options.optimistic = options.optimistic && !refused;
  co_return co_await dial_from({}, *remote, address, options);
}

io::Task<Result<std::unique_ptr<Connection>>> TcpTransport::dial_from(io::ConnectOptions from, io::Endpoint remote,
                                                                      Multiaddr address, DialOptions options) {
  if (options.times != nullptr) options.times->reached = "connect";
  const TimePoint start = upgrader_.world.reactor.now();
  auto socket = co_await io::with_deadline(upgrader_.options.connect_timeout,
                                           io::timeout_error(Op::Connect, "tcp " + remote.to_string()),
                                           upgrader_.world.network.connect(remote, from));
  if (options.times != nullptr) options.times->connect += upgrader_.world.reactor.now() - start;
  if (!socket) co_return std::unexpected(std::move(socket).error());
  if (options.on_answer) options.on_answer();
  Multiaddr local = tcp_multiaddr((*socket)->local());
  co_return co_await upgrader_.upgrade(std::move(*socket), Direction::Outbound, std::move(local), std::move(address),
                                       options);
}

Result<std::unique_ptr<TransportListener>> TcpTransport::listen(const Multiaddr& address) {
  const auto at = tcp_endpoint(address);
  if (!at)
    return fail(ErrorCode::Unsupported, Op::Listen, Origin::Local, address.to_string() + " is not a TCP address");
  const io::ListenOptions options{upgrader_.options.listen_backlog, upgrader_.options.reuse_port, true};
  STARLING_TRY(auto listener, upgrader_.world.network.listen(*at, options));
  return std::make_unique<TcpListener>(*this, upgrader_, std::move(listener));
}

std::optional<io::Endpoint> TcpTransport::listening_port_for(const io::Endpoint& remote) const {
  for (const TcpListener* listener : listeners_) {
    const io::Endpoint local = listener->endpoint();
    if (local.address.is_v4() != remote.address.is_v4()) continue;
    if (local.address.is_unspecified() || local.address.is_loopback() == remote.address.is_loopback()) return local;
  }
  return std::nullopt;
}

TcpListener::TcpListener(TcpTransport& transport, Upgrader& upgrader, std::unique_ptr<io::Listener> listener)
    : transport_(transport),
      upgrader_(upgrader),
      listener_(std::move(listener)),
      address_(tcp_multiaddr(listener_->local())),
      ready_(upgrader.options.max_pending_inbound),
      tasks_(upgrader.world.reactor) {
  transport_.listeners_.push_back(this);
  tasks_.spawn(accept_loop());
}

TcpListener::~TcpListener() { std::erase(transport_.listeners_, this); }

io::Task<void> TcpListener::close() {
  listener_->close();
  ready_.close();
  co_await tasks_.close();
  while (auto connection = ready_.try_receive()) connection->reset();
}

io::Task<void> TcpListener::accept_loop() {
  constexpr Duration kPauseAfterError = std::chrono::milliseconds(50);  // out of descriptors: others must close first
  for (;;) {
    auto socket = co_await listener_->accept();
    if (!socket) {
      if (socket.error() == ErrorCode::Closed || socket.error() == ErrorCode::Cancelled) co_return;
      ++upgrader_.counters.accept_errors;
      if (!co_await io::sleep_for(upgrader_.world.reactor, kPauseAfterError)) co_return;
      continue;
    }
    ++upgrader_.counters.accepted;
    auto scope = admit(**socket);
    if (!scope) {
      ++upgrader_.counters.refused_by_gate;
      continue;
    }
    make_room();
    pending_.emplace_back(&tasks_.scope());
    tasks_.spawn(upgrade(std::move(*socket), std::move(*scope), std::prev(pending_.end())));
  }
}

Result<resource::ConnectionScope> TcpListener::admit(const io::StreamSocket& socket) {
  if (upgrader_.gate == nullptr) return resource::ConnectionScope();
  return upgrader_.gate->admit({.remote = socket.remote().address});
}

void TcpListener::make_room() {
  if (pending_.size() < upgrader_.options.max_pending_inbound) return;
  for (Pending& oldest : pending_) {
    if (oldest.scope.cancelled() != nullptr) continue;
    ++upgrader_.counters.evicted_pending;
    oldest.scope.cancel(
        Error(ErrorCode::LimitExceeded, Op::Accept, Origin::Limit,
              "transport.max_pending_inbound = " + std::to_string(upgrader_.options.max_pending_inbound)));
    return;
  }
}

io::Task<Result<std::unique_ptr<Connection>>> TcpListener::run_upgrade(std::unique_ptr<io::StreamSocket> socket) {
  Multiaddr local = tcp_multiaddr(socket->local()), remote = tcp_multiaddr(socket->remote());
  return upgrader_.upgrade(std::move(socket), Direction::Inbound, std::move(local), std::move(remote), {});
}

io::Task<void> TcpListener::upgrade(std::unique_ptr<io::StreamSocket> socket, resource::ConnectionScope scope,
                                    std::list<Pending>::iterator place) {
  auto connection = co_await run_upgrade(std::move(socket)).in(place->scope);
  pending_.erase(place);
  if (!connection) co_return;
  (*connection)->hold(std::move(scope));
  ++upgrader_.counters.upgraded;
  (void)co_await ready_.send(std::move(*connection));
}

}  // namespace

Multiaddr tcp_multiaddr(const io::Endpoint& endpoint) {
  std::array<std::uint8_t, 2> port;
  const Multiaddr host =
      Multiaddr().with(endpoint.address.is_v4() ? Protocol::Ip4 : Protocol::Ip6, endpoint.address.bytes());
  return host.with(Protocol::Tcp, port_bytes(endpoint.port, port));
}

std::optional<io::Endpoint> tcp_endpoint(const Multiaddr& address) {
  const auto parts = address.components();
  if (parts.size() != 2 || parts[1].protocol != Protocol::Tcp) return std::nullopt;
  io::Endpoint endpoint;
  endpoint.port = get_u16_be(parts[1].value.data());
  if (parts[0].protocol == Protocol::Ip4) {
    std::array<std::uint8_t, 4> bytes;
    std::copy(parts[0].value.begin(), parts[0].value.end(), bytes.begin());
    endpoint.address = io::IpAddress::v4(bytes);
  } else if (parts[0].protocol == Protocol::Ip6) {
    std::array<std::uint8_t, 16> bytes;
    std::copy(parts[0].value.begin(), parts[0].value.end(), bytes.begin());
    endpoint.address = io::IpAddress::v6(bytes);
  } else {
    return std::nullopt;
  }
  return endpoint;
}

std::unique_ptr<Transport> make_tcp_transport(Upgrader& upgrader) { return std::make_unique<TcpTransport>(upgrader); }

}  // namespace starling::transport
