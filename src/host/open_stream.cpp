// Streams of ours: a place on the connection, a proposal, and its answer. With one protocol the answer is looked at
// when something is read, so that mostly there is nothing to wait for.
#include <algorithm>
#include <utility>

#include "starling/host/host.hpp"

namespace starling::host {

using transport::Direction;
using transport::ResetCode;

struct Host::Opening {
  StreamHold hold;
  StreamInfo info;  // with the protocol, if only one is proposed
  transport::MultistreamDialer dialer;
  ByteQueue out;                              // of the negotiation, what the connection has not taken yet
  std::unique_ptr<transport::RawStream> raw;  // null while the connection has no place

  bool lazy() const { return !info.protocol.empty(); }
  bool ready() const { return lazy() && raw != nullptr && out.empty(); }
};

Result<Host::Opening> Host::begin_opening(swarm::Link& link, std::vector<std::string> protocols) {
  StreamInfo info = stream_info(link, Direction::Outbound);
  STARLING_TRY(StreamHold hold, hold_stream(info.peer, Direction::Outbound));
  if (protocols.size() == 1) {
    info.protocol = protocols[0];
    STARLING_CHECK(settle(hold, info));
  }
  Opening opening{std::move(hold), std::move(info), transport::MultistreamDialer(std::move(protocols)), {}, nullptr};
  opening.dialer.start(opening.out);
  STARLING_CHECK(take_place(opening, link));
  return opening;
}

// Leaves `raw` null if the connection has as many streams as it may.
Status Host::take_place(Opening& opening, swarm::Link& link) {
  auto raw = link.open_stream();
  if (!raw && raw.error() == ErrorCode::StreamLimit) return {};
  if (!raw) return std::unexpected(std::move(raw).error());
  opening.raw = std::move(*raw);
  const auto took = opening.raw->try_write(opening.out.view());
  if (took) opening.out.consume(*took);
  if (!took && !(took.error() == ErrorCode::WouldBlock)) return std::unexpected(took.error());
  return {};
}

Stream Host::opened(Opening opening) {
  ++counters_.streams_opened;
  std::optional<LazyNegotiation> answer;
  if (!opening.dialer.done()) answer.emplace(std::move(opening.dialer), options_.negotiate_timeout);
  return charged(Stream(std::move(opening.raw), std::move(opening.info), std::move(answer), std::move(opening.hold)));
}

io::Task<Status> Host::negotiate_outbound(Opening& opening) {
  transport::RawStream& raw = *opening.raw;
  for (;;) {
    STARLING_CO_CHECK(co_await write_all(raw, opening.out.view()));
    opening.out.clear();
    STARLING_CO_TRY(const std::size_t used, opening.dialer.receive(raw.peek(), opening.out));
    if (used > 0) raw.consume(used);
    if (opening.dialer.done()) co_return Status{};
    if (!opening.out.empty()) continue;
    STARLING_CO_TRY(const bool end, raw.at_end());
    if (end) co_return fail(ErrorCode::EndOfStream, Op::Negotiate, Origin::Remote, opening.dialer.selected());
    STARLING_CO_CHECK(co_await raw.readable());
  }
}

// Waits for a place, for room for the proposal, and unless it is lazy for the answer.
io::Task<Result<Stream>> Host::finish_opening(Opening& opening) {
  while (!opening.raw) {
    swarm::Link* link = swarm_.find(opening.info.connection);
    if (link == nullptr)
      co_return fail(ErrorCode::ConnectionClosed, Op::OpenStream, Origin::Remote, opening.dialer.selected());
    STARLING_CO_CHECK(take_place(opening, *link));
    if (!opening.raw) STARLING_CO_CHECK(co_await link->openable());
  }
  transport::RawStream& raw = *opening.raw;
  if (opening.lazy()) {
    STARLING_CO_CHECK(co_await write_all(raw, opening.out.view()));
    co_return opened(std::move(opening));
  }
  if (Status agreed = co_await negotiate_outbound(opening); !agreed) {
    raw.reset(ResetCode::NegotiationFailed);
    co_return std::unexpected(std::move(agreed).error());
  }
  opening.info.protocol = opening.dialer.selected();
  if (Status settled = settle(opening.hold, opening.info); !settled) {
    raw.reset(ResetCode::ResourceLimit);
    co_return std::unexpected(std::move(settled).error());
  }
  co_return opened(std::move(opening));
}

io::Task<Result<Stream>> Host::open_on(swarm::ConnectionId connection, std::vector<std::string> protocols) {
  swarm::Link* link = swarm_.find(connection);
  if (link == nullptr) co_return fail(ErrorCode::ConnectionClosed, Op::OpenStream, Origin::Remote, protocols[0]);
  STARLING_CO_TRY(Opening opening, begin_opening(*link, std::move(protocols)));
  co_return co_await finish_opening(opening);
}

// If identify told what the peer has, there is one protocol to propose.
void Host::choose_known(const PeerId& peer, std::vector<std::string>& protocols) const {
  const PeerState* known = this->peer(peer);
  if (protocols.size() == 1 || known == nullptr || !known->identify) return;
  const auto& theirs = known->identify->protocols;
  const auto first = std::find_if(protocols.begin(), protocols.end(), [&](const std::string& name) {
    return std::find(theirs.begin(), theirs.end(), name) != theirs.end();
  });
  if (first != protocols.end()) protocols = {*first};
}

io::Task<Result<Stream>> Host::open_stream(PeerId peer, std::vector<std::string> protocols) {
  if (protocols.empty())
    co_return fail(ErrorCode::InvalidArgument, Op::OpenStream, Origin::Local, "no protocol is named");
  swarm::Link* link = swarm_.find(peer);
  if (link == nullptr)
    co_return fail(ErrorCode::NotFound, Op::OpenStream, Origin::Local, "not connected to " + peer.to_string());
  choose_known(peer, protocols);
  STARLING_CO_TRY(Opening opening, begin_opening(*link, std::move(protocols)));
  if (opening.ready()) co_return opened(std::move(opening));
  const auto late = [&] {
    return io::timeout_error(Op::Negotiate, opening.dialer.selected() + " with " + peer.to_string());
  };
  co_return co_await io::with_deadline(options_.negotiate_timeout, late, finish_opening(opening));
}

}  // namespace starling::host
