#include "transport/stream_port.hpp"

#include <algorithm>
#include <array>
#include <list>
#include <utility>

#include "starling/io/channel.hpp"
#include "transport/replay_socket.hpp"
#include "transport/run_machine.hpp"

namespace starling::transport {

using SocketPtr = std::unique_ptr<io::StreamSocket>;

namespace {

io::Task<Status> read_first_bytes(io::StreamSocket& socket, ByteQueue& seen) {
  while (seen.size() < kFirstBytes) STARLING_CO_CHECK(co_await read_more(socket, seen, kFirstBytes - seen.size()));
  co_return Status{};
}

}  // namespace

// One listening socket. Owned by its doors together; it ends when the last of them closes.
class StreamPort {
 public:
  struct OpenDoor {
    OpenDoor(Door door_in, Multiaddr address_in, std::size_t queue)
        : door(std::move(door_in)), address(std::move(address_in)), ready(queue) {}
    Door door;
    Multiaddr address;
    io::Channel<std::unique_ptr<Connection>> ready;
    bool open = true;
  };

  StreamPort(Upgrader& upgrader, std::unique_ptr<io::Listener> listener, ArrivalKind arrivals)
      : upgrader_(upgrader), listener_(std::move(listener)), arrivals_(arrivals), tasks_(upgrader.world.reactor) {
    tasks_.spawn(accept_loop());
  }
  StreamPort(const StreamPort&) = delete;
  StreamPort& operator=(const StreamPort&) = delete;

  io::Endpoint endpoint() const { return listener_->local(); }
  bool has_door(FirstBytes kind) const { return find(kind) != nullptr; }
  OpenDoor& add_door(Door door) {
    Multiaddr address = door.name(listener_->local());
    return doors_.emplace_back(std::move(door), std::move(address), upgrader_.options.max_pending_inbound);
  }
  io::Task<void> close_door(OpenDoor& door);

 private:
  // One handshake under way. The oldest is cut when a new socket finds no room: a flood of silent peers then costs
  // each other, while an honest peer needs a place for a few round trips only.
  struct Pending {
    explicit Pending(io::CancelScope* parent) : scope(parent) {}
    io::CancelScope scope;
  };
  struct Arrived {
    OpenDoor* door;
    std::unique_ptr<Connection> connection;
  };
  const OpenDoor* find(FirstBytes kind) const;
  std::size_t open_doors() const;
  io::Task<void> accept_loop();
  Result<resource::ConnectionScope> admit(const io::StreamSocket& socket);
  void make_room();
  io::Task<void> serve(SocketPtr socket, resource::ConnectionScope scope, std::list<Pending>::iterator place);
  io::Task<Result<Arrived>> upgrade(SocketPtr socket);
  io::Task<Result<OpenDoor*>> choose_door(SocketPtr& socket);
  Error count_early_failure(Error error);

  Upgrader& upgrader_;
  std::unique_ptr<io::Listener> listener_;
  ArrivalKind arrivals_;
  std::list<OpenDoor> doors_;  // closed ones stay: a handshake may still be on its way to them
  std::list<Pending> pending_;
  io::TaskGroup tasks_;
};

namespace {

class DoorListener final : public TransportListener {
 public:
  DoorListener(std::shared_ptr<StreamPort> port, StreamPort::OpenDoor& door) : port_(std::move(port)), door_(door) {}
  io::Task<Result<std::unique_ptr<Connection>>> accept() override { return door_.ready.receive(); }
  Multiaddr address() const override { return door_.address; }
  io::Task<void> close() override { return port_->close_door(door_); }

 private:
  std::shared_ptr<StreamPort> port_;
  StreamPort::OpenDoor& door_;
};

}  // namespace

const StreamPort::OpenDoor* StreamPort::find(FirstBytes kind) const {
  const auto found = std::find_if(doors_.begin(), doors_.end(),
                                  [kind](const OpenDoor& each) { return each.open && each.door.kind == kind; });
  return found == doors_.end() ? nullptr : &*found;
}

std::size_t StreamPort::open_doors() const {
  return std::size_t(std::count_if(doors_.begin(), doors_.end(), [](const OpenDoor& each) { return each.open; }));
}

io::Task<void> StreamPort::close_door(OpenDoor& door) {
  door.open = false;
  door.ready.close();
  if (open_doors() == 0) {
    std::erase_if(upgrader_.ports, [this](const auto& each) { return each.get() == this; });
    listener_->close();
    co_await tasks_.close();
  }
  while (auto connection = door.ready.try_receive()) connection->reset();
}

io::Task<void> StreamPort::accept_loop() {
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
    tasks_.spawn(serve(std::move(*socket), std::move(*scope), std::prev(pending_.end())));
  }
}

Result<resource::ConnectionScope> StreamPort::admit(const io::StreamSocket& socket) {
  if (upgrader_.gate == nullptr) return resource::ConnectionScope();
  Arrival arrival{.remote = std::nullopt, .uses_descriptor = arrivals_ != ArrivalKind::InMemory};
  if (arrivals_ == ArrivalKind::Ip) arrival.remote = socket.remote().address;
  return upgrader_.gate->admit(arrival);
}

void StreamPort::make_room() {
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

io::Task<void> StreamPort::serve(SocketPtr socket, resource::ConnectionScope scope,
                                 std::list<Pending>::iterator place) {
  auto arrived = co_await upgrade(std::move(socket)).in(place->scope);
  pending_.erase(place);
  if (!arrived) co_return;
  arrived->connection->hold(std::move(scope));
  ++upgrader_.counters.upgraded;
  (void)co_await arrived->door->ready.send(std::move(arrived->connection));
}

io::Task<Result<StreamPort::Arrived>> StreamPort::upgrade(SocketPtr socket) {
  auto door = co_await choose_door(socket);
  if (!door) co_return fail(count_early_failure(std::move(door).error()));
  const Door& through = (*door)->door;
  if (through.prepare) {
    auto prepared = co_await through.prepare(std::move(socket));
    if (!prepared) co_return fail(count_early_failure(std::move(prepared).error()));
    socket = std::move(*prepared);
  }
  Multiaddr local = through.name(socket->local()), remote = through.name(socket->remote());
  STARLING_CO_TRY(auto connection, co_await upgrader_.upgrade(std::move(socket), Direction::Inbound, std::move(local),
                                                              std::move(remote), {}));
  co_return Arrived{*door, std::move(connection)};
}

// With one door there is nothing to choose.
io::Task<Result<StreamPort::OpenDoor*>> StreamPort::choose_door(SocketPtr& socket) {
  FirstBytes kind = FirstBytes::Multistream;
  if (open_doors() > 1) {
    ByteQueue seen;
    STARLING_CO_CHECK(co_await io::with_deadline(upgrader_.options.identify_timeout,
                                                 io::timeout_error(Op::Negotiate, "transport.identify_timeout"),
                                                 read_first_bytes(*socket, seen)));
    kind = first_bytes_kind(seen.view());
    socket = std::make_unique<ReplaySocket>(std::move(socket), std::move(seen));
  }
  OpenDoor* only = nullptr;
  for (OpenDoor& each : doors_) {
    if (!each.open) continue;
    if (each.door.kind == kind) co_return &each;
    only = &each;
  }
  if (open_doors() == 1) co_return only;
  co_return fail(ErrorCode::ProtocolViolation, Op::Negotiate, Origin::Remote, "nothing that this port serves");
}

Error StreamPort::count_early_failure(Error error) {
  ++(error == ErrorCode::Timeout ? upgrader_.counters.timed_out : upgrader_.counters.failed_negotiation);
  return error;
}

FirstBytes first_bytes_kind(Bytes bytes) {
  constexpr std::array<std::string_view, 9> kMethods{"GET", "HEA", "POS", "PUT", "DEL", "CON", "OPT", "TRA", "PAT"};
  constexpr std::uint8_t kTlsHandshake = 22, kTlsMajor = 3, kTlsMinorMax = 4;  // RFC 8446, section 5.1
  if (bytes.size() < kFirstBytes) return FirstBytes::Multistream;
  if (bytes[0] == kTlsHandshake && bytes[1] == kTlsMajor && bytes[2] <= kTlsMinorMax) return FirstBytes::Tls;
  const bool http = std::find(kMethods.begin(), kMethods.end(), as_text(bytes.first(kFirstBytes))) != kMethods.end();
  return http ? FirstBytes::Http : FirstBytes::Multistream;
}

std::unique_ptr<TransportListener> listen_with(Upgrader& upgrader, std::unique_ptr<io::Listener> listener,
                                               ArrivalKind arrivals, Door door) {
  auto port = std::make_shared<StreamPort>(upgrader, std::move(listener), arrivals);
  StreamPort::OpenDoor& opened = port->add_door(std::move(door));
  return std::make_unique<DoorListener>(std::move(port), opened);
}

Result<std::unique_ptr<TransportListener>> listen_on_port(Upgrader& upgrader, const io::Endpoint& at, Door door) {
  const auto same = std::find_if(upgrader.ports.begin(), upgrader.ports.end(), [&](const auto& port) {
    return at.port != 0 && port->endpoint() == at && !port->has_door(door.kind);
  });
  std::shared_ptr<StreamPort> port = same == upgrader.ports.end() ? nullptr : *same;
  if (!port) {
    const io::ListenOptions options{upgrader.options.listen_backlog, upgrader.options.reuse_port, true,
                                    upgrader.options.congestion};
    STARLING_TRY(auto listener, upgrader.world.network.listen(at, options));
    port = std::make_shared<StreamPort>(upgrader, std::move(listener), ArrivalKind::Ip);
    upgrader.ports.push_back(port);
  }
  StreamPort::OpenDoor& opened = port->add_door(std::move(door));
  return std::make_unique<DoorListener>(std::move(port), opened);
}

std::optional<io::Endpoint> listening_port_for(const Upgrader& upgrader, const io::Endpoint& remote) {
  for (const auto& port : upgrader.ports) {
    const io::Endpoint local = port->endpoint();
    if (!port->has_door(FirstBytes::Multistream) || local.address.is_v4() != remote.address.is_v4()) continue;
    if (local.address.is_unspecified() || local.address.is_loopback() == remote.address.is_loopback()) return local;
  }
  return std::nullopt;
}

}  // namespace starling::transport
