// The TCP transport: /ip4|ip6/…/tcp/….
// spec: addressing/README.md, Transport multiaddrs. Dials leave from a listening port of the same family where that is
// allowed, so that NAT mappings are shared with the listener.
#include <utility>

#include "starling/transport/transport.hpp"
#include "transport/ip_endpoint.hpp"
#include "transport/stream_port.hpp"

namespace starling::transport {
namespace {

class TcpTransport final : public Transport {
 public:
  explicit TcpTransport(Upgrader& upgrader) : upgrader_(upgrader) {}
  bool can_dial(const Multiaddr& address) const override { return tcp_endpoint(address).has_value(); }
  bool can_listen(const Multiaddr& address) const override { return tcp_endpoint(address).has_value(); }
  io::Task<Result<std::unique_ptr<Connection>>> dial(Multiaddr address, DialOptions options) override;
  Result<std::unique_ptr<TransportListener>> listen(const Multiaddr& address) override;

 private:
  io::Task<Result<std::unique_ptr<Connection>>> dial_from(io::ConnectOptions from, io::Endpoint remote,
                                                          Multiaddr address, DialOptions options);
  Upgrader& upgrader_;
};

io::Task<Result<std::unique_ptr<Connection>>> TcpTransport::dial(Multiaddr address, DialOptions options) {
  const auto remote = tcp_endpoint(address);
  if (!remote) {
    co_return fail(ErrorCode::Unsupported, Op::Dial, Origin::Local, address.to_string() + " is not a TCP address");
  }
  io::ConnectOptions from{.local = {}, .congestion = upgrader_.options.congestion};
  if (upgrader_.options.reuse_port) from.local = listening_port_for(upgrader_, *remote);
  auto connection = co_await dial_from(from, *remote, address, options);
  if (connection) co_return connection;
  const bool refused = refused_first_security(upgrader_, options, connection.error());
  // Two nodes that dial each other from their listening ports at the same moment get one socket, on which both are
  // the initiator: the handshake cannot succeed. From another port it is an ordinary dial.
  const bool crossed = from.local && connection.error() == ErrorCode::HandshakeFailed;
  if (!refused && !crossed) co_return connection;
  options.optimistic = options.optimistic && !refused;
  from.local.reset();
  co_return co_await dial_from(from, *remote, address, options);
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
  return listen_on_port(upgrader_, *at, {.kind = FirstBytes::Multistream, .name = tcp_multiaddr});
}

}  // namespace

Multiaddr tcp_multiaddr(const io::Endpoint& endpoint) { return ip_multiaddr(endpoint, Protocol::Tcp); }

std::optional<io::Endpoint> tcp_endpoint(const Multiaddr& address) {
  return address.components().size() == 2 ? ip_endpoint(address, Protocol::Tcp) : std::nullopt;
}

std::unique_ptr<Transport> make_tcp_transport(Upgrader& upgrader) { return std::make_unique<TcpTransport>(upgrader); }

}  // namespace starling::transport
