// Transports inside one machine: /memory/<number> in one process, /unix/<path> between processes. Security and muxer
// run as everywhere else. Neither end of such a connection has an address of its own: both are named by where they met.
#include <utility>

#include "starling/transport/local.hpp"
#include "transport/stream_port.hpp"

namespace starling::transport {
namespace {

using Kind = io::LocalPlace::Kind;

class LocalTransport final : public Transport {
 public:
  LocalTransport(Upgrader& upgrader, Kind kind) : upgrader_(upgrader), kind_(kind) {}
  bool can_dial(const Multiaddr& address) const override { return place_of(address).has_value(); }
  bool can_listen(const Multiaddr& address) const override { return place_of(address).has_value(); }

  io::Task<Result<std::unique_ptr<Connection>>> dial(Multiaddr address, DialOptions options) override {
    const auto place = place_of(address);
    if (!place)
      co_return fail(ErrorCode::Unsupported, Op::Dial, Origin::Local, address.to_string() + " is no local address");
    auto connection = co_await dial_once(*place, address, options);
    if (connection || !refused_first_security(upgrader_, options, connection.error())) co_return connection;
    options.optimistic = false;
    co_return co_await dial_once(*place, address, options);
  }

  Result<std::unique_ptr<TransportListener>> listen(const Multiaddr& address) override {
    const auto place = place_of(address);
    if (!place)
      return fail(ErrorCode::Unsupported, Op::Listen, Origin::Local, address.to_string() + " is no local address");
    STARLING_TRY(auto listener, upgrader_.world.network.listen_local(*place, upgrader_.options.listen_backlog));
    const auto arrivals = kind_ == Kind::Memory ? ArrivalKind::InMemory : ArrivalKind::UnixSocket;
    return listen_with(upgrader_, std::move(listener), arrivals,
                       {.name = [address](const io::Endpoint&) { return address; }});
  }

 private:
  std::optional<io::LocalPlace> place_of(const Multiaddr& address) const {
    const Protocol protocol = kind_ == Kind::Memory ? Protocol::Memory : Protocol::Unix;
    const auto parts = address.components();
    if (parts.size() != 1 || parts[0].protocol != protocol) return std::nullopt;
    return io::LocalPlace{kind_, parts[0].value_text()};
  }
  io::Task<Result<std::unique_ptr<Connection>>> dial_once(io::LocalPlace place, Multiaddr address,
                                                          DialOptions options) {
    if (options.times != nullptr) options.times->reached = "connect";
    auto socket = upgrader_.world.network.connect_local(place);
    if (!socket) co_return std::unexpected(std::move(socket).error());
    if (options.on_answer) options.on_answer();
    co_return co_await upgrader_.upgrade(std::move(*socket), Direction::Outbound, address, address, options);
  }

  Upgrader& upgrader_;
  Kind kind_;
};

}  // namespace

std::unique_ptr<Transport> make_memory_transport(Upgrader& upgrader) {
  return std::make_unique<LocalTransport>(upgrader, Kind::Memory);
}
std::unique_ptr<Transport> make_unix_transport(Upgrader& upgrader) {
  return std::make_unique<LocalTransport>(upgrader, Kind::Unix);
}

}  // namespace starling::transport
