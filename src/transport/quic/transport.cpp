// The QUIC transport: which socket a dial leaves from, and listeners.
#include <algorithm>
#include <list>
#include <utility>

#include "starling/io/channel.hpp"
#include "transport/quic/endpoint.hpp"

namespace starling::transport {
namespace quic {
namespace {

class Listener;

class Quic final : public QuicTransport, private EndpointOwner {
 public:
  Quic(io::World world, QuicOptions options) : world_(world), options_(std::move(options)) {}
  Status set_up(const crypto::PrivateKey& identity, std::function<std::int64_t()> unix_seconds);

  bool can_dial(const Multiaddr& address) const override { return quic_endpoint(address).has_value(); }
  bool can_listen(const Multiaddr& address) const override { return quic_endpoint(address).has_value(); }
  io::Task<Result<std::unique_ptr<Connection>>> dial(Multiaddr address, DialOptions options) override;
  Result<std::unique_ptr<TransportListener>> listen(const Multiaddr& address) override;
  const QuicCounters& counters() const override { return counters_; }
  std::size_t open_sockets() const override;
  void set_gate(AcceptGate* gate) override { gate_ = gate; }
  void network_changed() override;

 private:
  void on_idle(Endpoint&) override {}  // swept when the next one is needed
  Result<Endpoint*> open(const io::Endpoint& at);
  Result<Endpoint*> endpoint_for(const io::Endpoint& remote);
  void leave_address(QuicConnection& connection);
  bool is_here(const io::IpAddress& address) const;

  io::World world_;
  QuicOptions options_;
  QuicCounters counters_;
  AcceptGate* gate_ = nullptr;
  std::unique_ptr<Engine> engine_;
  std::optional<Error> missing_;  // why there is no engine
  std::list<std::unique_ptr<Endpoint>> endpoints_;
  std::vector<io::Interface> interfaces_;  // as of the last change; empty before the first
};

class Listener final : public TransportListener, private Acceptor {
 public:
  Listener(Endpoint& endpoint, std::size_t capacity)
      : endpoint_(&endpoint), address_(quic_multiaddr(endpoint.local())), ready_(capacity) {
    endpoint_->set_acceptor(this);
  }
  ~Listener() override { stop(); }
  io::Task<Result<std::unique_ptr<Connection>>> accept() override { return ready_.receive(); }
  Multiaddr address() const override { return address_; }
  io::Task<void> close() override {
    stop();
    co_return;
  }

 private:
  void stop() {
    ready_.close();
    while (auto connection = ready_.try_receive()) connection->reset();
    if (Endpoint* endpoint = std::exchange(endpoint_, nullptr)) endpoint->set_acceptor(nullptr);
  }
  bool on_accepted(std::unique_ptr<QuicConnection>& connection) override {
    std::unique_ptr<Connection> offered(connection.release());
    if (ready_.try_send(std::move(offered))) return true;
    connection.reset(static_cast<QuicConnection*>(offered.release()));
    return false;
  }

  Endpoint* endpoint_;
  Multiaddr address_;
  io::Channel<std::unique_ptr<Connection>> ready_;
};

Status Quic::set_up(const crypto::PrivateKey& identity, std::function<std::int64_t()> unix_seconds) {
  auto engine = make_engine(world_.random, identity, options_, std::move(unix_seconds));
  if (engine) {
    engine_ = std::move(*engine);
  } else if (engine.error() == ErrorCode::Unsupported) {
    missing_ = engine.error();
  } else {
    return std::unexpected(std::move(engine).error());
  }
  return {};
}

std::size_t Quic::open_sockets() const {
  return std::size_t(
      std::count_if(endpoints_.begin(), endpoints_.end(), [](const auto& each) { return each->open(); }));
}

Result<Endpoint*> Quic::open(const io::Endpoint& at) {
  if (missing_) return std::unexpected(*missing_);
  std::erase_if(endpoints_, [](const auto& each) { return !each->open(); });
  const io::DatagramOptions options{.coalesce = true,
                                    .dont_fragment = true,
                                    .report_undelivered = true,
                                    .receive_buffer = options_.socket_receive_buffer,
                                    .send_buffer = options_.socket_send_buffer};
  STARLING_TRY(auto socket, world_.network.bind_datagram(at, options));
  const EndpointContext context{world_, options_, *engine_, counters_, gate_};
  endpoints_.push_back(std::make_unique<Endpoint>(context, static_cast<EndpointOwner&>(*this), std::move(socket)));
  return endpoints_.back().get();
}

// A listening socket where one can reach the remote: its NAT mapping is then the listener's, which is what a peer that
// punches holes needs. Else one socket for all dials of a family.
Result<Endpoint*> Quic::endpoint_for(const io::Endpoint& remote) {
  Endpoint* unbound = nullptr;
  for (const auto& endpoint : endpoints_) {
    const io::Endpoint local = endpoint->open() ? endpoint->local() : io::Endpoint{};
    if (!endpoint->open() || local.address.is_v4() != remote.address.is_v4()) continue;
    if (!is_here(local.address)) continue;
    const bool reaches = local.address.is_unspecified() || local.address.is_loopback() == remote.address.is_loopback();
    if (endpoint->listening() && reaches) return endpoint.get();
    if (!endpoint->listening() && local.address.is_unspecified()) unbound = endpoint.get();
  }
  if (unbound != nullptr) return unbound;
  return open({remote.address.is_v4() ? io::IpAddress() : io::IpAddress::v6({}), 0});
}

bool Quic::is_here(const io::IpAddress& address) const {
  return address.is_unspecified() || interfaces_.empty() ||
         std::ranges::any_of(interfaces_, [&](const io::Interface& each) { return each.address == address; });
}

void Quic::network_changed() {
  auto seen = world_.network.interfaces();
  if (!seen) return;
  interfaces_ = *std::move(seen);
  std::vector<QuicConnection*> all;
  for (const auto& endpoint : endpoints_)
    for (QuicConnection* connection : endpoint->connections()) all.push_back(connection);
  for (QuicConnection* connection : all)
    if (!is_here(connection->home())) leave_address(*connection);
}

// To the first address that can take its place. Without one the connection waits for the next change.
void Quic::leave_address(QuicConnection& connection) {
  const io::Endpoint remote = connection.remote();
  const auto next = std::ranges::find_if(interfaces_, [&](const io::Interface& each) {
    return each.address.is_v4() == remote.address.is_v4() && !each.address.is_loopback() &&
           !each.address.is_link_local();
  });
  if (next == interfaces_.end()) return;
  if (!connection.may_move()) return connection.forget_home();
  if (is_here(connection.endpoint().local().address)) return connection.move_to(connection.endpoint(), next->address);
  if (auto endpoint = endpoint_for(remote)) connection.move_to(**endpoint, next->address);
}

Result<std::unique_ptr<TransportListener>> Quic::listen(const Multiaddr& address) {
  const auto at = quic_endpoint(address);
  if (!at)
    return fail(ErrorCode::Unsupported, Op::Listen, Origin::Local, address.to_string() + " is not a QUIC address");
  STARLING_TRY(Endpoint * endpoint, open(*at));
  return std::make_unique<Listener>(*endpoint, options_.max_pending_inbound);
}

struct Handshake final : HandshakeWatcher {
  void on_handshake_over(QuicConnection&) override {
    over = true;
    queue.notify_all();
  }
  io::Task<Status> wait() {
    while (!over) STARLING_CO_CHECK(co_await queue.wait());
    co_return Status{};
  }
  bool over = false;
  io::WaitQueue queue;
};

Error refusal_of(const QuicConnection& connection) {
  const CloseReason* reason = connection.reason();
  if (reason != nullptr && reason->error) return *reason->error;
  return Error(ErrorCode::HandshakeFailed, Op::Secure, Origin::Remote,
               reason != nullptr ? reason->to_string() : "the connection closed");
}

io::Task<Result<std::unique_ptr<Connection>>> Quic::dial(Multiaddr address, DialOptions dial) {
  const auto remote = quic_endpoint(address);
  if (!remote)
    co_return fail(ErrorCode::Unsupported, Op::Dial, Origin::Local, address.to_string() + " is not a QUIC address");
  STARLING_CO_TRY(Endpoint * endpoint, endpoint_for(*remote));
  StageTimes unused;
  StageTimes& times = dial.times != nullptr ? *dial.times : unused;
  times.reached = "connect";
  const TimePoint start = world_.reactor.now();
  Handshake handshake;
  auto connection = std::make_unique<QuicConnection>(*endpoint, Direction::Outbound, handshake);
  STARLING_CO_CHECK(connection->dial(*remote, std::move(dial.expected_peer)));
  const Status waited = co_await io::with_deadline(
      options_.handshake_timeout, io::timeout_error(Op::Connect, "quic " + remote->to_string()), handshake.wait());
  if (const auto answered = connection->first_answer_at()) {
    times.connect += *answered - start;
    times.security += world_.reactor.now() - *answered;
    times.reached = "security handshake";
  } else {
    times.connect += world_.reactor.now() - start;
  }
  const bool heard = connection->first_answer_at().has_value();
  if (heard && dial.on_answer) dial.on_answer();  // a round trip late at most: the handshake takes one
  const Op op = heard ? Op::Secure : Op::Connect;
  if (!waited) co_return std::unexpected(Error(waited.error()).while_doing(op, address.to_string()));
  if (!connection->established() || connection->closed()) {
    co_return std::unexpected(
        refusal_of(*connection).while_doing(op, (heard ? "security handshake with " : "") + address.to_string()));
  }
  times.reached = "connected";
  co_return std::move(connection);
}

}  // namespace
}  // namespace quic

DatagramChannel* datagrams_of(Connection& connection) { return dynamic_cast<DatagramChannel*>(&connection); }

Result<std::unique_ptr<QuicTransport>> make_quic_transport(io::World world, const crypto::PrivateKey& identity,
                                                           QuicOptions options,
                                                           std::function<std::int64_t()> unix_seconds) {
  auto transport = std::make_unique<quic::Quic>(world, std::move(options));
  STARLING_CHECK(transport->set_up(identity, std::move(unix_seconds)));
  return transport;
}

}  // namespace starling::transport
