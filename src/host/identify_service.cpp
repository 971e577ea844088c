// Identify as it runs in the host: ask every new peer, answer, push when what we say changes, take pushes.
// spec: identify/README.md
#include <algorithm>
#include <utility>

#include "starling/host/host.hpp"
#include "starling/multiformats/varint.hpp"
#include "starling/peer/peer_record.hpp"

namespace starling::host {

void Host::register_identify() {
  handle(std::string(kIdentifyId), [this](Stream stream) { return answer_identify(std::move(stream)); });
  handle(std::string(kIdentifyPushId), [this](Stream stream) { return receive_push(std::move(stream)); });
}

IdentifyInfo Host::describe(std::optional<Multiaddr> observed) const {
  IdentifyInfo info;
  info.protocol_version = options_.protocol_version;
  info.agent_version = options_.agent_version;
  info.public_key = key_.public_key();
  info.listen_addresses = announced_only();
  info.observed_address = std::move(observed);
  info.protocols = protocols();
  if (!info.listen_addresses.empty()) info.signed_peer_record = own_record();
  return info;
}

io::Task<Status> Host::send_identify(Stream& stream) {
  ByteVector all;
  for (const ByteVector& message : encode_identify(describe(stream.info().remote_address))) {
    append_varint(all, message.size());
    append(all, message);
  }
  STARLING_CO_CHECK(co_await stream.write(all));
  stream.close_write();
  co_return Status{};
}

io::Task<void> Host::answer_identify(Stream stream) {
  const Status sent = co_await io::with_deadline(options_.identify_timeout, io::timeout_error(Op::Identify, "answer"),
                                                 send_identify(stream));
  if (sent)
    (void)co_await io::with_deadline(options_.identify_timeout, io::timeout_error(Op::Identify, "close"),
                                     stream.close());
}

io::Task<Result<IdentifyInfo>> Host::read_identify(Stream& stream) {
  IdentifyInfo info;
  for (std::size_t messages = 0;; ++messages) {
    STARLING_CO_TRY(const Bytes more, co_await stream.peek());
    if (more.empty() && messages == 0)
      co_return fail(ErrorCode::EndOfStream, Op::Identify, Origin::Remote, "an empty answer");
    if (more.empty()) break;
    if (messages == kMaxIdentifyMessages)
      co_return fail(ErrorCode::TooLarge, Op::Identify, Origin::Remote, "too many messages");
    STARLING_CO_TRY(const ByteVector message, co_await stream.read_message(kMaxIdentifyMessageRead));
    STARLING_CO_CHECK(merge_identify(message, info));
  }
  STARLING_CO_CHECK(check_identify(info, stream.info().peer, book_.record(stream.info().peer)));
  co_return info;
}

io::Task<Result<IdentifyInfo>> Host::ask_identify(swarm::ConnectionId connection) {
  STARLING_CO_TRY(Stream stream, co_await open_on(connection, {std::string(kIdentifyId)}));
  stream.close_write();  // the asker has nothing to say
  co_return co_await read_identify(stream);
}

io::Task<void> Host::identify(PeerId peer, swarm::ConnectionId connection) {
  auto info = co_await io::with_deadline(options_.identify_timeout, io::timeout_error(Op::Identify, peer.to_string()),
                                         ask_identify(connection));
  const auto found = peers_.find(peer);
  Peer& state = *found->second;
  state.identifying = false;
  if (info) {
    ++counters_.identify_ok;
    learn(state, peer, connection, std::move(*info), /*pushed=*/false);
  } else {
    ++counters_.identify_failed;
    state.identify_error = info.error();
    events_.emit(PeerIdentifyFailed{peer, connection, std::move(info.error())});
  }
  state.identify_ended.notify_all();
  if (std::exchange(state.push_due, false)) push_if_understood(peer, state);
  retry_identify(peer, state, connection);
  forget_if_unused(peer);
}

// The connection that was asked on went; another to the same peer may answer. Each is asked once at most: the one
// that is left is another than the one that failed.
void Host::retry_identify(const PeerId& peer, Peer& state, swarm::ConnectionId failed) {
  swarm::Link* other = swarm_.find(peer);
  if (state.identify || closing_ || other == nullptr || other->id() == failed || swarm_.find(failed) != nullptr) return;
  state.identifying = tasks_.spawn(identify(peer, other->id()));
}

void Host::learn(Peer& state, const PeerId& peer, swarm::ConnectionId connection, IdentifyInfo info, bool pushed) {
  if (pushed && state.identify) {  // a push may leave out what did not change
    if (!info.public_key) info.public_key = state.identify->public_key;
    if (info.agent_version.empty()) info.agent_version = state.identify->agent_version;
    if (info.protocol_version.empty()) info.protocol_version = state.identify->protocol_version;
    if (info.protocols.empty()) info.protocols = state.identify->protocols;
    if (info.listen_addresses.empty()) info.listen_addresses = state.identify->listen_addresses;
    if (!info.observed_address) info.observed_address = state.identify->observed_address;
    if (info.signed_peer_record.empty()) {
      info.signed_peer_record = state.identify->signed_peer_record;
      info.peer_record_valid = state.identify->peer_record_valid;
      info.peer_record = state.identify->peer_record;
    }
  }
  PeerProtocolsChanged changed{peer, {}, {}};
  const std::vector<std::string> before = state.identify ? state.identify->protocols : std::vector<std::string>{};
  const auto missing_in = [](const std::vector<std::string>& names) {
    return [&names](const std::string& name) { return std::find(names.begin(), names.end(), name) == names.end(); };
  };
  std::copy_if(info.protocols.begin(), info.protocols.end(), std::back_inserter(changed.added), missing_in(before));
  std::copy_if(before.begin(), before.end(), std::back_inserter(changed.removed), missing_in(info.protocols));
  state.identify = std::move(info);
  state.identify_error.reset();
  remember(peer, connection, *state.identify);
  events_.emit(PeerIdentified{peer, connection, *state.identify, pushed});
  if (!changed.added.empty() || !changed.removed.empty()) events_.emit(changed);
}

io::Task<void> Host::receive_push(Stream stream) {
  const PeerId peer = stream.info().peer;
  const auto found = peers_.find(peer);
  if (found == peers_.end() || std::exchange(found->second->push_running, true)) {  // one at a time
    ++counters_.pushes_refused;
    stream.reset(transport::ResetCode::RateLimited);
    co_return;
  }
  auto info = co_await io::with_deadline(
      options_.identify_timeout, io::timeout_error(Op::Identify, "push of " + peer.to_string()), read_identify(stream));
  const auto still = peers_.find(peer);  // it stays while a push runs
  still->second->push_running = false;
  if (!info) {
    ++counters_.pushes_failed;
    co_return forget_if_unused(peer);
  }
  ++counters_.pushes_received;
  stream.close_write();
  learn(*still->second, peer, stream.info().connection, std::move(*info), /*pushed=*/true);
  forget_if_unused(peer);
}

// What we say of ourselves changed: tell those who listen, after a moment in which more may change.
void Host::local_changed() {
  events_.emit(LocalProtocolsChanged{protocols()});
  ++record_sequence_;
  own_record_.clear();
  if (!options_.identify || push_scheduled_ || closing_ || peers_.empty()) return;
  push_scheduled_ = tasks_.spawn(push_to_all());
}

io::Task<void> Host::push_to_all() {
  const Status waited = co_await io::sleep_for(world_.reactor, options_.push_delay);
  push_scheduled_ = false;
  if (!waited) co_return;
  std::vector<PeerId> all;  // not in table order: runs must be the same for the same seed
  for (const auto& [peer, state] : peers_) all.push_back(peer);
  std::sort(all.begin(), all.end());
  for (const PeerId& peer : all) {
    Peer& state = *peers_.at(peer);
    if (state.identifying)
      state.push_due = true;  // the peer may have asked us before the change
    else
      push_if_understood(peer, state);
  }
}

void Host::push_if_understood(const PeerId& peer, const Peer& state) {
  if (!state.identify) return;
  const auto& theirs = state.identify->protocols;
  if (std::find(theirs.begin(), theirs.end(), kIdentifyPushId) != theirs.end()) tasks_.spawn(push_to(peer));
}

io::Task<Status> Host::push_stream(PeerId peer) {
  swarm::Link* link = swarm_.find(peer);
  if (link == nullptr) co_return fail(ErrorCode::ConnectionClosed, Op::Identify, Origin::Remote, "before the push");
  STARLING_CO_TRY(Stream stream, co_await open_on(link->id(), {std::string(kIdentifyPushId)}));
  STARLING_CO_CHECK(co_await send_identify(stream));
  co_return co_await stream.close();
}

io::Task<void> Host::push_to(PeerId peer) {
  const Status sent =
      co_await io::with_deadline(options_.identify_timeout, io::timeout_error(Op::Identify, "push"), push_stream(peer));
  if (sent) ++counters_.pushes_sent;
}

io::Task<Result<IdentifyInfo>> Host::identified(PeerId peer) {
  const auto found = peers_.find(peer);
  if (found == peers_.end())
    co_return fail(ErrorCode::NotFound, Op::Identify, Origin::Local, "not connected to " + peer.to_string());
  Peer& state = *found->second;
  ++state.waiting;
  Status waited;
  while (state.identifying && waited) waited = co_await state.identify_ended.wait();
  --state.waiting;
  Result<IdentifyInfo> result = fail(ErrorCode::NotFound, Op::Identify, Origin::Local, "identify is off");
  if (!waited)
    result = std::unexpected(std::move(waited).error());
  else if (state.identify)
    result = *state.identify;
  else if (state.identify_error)
    result = std::unexpected(*state.identify_error);
  forget_if_unused(peer);
  co_return result;
}

void Host::forget_if_unused(const PeerId& peer) {
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return;
  const Peer& state = *found->second;
  if (state.connections == 0 && !state.identifying && !state.push_running && state.waiting == 0) peers_.erase(found);
}

}  // namespace starling::host
