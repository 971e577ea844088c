#include "starling/host/host.hpp"

#include <algorithm>
#include <utility>

namespace starling::host {

using transport::Direction;
using transport::ResetCode;

Host::Host(io::World world, crypto::PrivateKey key, HostOptions options, const swarm::SwarmOptions& swarm_options)
    : world_(world),
      key_(std::move(key)),
      id_(PeerId::from_public_key(key_.public_key())),
      options_(std::move(options)),
      traffic_(options_.traffic),
      record_sequence_(options_.record_sequence),
      book_(options_.address_book),
      observed_(options_.observed),
      upkeep_timer_(world.reactor, [this] { upkeep(); }),
      address_event_timer_(world.reactor, [this] { tell_address_change(); }),
      interface_timer_(world.reactor, [this] { look_at_interfaces(); }),
      tasks_(world.reactor),
      swarm_(world, id_, swarm_options, *this) {
  if (options_.identify) register_identify();
}

Host::~Host() { STARLING_ASSERT(tasks_.running() == 0, "close() the host before it dies"); }

void Host::handle(std::string protocol, StreamHandler handler) {
  handlers_.insert_or_assign(std::move(protocol), std::move(handler));
  local_changed();
}

void Host::handle_matching(std::string advertised, std::function<bool(std::string_view)> matches,
                           StreamHandler handler) {
  patterns_.push_back({std::move(advertised), std::move(matches), std::move(handler)});
  local_changed();
}

void Host::remove_handler(std::string_view protocol) {
  if (const auto found = handlers_.find(protocol); found != handlers_.end()) handlers_.erase(found);
  std::erase_if(patterns_, [&](const Pattern& pattern) { return pattern.advertised == protocol; });
  local_changed();
}

std::vector<std::string> Host::protocols() const {
  std::vector<std::string> names;
  for (const auto& [name, handler] : handlers_) names.push_back(name);
  for (const Pattern& pattern : patterns_) names.push_back(pattern.advertised);
  return names;
}

const StreamHandler* Host::handler_for(std::string_view protocol) const {
  if (const auto found = handlers_.find(protocol); found != handlers_.end()) return &found->second;
  for (const Pattern& pattern : patterns_)
    if (pattern.matches(protocol)) return &pattern.handler;
  return nullptr;
}

io::Task<Result<swarm::ConnectionId>> Host::connect(PeerId peer, std::vector<Multiaddr> addresses,
                                                    swarm::DialReport* report) {
  return connect(std::move(peer), swarm::from_source(AddressSource::User, std::move(addresses)),
                 {swarm::DialOrigin::User}, report);
}

io::Task<Result<swarm::ConnectionId>> Host::connect(PeerId peer, std::vector<swarm::DialAddress> addresses,
                                                    swarm::DialOptions options, swarm::DialReport* report) {
  swarm::DialReport own;
  swarm::DialReport& written = report != nullptr ? *report : own;
  auto link = co_await swarm_.dial(std::move(peer), std::move(addresses), options, &written);
  note_dial(written);
  if (!link) co_return std::unexpected(std::move(link).error());
  co_return (*link)->id();
}

StreamInfo Host::stream_info(swarm::Link& link, Direction direction) const {
  return {link.peer(), {}, direction, link.id(), link.info().remote_address};
}

Result<StreamHold> Host::hold_stream(const PeerId& peer, Direction direction) {
  StreamHold hold;
  if (swarm_.resources() != nullptr) {
    STARLING_TRY(hold.scope, swarm_.resources()->open_stream(peer, direction));
  }
  return hold;
}

// The stream has its protocol: it counts there from now on, and as a use of its connection.
Status Host::settle(StreamHold& hold, const StreamInfo& info) {
  STARLING_CHECK(hold.scope.set_protocol(info.protocol));
  const auto policy = options_.policies.find(info.protocol);
  if (policy != options_.policies.end() && !policy->second.service.empty())
    STARLING_CHECK(hold.scope.set_service(policy->second.service));
  if (policy == options_.policies.end() || !policy->second.background)
    hold.activity = swarm::Activity(swarm_.manager(), info.connection, info.direction);
  return {};
}

// Charges the stream to the name that this node registered or asked for: what a remote peer made up is no account.
Stream Host::charged(Stream stream) {
  std::string_view name = stream.protocol();
  if (stream.info().direction == Direction::Inbound && !handlers_.contains(name)) {
    const auto matching =
        std::find_if(patterns_.begin(), patterns_.end(), [&](const Pattern& each) { return each.matches(name); });
    name = matching == patterns_.end() ? Traffic::kOther : std::string_view(matching->advertised);
  }
  stream.charge_to(traffic_.open_stream(name, stream.info().direction));
  return stream;
}

const PeerState* Host::peer(const PeerId& peer) const {
  const auto found = peers_.find(peer);
  return found == peers_.end() ? nullptr : found->second.get();
}

const Traffic& Host::traffic() {
  traffic_.sample(world_.reactor.now(), [this](const Traffic::Add& add) {
    for (const swarm::Link* link : swarm_.connections()) add(link->info(), link->stats());
  });
  return traffic_;
}

void Host::on_connected(swarm::Link& link) {
  auto& state = peers_[link.peer()];
  if (!state) state = std::make_unique<Peer>();
  if (++state->connections == 1) book_.connected(link.peer());
  traffic_.connected(link.info());
  if (!interface_timer_.armed() && options_.interface_check_interval > Duration::zero()) look_at_interfaces();
  events_.emit(PeerConnected{link.peer(), link.id(), link.info().direction, link.info().remote_address});
  if (options_.identify && !state->identifying && !closing_) {
    state->identifying = true;
    tasks_.spawn(identify(link.peer(), link.id()));
  }
}

void Host::on_disconnected(swarm::Link& link, const transport::CloseReason& reason) {
  const auto found = peers_.find(link.peer());
  const bool last = --found->second->connections == 0;
  const TimePoint now = world_.reactor.now();
  if (last) book_.disconnected(link.peer(), now);
  if (observed_.disconnected(link.id(), now)) refresh_announced();
  schedule_upkeep();
  traffic_.disconnected(link.info(), link.stats());
  events_.emit(PeerDisconnected{link.peer(), link.id(), reason, last});
  forget_if_unused(link.peer());
}

void Host::on_listening(const Multiaddr& address) {
  events_.emit(Listening{address});
  look_at_interfaces();
}

void Host::on_inbound_stream(swarm::Link& link, std::unique_ptr<transport::RawStream> raw) {
  const auto negotiating = negotiating_.find(link.id());
  if (closing_ || (negotiating != negotiating_.end() && negotiating->second >= options_.max_negotiating_streams)) {
    ++counters_.refused_negotiating;
    raw->reset(ResetCode::ResourceLimit);
    return;
  }
  auto hold = hold_stream(link.peer(), Direction::Inbound);
  if (!hold) {
    ++counters_.refused_limit;
    raw->reset(ResetCode::ResourceLimit);
    return;
  }
  ++negotiating_[link.id()];
  tasks_.spawn(serve(std::move(raw), stream_info(link, Direction::Inbound), std::move(*hold)));
}

io::Task<Result<std::string>> Host::negotiate_inbound(transport::RawStream& raw) {
  transport::MultistreamListener listener([this](std::string_view name) { return handler_for(name) != nullptr; },
                                          protocols());
  ByteQueue out;
  for (;;) {
    STARLING_CO_TRY(const std::size_t used, listener.receive(raw.peek(), out));
    if (used > 0) raw.consume(used);
    STARLING_CO_CHECK(co_await write_all(raw, out.view()));
    out.clear();
    if (listener.done()) co_return listener.selected();
    STARLING_CO_TRY(const bool end, raw.at_end());
    if (end) co_return fail(ErrorCode::EndOfStream, Op::Negotiate, Origin::Remote, "stream without a protocol");
    STARLING_CO_CHECK(co_await raw.readable());
  }
}

// The life of an inbound stream: negotiate under a deadline, then the handler for as long as it likes.
io::Task<void> Host::serve(std::unique_ptr<transport::RawStream> raw, StreamInfo info, StreamHold hold) {
  const auto late = [] { return io::timeout_error(Op::Negotiate, "inbound stream"); };
  auto protocol = co_await io::with_deadline(options_.negotiate_timeout, late, negotiate_inbound(*raw));
  if (--negotiating_[info.connection] == 0) negotiating_.erase(info.connection);
  if (!protocol) {
    ++(protocol.error() == ErrorCode::Timeout ? counters_.negotiation_timeout : counters_.negotiation_failed);
    raw->reset(ResetCode::NegotiationFailed);
    co_return;
  }
  const StreamHandler* found = handler_for(*protocol);
  info.protocol = *protocol;
  if (found == nullptr || !settle(hold, info)) {
    ++(found == nullptr ? counters_.refused_protocol : counters_.refused_per_protocol);
    raw->reset(found == nullptr ? ResetCode::NegotiationFailed : ResetCode::ResourceLimit);
    co_return;
  }
  const StreamHandler handler = *found;  // it may be removed while it runs
  ++counters_.streams_accepted;
  ++handlers_running_;
  co_await handler(charged(Stream(std::move(raw), std::move(info), std::nullopt, std::move(hold))));
  --handlers_running_;
}

io::Task<void> Host::close() {
  closing_ = true;
  stop_address_timers();
  tasks_.cancel(Error(ErrorCode::Cancelled, Op::Close, Origin::Cancelled, "the host closes"));
  co_await swarm_.close();
  co_await tasks_.join();
}

}  // namespace starling::host
