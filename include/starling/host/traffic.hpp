// Traffic: bytes by protocol, transport and peer, with rates. Protocols are charged what their streams carry,
// transports and peers what their connections moved on the socket. Streams add to a counter of their protocol as they
// read and write; connections have counted anyway and are folded in when somebody looks and when they close. Limits:
// protocols kMaxProtocols, disconnected peers TrafficOptions::max_peers, live ones by the swarm's limits; what does not
// fit is summed up as "other". Resource; must outlive its streams. Threading: the reactor's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "starling/transport/connection.hpp"

namespace starling::host {

struct TrafficOptions {
  std::size_t max_peers = 0;  // disconnected peers kept apart: those with most bytes
  Duration rate_time{};       // rates are averages over about this time
};

struct Flow {
  std::uint64_t in = 0, out = 0;
  std::uint64_t all() const { return in + out; }
  Flow& operator+=(const Flow& more) {
    in += more.in;
    out += more.out;
    return *this;
  }
};

/// A decaying average of bytes per second, fed with totals at irregular times. Value.
class FlowRate {
 public:
  void sample(const Flow& total, TimePoint now, Duration rate_time);
  double in() const { return in_; }
  double out() const { return out_; }

 private:
  Flow last_;
  TimePoint last_at_{};
  bool started_ = false;
  double in_ = 0, out_ = 0;
};

struct ProtocolTraffic {
  Flow bytes;
  FlowRate rate;
  std::uint64_t live_inbound = 0, live_outbound = 0;  // streams open now
};

/// A stream's place in the account of its protocol. Move-only handle; dropping it says that the stream is gone.
class StreamAccount {
 public:
  StreamAccount() = default;
  StreamAccount(ProtocolTraffic& protocol, transport::Direction direction);
  StreamAccount(StreamAccount&& other) noexcept
      : protocol_(std::exchange(other.protocol_, nullptr)), direction_(other.direction_) {}
  StreamAccount& operator=(StreamAccount&& other) noexcept {
    std::swap(protocol_, other.protocol_);
    std::swap(direction_, other.direction_);
    return *this;
  }
  ~StreamAccount();
  void read(std::size_t bytes) {
    if (protocol_ != nullptr) protocol_->bytes.in += bytes;
  }
  void wrote(std::size_t bytes) {
    if (protocol_ != nullptr) protocol_->bytes.out += bytes;
  }

 private:
  std::uint64_t& live() const {
    return direction_ == transport::Direction::Inbound ? protocol_->live_inbound : protocol_->live_outbound;
  }
  ProtocolTraffic* protocol_ = nullptr;
  transport::Direction direction_ = transport::Direction::Outbound;
};

struct TransportTraffic {
  Flow closed, total;  // of closed connections; of all at the last sample()
  FlowRate rate;
};

struct PeerTraffic {
  Flow closed, total;
  FlowRate rate;
  std::size_t connections = 0;
};

class Traffic {
 public:
  static constexpr std::size_t kMaxProtocols = 256;
  static constexpr std::string_view kOther = "other";

  explicit Traffic(const TrafficOptions& options) : options_(options) {}
  Traffic(const Traffic&) = delete;
  Traffic& operator=(const Traffic&) = delete;

  /// `protocol` must be a name that this node chose: of a handler, or one it asked for.
  StreamAccount open_stream(std::string_view protocol, transport::Direction direction);
  void connected(const transport::ConnectionInfo& info);
  void disconnected(const transport::ConnectionInfo& info, const transport::ConnectionStats& stats);

  /// Brings totals and rates up to `now`; `visit` calls its argument with each connection that is open. Takes time in
  /// proportion to the connections: for a look now and then.
  using Add = std::function<void(const transport::ConnectionInfo&, const transport::ConnectionStats&)>;
  void sample(TimePoint now, const std::function<void(const Add&)>& visit);

  const std::map<std::string, ProtocolTraffic, std::less<>>& protocols() const { return protocols_; }
  const std::map<std::string, TransportTraffic, std::less<>>& transports() const { return transports_; }
  const std::unordered_map<PeerId, PeerTraffic>& peers() const { return peers_; }
  /// Of disconnected peers that are not kept apart.
  const Flow& other_peers() const { return other_peers_; }
  /// Of all connections, at the last sample().
  const Flow& total() const { return total_; }
  const FlowRate& rate() const { return rate_; }

 private:
  void forget_least();
  TrafficOptions options_;
  std::map<std::string, ProtocolTraffic, std::less<>> protocols_;
  std::map<std::string, TransportTraffic, std::less<>> transports_;
  std::unordered_map<PeerId, PeerTraffic> peers_;
  std::set<std::pair<std::uint64_t, PeerId>> gone_;  // disconnected peers in peers_, by their bytes
  Flow other_peers_, total_;
  FlowRate rate_;
};

/// What carries a connection, as a metric's label: "tcp", "ws", "wss", "quic-v1", … "p2p-circuit".
std::string_view transport_name(const Multiaddr& address);

}  // namespace starling::host
