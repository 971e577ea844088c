// Socket to connection: multistream for the security protocol, its handshake, then the muxer, agreed on inside the
// handshake where both sides can and by multistream otherwise.
// spec: connections/README.md, Upgrading connections; connections/inlined-muxer-negotiation.md
#include <algorithm>
#include <array>
#include <utility>

#include "starling/transport/multistream.hpp"
#include "transport/carried.hpp"
#include "transport/channel_socket.hpp"
#include "transport/muxed_connection.hpp"
#include "transport/upgrade.hpp"

namespace starling::transport {
namespace {

constexpr std::size_t kHandshakeRead = 4096;  // room per read while upgrading

struct CollectPlaintext final : security::PlaintextSink {
  explicit CollectPlaintext(ByteQueue& queue_in) : queue(queue_in) {}
  Status on_plaintext(Bytes plaintext) override {
    queue.append(plaintext);
    return {};
  }
  ByteQueue& queue;
};

}  // namespace

Upgrade::Upgrade(const Upgrader& upgrader, const io::World& world, std::unique_ptr<io::StreamSocket> socket,
                 Direction direction, const DialOptions& options)
    : upgrader_(upgrader), world_(world), socket_(std::move(socket)), direction_(direction), options_(options) {
  if (upgrader.private_network) enter_private_network(*upgrader.private_network);
}

// Below everything else, so that no byte of ours leaves in the open. Both sides begin with multistream's header.
void Upgrade::enter_private_network(const security::PrivateNetworkKey& key) {
  std::string first_words(1, char(kMultistreamId.size() + 1));
  first_words.append(kMultistreamId).append("\n");
  socket_ = std::make_unique<ChannelSocket>(
      world_.reactor, std::move(socket_),
      security::make_private_network_channel(key, world_.random, std::move(first_words)));
}

std::vector<std::string> Upgrade::security_ids() const {
  std::vector<std::string> ids;
  for (const auto& protocol : upgrader_.securities) ids.emplace_back(protocol->protocol_id());
  return ids;
}

std::vector<std::string> Upgrade::muxer_ids() const {
  std::vector<std::string> ids;
  for (const MuxerOffer& offer : upgrader_.muxers) ids.push_back(offer.protocol_id);
  return ids;
}

void Upgrade::begin_handshake(std::string id) {
  const auto chosen = std::find_if(upgrader_.securities.begin(), upgrader_.securities.end(),
                                   [&](const auto& protocol) { return protocol->protocol_id() == id; });
  security::HandshakeConfig config;
  config.role = dialing() ? security::Role::Initiator : security::Role::Responder;
  config.expected_peer = options_.expected_peer;
  config.muxers = muxer_ids();
  handshake_ = (*chosen)->begin(std::move(config));
  security_id_ = std::move(id);
}

io::Task<Status> Upgrade::read_more() {
  for (;;) {
    const auto got = socket_->try_read(in_.prepare(kHandshakeRead));
    if (got && *got > 0) {
      heard_ = true;
      in_.commit(*got);
      co_return Status{};
    }
    if (upgrader_.private_network && !heard_ && (got || got.error() == ErrorCode::ConnectionReset)) {
      co_return fail(ErrorCode::PrivateNetworkMismatch, Op::Read, Origin::Remote,
                     "the peer hung up without a word: its private network key differs, or it has none");
    }
    if (got) co_return fail(ErrorCode::EndOfStream, Op::Read, Origin::Remote, "the peer ended the connection");
    if (!(got.error() == ErrorCode::WouldBlock)) co_return fail(got.error());
    if (in_.empty()) in_.clear();  // a peer that stalls holds no buffer of ours
    STARLING_CO_CHECK(co_await socket_->readable());
  }
}

io::Task<Status> Upgrade::write_out() {
  while (!out_.empty()) {
    const auto wrote = socket_->try_write(out_.view());
    if (wrote) {
      out_.consume(*wrote);
    } else if (wrote.error() == ErrorCode::WouldBlock) {
      STARLING_CO_CHECK(co_await socket_->writable());
    } else {
      co_return fail(wrote.error());
    }
  }
  co_return Status{};
}

// An optimistic dialer does not wait for the answer: the handshake's first message travels in the same segment as the
// proposal. A peer that refuses the proposal takes that message for another one and breaks off.
io::Task<Status> Upgrade::propose_security() {
  auto ids = security_ids();
  if (options_.optimistic) ids.resize(1);
  MultistreamDialer dialer(std::move(ids));
  dialer.start(out_);
  if (options_.optimistic) {
    begin_handshake(dialer.selected());
    STARLING_CO_CHECK(handshake_->start(out_));
  }
  for (bool answering = false; !dialer.done(); answering = true) {
    STARLING_CO_CHECK(co_await write_out());
    Status more = co_await read_more();
    if (!more && answering && options_.optimistic && !(more.error() == ErrorCode::Timeout)) {
      co_return fail(Error(ErrorCode::NoCommonProtocol, Op::Negotiate, Origin::Remote,
                           "the peer broke off after the proposal of " + dialer.selected())
                         .caused_by(std::move(more.error())));
    }
    STARLING_CO_CHECK(more);
    STARLING_CO_CHECK(dialer.receive(in_, out_));
  }
  if (options_.optimistic) co_return Status{};
  begin_handshake(dialer.selected());
  co_return handshake_->start(out_);
}

io::Task<Status> Upgrade::choose_security() {
  if (dialing()) co_return co_await propose_security();
  const auto ids = security_ids();
  MultistreamListener listener([&](std::string_view id) { return std::find(ids.begin(), ids.end(), id) != ids.end(); },
                               ids);
  while (!listener.done()) {
    STARLING_CO_CHECK(co_await write_out());
    STARLING_CO_CHECK(co_await read_more());
    STARLING_CO_CHECK(listener.receive(in_, out_));
  }
  begin_handshake(listener.selected());
  co_return handshake_->start(out_);
}

// What the machine says last stays in out_: it leaves together with the next stage's first bytes.
io::Task<Status> Upgrade::handshake() {
  for (;;) {
    STARLING_CO_CHECK(handshake_->receive(in_, out_));
    if (handshake_->done()) break;
    STARLING_CO_CHECK(co_await write_out());
    STARLING_CO_CHECK(co_await read_more());
  }
  outcome_.emplace(handshake_->take());
  co_return Status{};
}

io::Task<Status> Upgrade::send_sealed(ByteQueue& plain_out) {
  STARLING_CO_CHECK(outcome_->channel->seal(plain_out.view(), out_));
  plain_out.clear();
  co_return co_await write_out();
}

io::Task<Status> Upgrade::read_plaintext() {
  CollectPlaintext sink(plain_in_);
  const std::size_t before = plain_in_.size();
  STARLING_CO_CHECK(outcome_->channel->open(in_, sink));
  while (plain_in_.size() == before) {
    STARLING_CO_CHECK(co_await read_more());
    STARLING_CO_CHECK(outcome_->channel->open(in_, sink));
    if (outcome_->channel->remote_closed()) {
      co_return fail(ErrorCode::EndOfStream, Op::Mux, Origin::Remote, "the peer ended the connection");
    }
  }
  co_return Status{};
}

io::Task<Status> Upgrade::choose_muxer() {
  muxer_id_ = outcome_->muxer;
  if (!muxer_id_.empty()) co_return Status{};
  const auto ids = muxer_ids();
  ByteQueue plain_out;
  const auto negotiate = [&](auto& machine) -> io::Task<Status> {
    for (;;) {
      STARLING_CO_CHECK(machine.receive(plain_in_, plain_out));
      if (machine.done()) {
        muxer_id_ = machine.selected();
        STARLING_CO_CHECK(outcome_->channel->seal(plain_out.view(), out_));
        co_return Status{};
      }
      STARLING_CO_CHECK(co_await send_sealed(plain_out));
      STARLING_CO_CHECK(co_await read_plaintext());
    }
  };
  if (dialing()) {
    MultistreamDialer dialer(ids);
    dialer.start(plain_out);
    co_return co_await negotiate(dialer);
  }
  MultistreamListener listener([&](std::string_view id) { return std::find(ids.begin(), ids.end(), id) != ids.end(); },
                               ids);
  co_return co_await negotiate(listener);
}

// An alert may explain to the remote why we refuse it. One try, no waiting.
io::Task<void> Upgrade::flush_last_words() {
  if (!out_.empty()) (void)socket_->try_write(out_.view());
  socket_->close();
  co_return;
}

namespace {

// Runs one stage under its deadline; notes its time; names the stage in the error.
io::Task<Status> run_stage(io::Reactor& reactor, Duration limit, Op op, std::string what, Duration* spent,
                           io::Task<Status> stage) {
  const TimePoint start = reactor.now();
  Status status = co_await io::with_deadline(limit, io::timeout_error(op, what), std::move(stage));
  if (spent != nullptr) *spent += reactor.now() - start;
  if (!status) co_return std::unexpected(std::move(status.error()).while_doing(op, std::move(what)));
  co_return status;
}

}  // namespace

io::Task<Status> Upgrade::run(const Multiaddr& remote, StageTimes& times) {
  const UpgraderOptions& limits = upgrader_.options;
  struct Stage {
    Op op;
    const char* name;
    Duration limit;
    Duration* spent;
    std::uint64_t InboundCounters::* counter;
    io::Task<Status> (Upgrade::*run)();
  };
  const std::array<Stage, 3> stages{{
      {Op::Negotiate, "security protocol", limits.negotiate_timeout, &times.security,
       &InboundCounters::failed_negotiation, &Upgrade::choose_security},
      {Op::Secure, "security handshake", limits.security_timeout, &times.security, &InboundCounters::failed_security,
       &Upgrade::handshake},
      {Op::Mux, "muxer", limits.negotiate_timeout, &times.muxer, &InboundCounters::failed_muxer,
       &Upgrade::choose_muxer},
  }};
  for (const Stage& stage : stages) {
    times.reached = stage.name;
    stage_counter_ = stage.counter;
    Status status =
        co_await run_stage(world_.reactor, stage.limit, stage.op,
                           std::string(stage.name) + " with " + remote.to_string(), stage.spent, (this->*stage.run)());
    if (status) continue;
    co_await flush_last_words();
    co_return status;
  }
  times.reached = "connected";
  co_return Status{};
}

namespace {

// The security is on another reactor: what arrives at home is plain.
class OpenChannel final : public security::Channel {
 public:
  Status seal(Bytes plaintext, ByteQueue& wire) override {
    wire.append(plaintext);
    return {};
  }
  Status open(ByteQueue& wire, security::PlaintextSink& sink) override {
    Status status = sink.on_plaintext(wire.view());
    wire.clear();
    return status;
  }
  Status close(ByteQueue&) override { return {}; }
  bool remote_closed() const override { return false; }
};

// What an upgrade ended in, wherever it ran.
struct Agreed {
  PeerId remote_peer;
  std::optional<crypto::PublicKey> remote_key;
  std::string security, muxer;
  MuxedConnection::Parts parts;
};

std::unique_ptr<Connection> make_connection(const Upgrader& upgrader, Direction direction, Multiaddr local,
                                            Multiaddr remote, Agreed agreed) {
  const auto offer = std::find_if(upgrader.muxers.begin(), upgrader.muxers.end(),
                                  [&](const MuxerOffer& each) { return each.protocol_id == agreed.muxer; });
  muxer::Config session = upgrader.options.muxer;
  session.initiator = direction == Direction::Outbound;
  agreed.parts.windows = std::make_unique<WindowCharge>();
  session.window_memory = agreed.parts.windows.get();
  agreed.parts.session = offer->make(session);
  ConnectionInfo info{
      direction,         std::move(agreed.remote_peer), std::move(agreed.remote_key), std::move(local),
      std::move(remote), std::move(agreed.security),    std::move(agreed.muxer),      upgrader.world.reactor.now()};
  return std::make_unique<MuxedConnection>(upgrader.world, upgrader.options, std::move(info), std::move(agreed.parts));
}

// Here, on the upgrader's own reactor.
io::Task<Result<Agreed>> agree(Upgrade& upgrade, const Multiaddr& remote, StageTimes& times) {
  STARLING_CO_CHECK(co_await upgrade.run(remote, times));
  security::HandshakeOutcome& outcome = upgrade.outcome();
  co_return Agreed{outcome.remote_peer,
                   outcome.remote_key,
                   upgrade.security_id(),
                   upgrade.muxer_id(),
                   {.socket = std::move(upgrade.socket()),
                    .channel = std::move(outcome.channel),
                    .windows = nullptr,
                    .session = nullptr,
                    .wire_in = std::move(upgrade.wire_in()),
                    .wire_out = std::move(upgrade.wire_out()),
                    .plaintext_in = std::move(upgrade.plaintext_in())}};
}

// On the lane. A cancelled dial drops the carried socket, at which the lane lets go.
io::Task<Result<Agreed>> agree_there(std::unique_ptr<CarriedSocket> socket, StageTimes& times,
                                     std::uint64_t InboundCounters::*& stage_counter) {
  times.reached = "security handshake";
  STARLING_CO_CHECK(co_await socket->until_negotiated());
  Negotiated told = std::move(socket->negotiated());
  times.security += told.times.security;
  times.muxer += told.times.muxer;
  times.reached = told.times.reached;
  stage_counter = told.stage_counter;
  STARLING_CO_CHECK(told.status);
  CarriedSocket* const carried = socket.get();
  co_return Agreed{std::move(told.remote_peer),
                   std::move(told.remote_key),
                   std::move(told.security),
                   std::move(told.muxer),
                   {.socket = std::move(socket),
                    .channel = std::make_unique<OpenChannel>(),
                    .windows = nullptr,
                    .session = nullptr,
                    .wire_in = {},
                    .wire_out = {},
                    .plaintext_in = {},
                    .carried = carried}};
}

}  // namespace

bool refused_first_security(const Upgrader& upgrader, const DialOptions& options, const Error& error) {
  return options.optimistic && upgrader.securities.size() > 1 && error.op() == Op::Negotiate &&
         error == ErrorCode::NoCommonProtocol;
}

std::unique_ptr<CarriedSocket> Upgrader::carry(std::unique_ptr<io::StreamSocket>& socket, Direction direction,
                                               const Multiaddr& remote, const DialOptions& dial, Seat& seat) {
  if (spread == nullptr) return nullptr;
  Spread::Place& place = spread->choose();
  io::Endpoint near = socket->local(), far = socket->remote();
  if (place.lane == nullptr || !move_to(*place.lane, socket)) {
    seat = Seat(spread->places_.front().taken);
    return nullptr;
  }
  auto carried = std::make_unique<Carried>(*place.lane, spread->window_, *this, std::move(socket), direction, remote,
                                           dial, place.taken);
  auto end = std::make_unique<CarriedSocket>(world.reactor, carried->crossing, std::move(near), std::move(far));
  spread->tasks_.spawn(spread->hold(std::move(carried)));
  return end;
}

io::Task<Result<std::unique_ptr<Connection>>> Upgrader::upgrade(std::unique_ptr<io::StreamSocket> socket,
                                                                Direction direction, Multiaddr local, Multiaddr remote,
                                                                DialOptions dial) {
  const TimePoint start = world.reactor.now();
  StageTimes unused;
  StageTimes& times = dial.times != nullptr ? *dial.times : unused;
  std::uint64_t InboundCounters::* stage_counter = &InboundCounters::failed_security;
  Seat seat;
  std::optional<Result<Agreed>> agreed;
  if (auto carried = carry(socket, direction, remote, dial, seat)) {
    agreed.emplace(co_await agree_there(std::move(carried), times, stage_counter));
  } else {
    Upgrade upgrade(*this, world, std::move(socket), direction, dial);
    agreed.emplace(co_await agree(upgrade, remote, times));
    stage_counter = upgrade.stage_counter();
  }
  if (!*agreed) {
    Error error = std::move(*agreed).error();
    if (direction == Direction::Inbound) ++(error == ErrorCode::Timeout ? counters.timed_out : counters.*stage_counter);
    co_return std::unexpected(std::move(error));
  }
  (direction == Direction::Inbound ? handshakes.inbound : handshakes.outbound).add(world.reactor.now() - start);
  (*agreed)->parts.seat = std::move(seat);
  co_return make_connection(*this, direction, std::move(local), std::move(remote), std::move(**agreed));
}

}  // namespace starling::transport
