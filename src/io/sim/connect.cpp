// The client's side of making a TCP connection: SYN there, answer back, again with growing pauses when one is lost.
#include "io/sim/host.hpp"
#include "io/sim/tcp_socket.hpp"
#include "io/sim/world_state.hpp"

namespace starling::io::sim {
namespace {

constexpr Duration kFirstRetry = std::chrono::seconds(1);

class ConnectAttempt {
 public:
  ConnectAttempt(Host& from, Host& to, const FourTuple& tuple)
      : from_(from), to_(to), connecting_{tuple, {}}, life_(from.life()) {
    from_.tcp().add_connecting(connecting_);
  }
  ~ConnectAttempt();
  ConnectAttempt(const ConnectAttempt&) = delete;
  ConnectAttempt& operator=(const ConnectAttempt&) = delete;

  Task<Result<std::unique_ptr<StreamSocket>>> run();

 private:
  enum class Answer : std::uint8_t { None, Refused, Accepted };

  Task<Result<Answer>> send_syn();
  Answer syn_arrived();
  void meet(Connecting& other);
  Result<std::unique_ptr<StreamSocket>> finish();
  Status check_alive() const;
  void record(TraceKind kind);
  /// Whether both hosts still have the addresses between which this goes.
  bool addressed() const;
  std::string target() const { return "tcp " + connecting_.tuple.remote.to_string(); }

  WorldState& world() { return from_.world(); }

  Host& from_;
  Host& to_;
  Connecting connecting_;
  std::uint64_t life_, listener_ = 0;
};

ConnectAttempt::~ConnectAttempt() {
  // After a crash the connection went with the host.
  const bool mine = connecting_.opened.connection != nullptr && from_.life() == life_;
  if (mine) connecting_.opened.connection->abort(connecting_.opened.side);
  from_.tcp().remove_connecting(connecting_);
}

void ConnectAttempt::record(TraceKind kind) {
  world().record({kind, from_.number(), to_.number(), connecting_.tuple.local.port, connecting_.tuple.remote.port, 0});
}

Status ConnectAttempt::check_alive() const {
  if (from_.life() == life_) return {};
  return fail(ErrorCode::ConnectionReset, Op::Connect, Origin::Local, "the host crashed");
}

bool ConnectAttempt::addressed() const {
  return from_.has_address(connecting_.tuple.local.address) && to_.has_address(connecting_.tuple.remote.address);
}

Task<Result<std::unique_ptr<StreamSocket>>> ConnectAttempt::run() {
  Reactor& reactor = world().reactor;
  const TimePoint deadline = reactor.now() + world().options.connect_timeout;
  for (Duration pause = kFirstRetry;; pause *= 2) {
    const TimePoint retry = std::min(reactor.now() + pause, deadline);
    STARLING_CO_TRY(const Answer answer, co_await send_syn());
    if (answer == Answer::Accepted) co_return finish();
    if (answer == Answer::Refused) {
      ++world().counters.refusals;
      co_return fail(ErrorCode::ConnectionRefused, Op::Connect, Origin::Remote, target());
    }
    STARLING_CO_CHECK(co_await sleep_until(reactor, retry));
    STARLING_CO_CHECK(check_alive());
    if (reactor.now() >= deadline) co_return fail(ErrorCode::Timeout, Op::Connect, Origin::Network, target());
  }
}

Task<Result<ConnectAttempt::Answer>> ConnectAttempt::send_syn() {
  Path& there = world().path(from_, to_);
  Path& back = world().path(to_, from_);
  if (there.blocked() || !addressed()) co_return Answer::None;
  STARLING_CO_CHECK(co_await sleep_for(world().reactor, there.flight()));
  STARLING_CO_CHECK(check_alive());
  const Answer answer = there.blocked() || !addressed() ? Answer::None : syn_arrived();
  if (answer == Answer::None) {
    record(TraceKind::SynLost);
    co_return Answer::None;
  }
  STARLING_CO_CHECK(co_await sleep_for(world().reactor, back.flight()));
  STARLING_CO_CHECK(check_alive());
  co_return back.blocked() || !addressed() ? Answer::None : answer;
}

ConnectAttempt::Answer ConnectAttempt::syn_arrived() {
  record(TraceKind::Syn);
  if (connecting_.opened.connection != nullptr) return Answer::Accepted;
  if (Connecting* other = to_.tcp().connecting(connecting_.tuple.reversed());
      other != nullptr && other != &connecting_) {
    meet(*other);
    return Answer::Accepted;
  }
  const SimListener* listener = to_.tcp().listener_at(connecting_.tuple.remote);
  if (listener == nullptr) return Answer::Refused;
  if (listener->full()) return Answer::None;
  listener_ = listener->number();
  return Answer::Accepted;
}

// Both sides dialled each other: one connection for both (RFC 9293, 3.5, simultaneous open).
void ConnectAttempt::meet(Connecting& other) {
  TcpConnection& connection = world().add_connection(from_, connecting_.tuple.local, to_, connecting_.tuple.remote);
  connecting_.opened = {&connection, 0};
  other.opened = {&connection, 1};
}

Result<std::unique_ptr<StreamSocket>> ConnectAttempt::finish() {
  STARLING_CHECK(from_.check_descriptors(Op::Connect));
  ConnectionEnd end = std::exchange(connecting_.opened, {});
  if (end.connection == nullptr) {
    end = {&world().add_connection(from_, connecting_.tuple.local, to_, connecting_.tuple.remote), 0};
    end.connection->open_at(listener_);
  }
  ++world().counters.connects;
  record(TraceKind::Connected);
  return std::make_unique<SimStreamSocket>(*end.connection, end.side);
}

// The local endpoint asked for if it can be had, else any port.
Result<FourTuple> choose_tuple(Host& from, Host& to, const Endpoint& remote, const std::optional<Endpoint>& wanted) {
  FourTuple tuple{{*from.source_for(remote.address), 0}, remote};
  if (tuple.remote.address.is_unspecified()) tuple.remote.address = tuple.local.address;
  if (wanted && wanted->address.is_v4() == remote.address.is_v4()) {
    FourTuple asked = tuple;
    asked.local.port = wanted->port;
    if (!wanted->address.is_unspecified()) asked.local.address = wanted->address;
    const SimListener* listener = from.tcp().listener_at(asked.local);
    const bool possible = asked.local.port != 0 && from.has_address(asked.local.address) &&
                          (listener == nullptr || listener->shares_port());
    if (possible && !from.tcp().used(asked) && !to.tcp().established(asked.reversed())) return asked;
  }
  do {
    const auto port = from.tcp().free_port();
    if (!port) return fail(ErrorCode::AddressInUse, Op::Connect, Origin::Limit, "no free port");
    tuple.local.port = *port;
  } while (to.tcp().established(tuple.reversed()));  // the other side has not closed an older one yet
  return tuple;
}

}  // namespace

Task<Result<std::unique_ptr<StreamSocket>>> Host::connect(Endpoint to, ConnectOptions options) {
  STARLING_CO_CHECK(co_await yield());
  STARLING_CO_CHECK(check_running(Op::Connect));
  STARLING_CO_CHECK(check_descriptors(Op::Connect));
  Host* target = world_.route(*this, to.address);
  if (target == nullptr || to.port == 0) {
    co_return fail(ErrorCode::Unreachable, Op::Connect, Origin::Network, "tcp " + to.to_string());
  }
  STARLING_CO_TRY(const FourTuple tuple, choose_tuple(*this, *target, to, options.local));
  ConnectAttempt attempt(*this, *target, tuple);
  co_return co_await attempt.run();
}

}  // namespace starling::io::sim
