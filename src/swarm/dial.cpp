// Dialing a peer: resolve names, start the addresses one after the other a little apart, take the first that gets
// through, cancel the rest.
#include <algorithm>
#include <utility>

#include "swarm/pending_dial.hpp"

namespace starling::swarm {
namespace {

// The peer id that an address ends in.
std::optional<Multiaddr::Component> named_peer(const Multiaddr& address) {
  const auto parts = address.components();
  if (parts.empty() || parts.back().protocol != Protocol::P2p) return std::nullopt;
  return parts.back();
}

bool names_another(const Multiaddr& address, const PeerId& peer) {
  const auto named = named_peer(address);
  return named && !equal(named->value, peer.bytes());
}

// Loopback and private addresses answer or fail at once: they come first.
constexpr int kLastRank = 3;
int rank(const DialAttempt& attempt) {
  const auto endpoint = transport::tcp_endpoint(attempt.address);
  if (!endpoint) return kLastRank;
  if (endpoint->address.is_loopback()) return 0;
  if (endpoint->address.is_private()) return 1;
  return 2;
}

Error all_failed(const DialReport& report) {
  std::string detail = report.peer.to_string();
  const Error* last = nullptr;
  for (const DialAttempt& attempt : report.attempts) {
    if (!attempt.error) continue;
    detail += (last == nullptr ? ": " : "; ") + attempt.address.to_string() + " " +
              std::string(to_string(attempt.error->code()));
    last = &*attempt.error;
  }
  if (report.attempts.size() == 1 && last != nullptr)
    return Error(*last).while_doing(Op::Dial, report.peer.to_string());
  Error error(ErrorCode::AllAddressesFailed, Op::Dial, last != nullptr ? last->origin() : Origin::Network,
              std::move(detail));
  return last != nullptr ? std::move(error).caused_by(*last) : error;
}

AddressSource source_of(const DialAttempt& attempt, const std::vector<DialAddress>& given) {
  const Multiaddr& start = attempt.from ? *attempt.from : attempt.address;
  for (const DialAddress& each : given)
    if (each.address.without_last(Protocol::P2p) == start) return each.source;
  return AddressSource::Unknown;
}

}  // namespace

std::vector<DialAddress> from_source(AddressSource source, std::vector<Multiaddr> addresses) {
  std::vector<DialAddress> all;
  for (Multiaddr& address : addresses) all.push_back({std::move(address), source});
  return all;
}

// Runs the attempts of one dial. Lives in the frame of run_dial().
class Swarm::Dialer {
 public:
  Dialer(Swarm& swarm, PendingDial& dial)
      : swarm_(swarm), dial_(dial), start_(swarm.world_.reactor.now()), tasks_(swarm.world_.reactor) {}

  io::Task<void> run() {
    const Status status = co_await io::with_deadline(
        swarm_.options_.dial_timeout, io::timeout_error(Op::Dial, dial_.report.peer.to_string()), start_attempts());
    if (!status) stopped_by_ = status.error();
    co_await tasks_.close();
    if (winner_) {
      auto adopted = swarm_.adopt(std::move(winner_));
      if (adopted)
        dial_.connection = (*adopted)->id();
      else
        dial_.report.error = adopted.error();
    } else {
      dial_.report.error = stopped_by_ ? *stopped_by_ : all_failed(dial_.report);
    }
  }

 private:
  Duration elapsed() const { return swarm_.world_.reactor.now() - start_; }

  io::Task<Status> start_attempts() {
    auto& attempts = dial_.report.attempts;
    for (DialAttempt& attempt : attempts) {
      while (running_ >= swarm_.options_.max_dials_per_peer && !winner_)
        STARLING_CO_CHECK(co_await dial_.changed.wait());
      if (winner_) co_return Status{};
      ++running_;
      tasks_.spawn(run_attempt(attempt));
      STARLING_CO_CHECK(co_await pause_before_next(&attempt == &attempts.back()));
      if (winner_) co_return Status{};
    }
    while (running_ > 0 && !winner_) STARLING_CO_CHECK(co_await dial_.changed.wait());
    co_return Status{};
  }

  // The next address starts when this pause is over or something ended before.
  io::Task<Status> pause_before_next(bool last) {
    if (last) co_return Status{};
    const std::size_t ended_before = ended_;
    const Status changed = co_await io::with_deadline(
        swarm_.options_.dial_stagger, io::timeout_error(Op::Dial, "stagger"), wait_for_change(ended_before));
    if (!changed && !(changed.error() == ErrorCode::Timeout && changed.error().detail() == "stagger"))
      co_return changed;
    co_return Status{};
  }

  io::Task<Status> wait_for_change(std::size_t ended_before) {
    while (ended_ == ended_before) STARLING_CO_CHECK(co_await dial_.changed.wait());
    co_return Status{};
  }

  io::Task<void> run_attempt(DialAttempt& attempt) {
    attempt.started_after = elapsed();
    auto connection = co_await dial_address(attempt);
    attempt.total = elapsed() - attempt.started_after;
    if (connection && !winner_) {
      attempt.outcome = DialAttempt::Outcome::Connected;
      winner_ = std::move(*connection);
    } else if (connection) {
      attempt.outcome = DialAttempt::Outcome::Cancelled;
      swarm_.tasks_.spawn(swarm_.discard(std::move(*connection), transport::CloseCode::Supplanted));
    } else {
      const bool cancelled = connection.error() == ErrorCode::Cancelled;
      attempt.outcome = cancelled ? DialAttempt::Outcome::Cancelled : DialAttempt::Outcome::Failed;
      attempt.error = std::move(connection.error());
    }
    --running_;
    ++ended_;
    dial_.changed.notify_all();
  }

  io::Task<Result<std::unique_ptr<transport::Connection>>> dial_address(DialAttempt& attempt) {
    if (attempt.error) co_return std::unexpected(*attempt.error);  // its name did not resolve
    transport::Transport* transport = swarm_.transport_for(attempt.address);
    if (transport == nullptr) {
      co_return fail(ErrorCode::Unsupported, Op::Dial, Origin::Local,
                     "no transport of this node dials " + attempt.address.to_string());
    }
    if (swarm_.gater_ != nullptr) STARLING_CO_CHECK(swarm_.gater_->may_dial(dial_.report.peer, attempt.address));
    STARLING_CO_CHECK(co_await swarm_.take_dial_slot());
    auto scope = swarm_.reserve(transport::Direction::Outbound, attempt.address);
    Result<std::unique_ptr<transport::Connection>> connection = nullptr;
    if (scope) {
      connection = co_await transport->dial(attempt.address, options_of(attempt));
      if (connection) (*connection)->hold(std::move(*scope));
    } else {
      connection = std::unexpected(std::move(scope).error());
    }
    --swarm_.dials_running_;
    swarm_.dial_slot_free_.notify_one();
    co_return connection;
  }

  transport::DialOptions options_of(DialAttempt& attempt) const {
    transport::DialOptions options{.expected_peer = dial_.report.peer, .times = &attempt.stages};
    options.server_name = attempt.host_name;
    return options;
  }

  Swarm& swarm_;
  PendingDial& dial_;
  TimePoint start_;
  std::unique_ptr<transport::Connection> winner_;
  std::optional<Error> stopped_by_;
  std::size_t running_ = 0, ended_ = 0;
  io::TaskGroup tasks_;
};

transport::Transport* Swarm::transport_for(const Multiaddr& address) {
  for (const auto& transport : transports_)
    if (transport->can_dial(address)) return transport.get();
  return nullptr;
}

io::Task<Status> Swarm::take_dial_slot() {
  while (dials_running_ >= options_.max_dials) STARLING_CO_CHECK(co_await dial_slot_free_.wait());
  ++dials_running_;
  co_return Status{};
}

// Resolves names, strips /p2p, drops doubles, orders.
io::Task<std::vector<DialAttempt>> Swarm::plan(const PeerId& peer, std::vector<DialAddress> given) {
  std::vector<Multiaddr> addresses;
  for (const DialAddress& each : given) addresses.push_back(each.address);
  std::vector<DialAttempt> attempts = co_await resolve(peer, std::move(addresses));
  for (DialAttempt& attempt : attempts) attempt.source = source_of(attempt, given);
  std::vector<DialAttempt> distinct;
  for (int wanted = 0; wanted <= kLastRank; ++wanted) {
    for (const DialAttempt& attempt : attempts) {
      const auto same = [&](const DialAttempt& other) { return other.address == attempt.address; };
      if (rank(attempt) == wanted && std::none_of(distinct.begin(), distinct.end(), same)) distinct.push_back(attempt);
    }
  }
  co_return distinct;
}

io::Task<names::Resolution> Swarm::look_up_names(std::vector<Multiaddr> addresses) {
  if (resolver_) co_return co_await resolver_->resolve(std::move(addresses));
  names::Resolution none;
  for (Multiaddr& address : addresses) {
    if (!names::begins_with_name(address)) {
      none.addresses.push_back({std::move(address), {}, {}});
      continue;
    }
    Error error(ErrorCode::Unsupported, Op::Resolve, Origin::Local, address.to_string() + ": no resolver");
    none.failures.push_back({{std::move(address)}, std::move(error)});
  }
  co_return none;
}

// One attempt for each address that the given ones lead to, and one with its error for each name that leads nowhere.
io::Task<std::vector<DialAttempt>> Swarm::resolve(const PeerId& peer, std::vector<Multiaddr> addresses) {
  std::erase_if(addresses, [&](const Multiaddr& address) { return names_another(address, peer); });
  for (Multiaddr& address : addresses) {
    // So that of the records behind a dnsaddr only this peer's count.
    if (!names::begins_with_name(address) || named_peer(address)) continue;
    if (Multiaddr narrowed = address.with(Protocol::P2p, peer.bytes()); !narrowed.empty())
      address = std::move(narrowed);
  }
  const TimePoint start = world_.reactor.now();
  const names::Resolution found = co_await look_up_names(std::move(addresses));
  const Duration took = world_.reactor.now() - start;
  std::vector<DialAttempt> attempts;
  const auto add = [&](const Multiaddr& address, const std::vector<Multiaddr>& path) -> DialAttempt& {
    DialAttempt& attempt = attempts.emplace_back();
    attempt.address = address.without_last(Protocol::P2p);
    if (path.empty()) return attempt;
    attempt.from = path.front().without_last(Protocol::P2p);
    attempt.stages.resolve = took;
    attempt.stages.reached = "resolve";
    return attempt;
  };
  for (const names::ResolvedAddress& each : found.addresses) {
    if (attempts.size() >= options_.max_addresses_per_dial) break;
    if (!names_another(each.address, peer)) add(each.address, each.path).host_name = each.host_name;
  }
  for (const names::Unresolved& each : found.failures) {
    if (attempts.size() >= options_.max_addresses_per_dial) break;
    add(each.path.back(), each.path).error = each.error;
  }
  co_return attempts;
}

io::Task<void> Swarm::run_dial(PendingDial& dial, std::vector<DialAddress> addresses) {
  const TimePoint start = world_.reactor.now();
  dial.report.attempts =
      co_await io::with_deadline(options_.dial_timeout, io::timeout_error(Op::Resolve, dial.report.peer.to_string()),
                                 plan(dial.report.peer, std::move(addresses)));
  if (dial.report.attempts.empty()) {
    dial.report.error = Error(ErrorCode::NoAddresses, Op::Dial, Origin::Local, dial.report.peer.to_string());
  } else {
    Dialer dialer(*this, dial);
    co_await dialer.run();
  }
  dial.report.total = world_.reactor.now() - start;
  if (dial.report.error) ++counters_.dials_failed;
  dial.done = true;
  dial.changed.notify_all();
  if (dial.waiting == 0) dials_.erase(dial.report.peer);  // everybody who wanted it gave up
}

io::Task<Result<Link*>> Swarm::dial(PeerId peer, std::vector<Multiaddr> addresses, DialReport* report) {
  return dial(std::move(peer), from_source(AddressSource::User, std::move(addresses)), {DialOrigin::User}, report);
}

io::Task<Result<Link*>> Swarm::dial(PeerId peer, std::vector<DialAddress> addresses, DialOptions, DialReport* report) {
  if (report != nullptr) report->peer = peer;
  const auto refuse = [report](Error error) {
    if (report != nullptr) report->error = error;
    return std::unexpected(std::move(error));
  };
  if (peer == local_) co_return refuse(Error(ErrorCode::DialedSelf, Op::Dial, Origin::Local, peer.to_string()));
  if (closing_) co_return refuse(Error(ErrorCode::Closed, Op::Dial, Origin::Local, "the node is shutting down"));
  if (Link* link = find(peer)) {
    if (report != nullptr) report->reused_connection = true;
    co_return link;
  }
  if (gater_ != nullptr)
    if (Status allowed = gater_->may_dial(peer); !allowed) co_return refuse(std::move(allowed).error());
  auto& slot = dials_[peer];
  const bool joined = slot != nullptr;
  ++(joined ? counters_.dials_joined : counters_.dials);
  if (!joined) {
    slot = std::make_unique<PendingDial>(peer);
    dial_tasks_.spawn(run_dial(*slot, std::move(addresses)));
  }
  PendingDial& dial = *slot;
  ++dial.waiting;
  Status waited;
  while (!dial.done && waited) waited = co_await dial.changed.wait();
  if (report != nullptr) {
    *report = dial.report;
    report->joined_dial = joined;
  }
  const std::optional<Error> error = waited ? dial.report.error : std::optional<Error>(waited.error());
  if (report != nullptr) report->error = error;
  const ConnectionId connection = dial.connection;
  if (--dial.waiting == 0 && dial.done) dials_.erase(peer);  // else run_dial() does it
  if (error) co_return std::unexpected(*error);
  if (Link* link = find(connection)) co_return link;
  co_return fail(ErrorCode::ConnectionClosed, Op::Dial, Origin::Remote,
                 "the connection to " + peer.to_string() + " closed at once");
}

}  // namespace starling::swarm
