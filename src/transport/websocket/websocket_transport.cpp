// Dialing and listening: TCP, web TLS where the address says so, the HTTP upgrade, then the upgrader.
#include <utility>

#include "starling/security/web_tls.hpp"
#include "starling/transport/websocket.hpp"
#include "transport/channel_socket.hpp"
#include "transport/run_machine.hpp"
#include "transport/stream_port.hpp"
#include "transport/websocket/websocket_address.hpp"
#include "transport/websocket/websocket_channel.hpp"
#include "transport/websocket/websocket_upgrade.hpp"

namespace starling::transport {
namespace {

using SocketPtr = std::unique_ptr<io::StreamSocket>;

const std::vector<std::string>& alpn() {
  static const std::vector<std::string> http{"http/1.1"};
  return http;
}

class WebSocketTransport final : public Transport {
 public:
  WebSocketTransport(Upgrader& upgrader, WebSocketOptions options, std::unique_ptr<security::WebTlsServer> tls)
      : upgrader_(upgrader), options_(std::move(options)), tls_server_(std::move(tls)) {}
  bool can_dial(const Multiaddr& address) const override { return WebSocketAddress::parse(address).has_value(); }
  bool can_listen(const Multiaddr& address) const override { return WebSocketAddress::parse(address).has_value(); }
  io::Task<Result<std::unique_ptr<Connection>>> dial(Multiaddr address, DialOptions options) override;
  Result<std::unique_ptr<TransportListener>> listen(const Multiaddr& address) override;

 private:
  io::Task<Result<std::unique_ptr<Connection>>> dial_once(const WebSocketAddress& to, Multiaddr address,
                                                          DialOptions options);
  io::Task<Result<SocketPtr>> switch_outbound(SocketPtr socket, const WebSocketAddress& to, std::string resolved_from);
  io::Task<Result<SocketPtr>> switch_inbound(SocketPtr socket, bool tls);
  io::Task<Result<SocketPtr>> secure(SocketPtr socket, std::unique_ptr<security::WebTlsHandshake> handshake);
  io::Task<Result<SocketPtr>> upgrade_http(SocketPtr socket, std::unique_ptr<WebSocketUpgrade> upgrade, bool client);
  io::Task<Result<SocketPtr>> accept(SocketPtr socket, bool tls);
  Result<std::unique_ptr<security::WebTlsHandshake>> begin_tls(std::string server_name);

  Upgrader& upgrader_;
  WebSocketOptions options_;
  std::unique_ptr<security::WebTlsServer> tls_server_;
  std::unique_ptr<security::WebTlsClient> tls_client_;  // made when the first /wss address is dialed
};

io::Task<Result<std::unique_ptr<Connection>>> WebSocketTransport::dial(Multiaddr address, DialOptions options) {
  const auto to = WebSocketAddress::parse(address);
  if (!to)
    co_return fail(ErrorCode::Unsupported, Op::Dial, Origin::Local, address.to_string() + " is no WebSocket address");
  auto connection = co_await dial_once(*to, address, options);
  if (connection || !refused_first_security(upgrader_, options, connection.error())) co_return connection;
  options.optimistic = false;
  co_return co_await dial_once(*to, address, options);
}

io::Task<Result<std::unique_ptr<Connection>>> WebSocketTransport::dial_once(const WebSocketAddress& to,
                                                                            Multiaddr address, DialOptions options) {
  StageTimes unused;
  StageTimes& times = options.times != nullptr ? *options.times : unused;
  times.reached = "connect";
  const TimePoint start = upgrader_.world.reactor.now();
  auto socket = co_await io::with_deadline(
      upgrader_.options.connect_timeout, io::timeout_error(Op::Connect, "tcp " + to.endpoint.to_string()),
      upgrader_.world.network.connect(to.endpoint, {.local = {}, .congestion = upgrader_.options.congestion}));
  if (socket) {
    if (options.on_answer) options.on_answer();
    times.reached = "websocket";
    socket = co_await io::with_deadline(options_.handshake_timeout,
                                        io::timeout_error(Op::Negotiate, "websocket.handshake_timeout"),
                                        switch_outbound(std::move(*socket), to, options.server_name));
    if (!socket) socket = fail(std::move(socket.error()).while_doing(Op::Negotiate, address.to_string()));
  }
  times.connect += upgrader_.world.reactor.now() - start;
  if (!socket) co_return std::unexpected(std::move(socket).error());
  Multiaddr local = to.with_endpoint((*socket)->local());
  co_return co_await upgrader_.upgrade(std::move(*socket), Direction::Outbound, std::move(local), std::move(address),
                                       options);
}

Result<std::unique_ptr<security::WebTlsHandshake>> WebSocketTransport::begin_tls(std::string server_name) {
  if (!tls_client_) {
    STARLING_TRY(tls_client_,
                 security::WebTlsClient::create({options_.ca_file, options_.unix_seconds, options_.any_certificate}));
  }
  return tls_client_->begin(std::move(server_name), alpn());
}

io::Task<Result<SocketPtr>> WebSocketTransport::switch_outbound(SocketPtr socket, const WebSocketAddress& to,
                                                                std::string resolved_from) {
  if (to.tls) {
    STARLING_CO_TRY(auto handshake, begin_tls(to.server_name(resolved_from)));
    STARLING_CO_TRY(socket, co_await secure(std::move(socket), std::move(handshake)));
  }
  auto upgrade =
      make_websocket_client_upgrade(to.host_header(resolved_from), options_.max_header_bytes, upgrader_.world.random);
  co_return co_await upgrade_http(std::move(socket), std::move(upgrade), /*client=*/true);
}

io::Task<Result<SocketPtr>> WebSocketTransport::switch_inbound(SocketPtr socket, bool tls) {
  if (tls) {
    // Files that cannot be read now leave the certificate of before in use.
    if (!tls_server_->reload_if_changed(upgrader_.world.reactor.now())) ++upgrader_.counters.certificate_errors;
    STARLING_CO_TRY(socket, co_await secure(std::move(socket), tls_server_->begin()));
  }
  co_return co_await upgrade_http(std::move(socket), make_websocket_server_upgrade(options_.max_header_bytes),
                                  /*client=*/false);
}

io::Task<Result<SocketPtr>> WebSocketTransport::secure(SocketPtr socket,
                                                       std::unique_ptr<security::WebTlsHandshake> handshake) {
  ByteQueue in, out;
  STARLING_CO_CHECK(co_await run_machine(*socket, *handshake, in, out));
  co_return std::make_unique<ChannelSocket>(upgrader_.world.reactor, std::move(socket), handshake->take().channel,
                                            std::move(in), std::move(out));
}

io::Task<Result<SocketPtr>> WebSocketTransport::upgrade_http(SocketPtr socket,
                                                             std::unique_ptr<WebSocketUpgrade> upgrade, bool client) {
  ByteQueue in, out;
  STARLING_CO_CHECK(co_await run_machine(*socket, *upgrade, in, out));
  auto channel = std::make_unique<WebSocketChannel>(
      WebSocketFrameOptions{.client = client, .max_frame_bytes = options_.max_frame_bytes}, upgrader_.world.random);
  co_return std::make_unique<ChannelSocket>(upgrader_.world.reactor, std::move(socket), std::move(channel),
                                            std::move(in), std::move(out));
}

io::Task<Result<SocketPtr>> WebSocketTransport::accept(SocketPtr socket, bool tls) {
  co_return co_await io::with_deadline(options_.handshake_timeout,
                                       io::timeout_error(Op::Negotiate, "websocket.handshake_timeout"),
                                       switch_inbound(std::move(socket), tls));
}

Result<std::unique_ptr<TransportListener>> WebSocketTransport::listen(const Multiaddr& address) {
  const auto at = WebSocketAddress::parse(address);
  if (!at)
    return fail(ErrorCode::Unsupported, Op::Listen, Origin::Local, address.to_string() + " is no WebSocket address");
  if (at->tls && !tls_server_) {
    return fail(ErrorCode::InvalidArgument, Op::Listen, Origin::Local,
                address.to_string() + " needs websocket.certificate_file and websocket.key_file");
  }
  return listen_on_port(
      upgrader_, at->endpoint,
      {.kind = at->tls ? FirstBytes::Tls : FirstBytes::Http,
       .name = [at = *at](const io::Endpoint& end) { return at.with_endpoint(end); },
       .prepare = [this, tls = at->tls](SocketPtr socket) { return accept(std::move(socket), tls); }});
}

}  // namespace

Result<std::unique_ptr<Transport>> make_websocket_transport(Upgrader& upgrader, WebSocketOptions options) {
  std::unique_ptr<security::WebTlsServer> tls;
  if (!options.certificate_file.empty() || !options.key_file.empty()) {
    STARLING_TRY(tls, security::WebTlsServer::load({.certificate_file = options.certificate_file,
                                                    .key_file = options.key_file,
                                                    .alpn = alpn(),
                                                    .check_interval = options.certificate_check}));
  }
  return std::make_unique<WebSocketTransport>(upgrader, std::move(options), std::move(tls));
}

}  // namespace starling::transport
