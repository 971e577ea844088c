#include "starling/host/traffic.hpp"

#include <cmath>

namespace starling::host {

void FlowRate::sample(const Flow& total, TimePoint now, Duration rate_time) {
  const double seconds = std::chrono::duration<double>(now - last_at_).count();
  if (started_ && seconds <= 0) return;
  if (started_) {
    // What came since the last look counts as evenly spread over that time.
    const double average_seconds = std::chrono::duration<double>(rate_time).count();
    const double kept = average_seconds > 0 ? std::exp(-seconds / average_seconds) : 0;
    in_ = in_ * kept + double(total.in - last_.in) / seconds * (1 - kept);
    out_ = out_ * kept + double(total.out - last_.out) / seconds * (1 - kept);
  }
  started_ = true;
  last_ = total;
  last_at_ = now;
}

StreamAccount::StreamAccount(ProtocolTraffic& protocol, transport::Direction direction)
    : protocol_(&protocol), direction_(direction) {
  ++live();
}

StreamAccount::~StreamAccount() {
  if (protocol_ != nullptr) --live();
}

StreamAccount Traffic::open_stream(std::string_view protocol, transport::Direction direction) {
  auto found = protocols_.find(protocol);
  if (found == protocols_.end() && protocols_.size() >= kMaxProtocols) protocol = kOther;
  if (found == protocols_.end()) found = protocols_.try_emplace(std::string(protocol)).first;
  return StreamAccount(found->second, direction);
}

void Traffic::connected(const transport::ConnectionInfo& info) {
  PeerTraffic& peer = peers_[info.remote_peer];
  if (peer.connections++ == 0) gone_.erase({peer.closed.all(), info.remote_peer});
}

void Traffic::disconnected(const transport::ConnectionInfo& info, const transport::ConnectionStats& stats) {
  const Flow moved{stats.bytes_in, stats.bytes_out};
  transports_[std::string(transport_name(info.remote_address))].closed += moved;
  PeerTraffic& peer = peers_[info.remote_peer];
  peer.closed += moved;
  if (--peer.connections > 0) return;
  gone_.emplace(peer.closed.all(), info.remote_peer);
  if (gone_.size() > options_.max_peers) forget_least();
}

void Traffic::forget_least() {
  const auto least = peers_.find(gone_.begin()->second);
  other_peers_ += least->second.closed;
  peers_.erase(least);
  gone_.erase(gone_.begin());
}

void Traffic::sample(TimePoint now, const std::function<void(const Add&)>& visit) {
  for (auto& [name, transport] : transports_) transport.total = transport.closed;
  for (auto& [id, peer] : peers_) peer.total = peer.closed;
  visit([&](const transport::ConnectionInfo& info, const transport::ConnectionStats& stats) {
    const Flow moved{stats.bytes_in, stats.bytes_out};
    transports_[std::string(transport_name(info.remote_address))].total += moved;
    if (const auto peer = peers_.find(info.remote_peer); peer != peers_.end()) peer->second.total += moved;
  });
  total_ = {};
  for (auto& [name, transport] : transports_) {
    transport.rate.sample(transport.total, now, options_.rate_time);
    total_ += transport.total;
  }
  for (auto& [id, peer] : peers_) peer.rate.sample(peer.total, now, options_.rate_time);
  for (auto& [name, protocol] : protocols_) protocol.rate.sample(protocol.bytes, now, options_.rate_time);
  rate_.sample(total_, now, options_.rate_time);
}

std::string_view transport_name(const Multiaddr& address) {
  // The one furthest up first: a WebSocket runs on TCP, a relayed connection on anything.
  constexpr Protocol kCarriers[] = {Protocol::P2pCircuit, Protocol::WebTransport, Protocol::WebRtcDirect,
                                    Protocol::Wss,        Protocol::Ws,           Protocol::QuicV1,
                                    Protocol::Tcp,        Protocol::Unix,         Protocol::Memory};
  for (const Protocol each : kCarriers) {
    if (!address.has(each)) continue;
    return each == Protocol::Ws && address.has(Protocol::Tls) ? to_string(Protocol::Wss) : to_string(each);
  }
  return Traffic::kOther;
}

}  // namespace starling::host
