// The typed event bus of a host: subscribe to one event type with a function; unsubscribe by dropping the handle.
// Events are delivered in the host's turn, in order. Threading: the reactor's thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "starling/host/identify_message.hpp"
#include "starling/swarm/swarm.hpp"

namespace starling::host {

struct PeerConnected {
  PeerId peer;
  swarm::ConnectionId connection;
  transport::Direction direction;
  Multiaddr remote_address;
};
struct PeerDisconnected {
  PeerId peer;
  swarm::ConnectionId connection;
  transport::CloseReason reason;
  bool last_connection;
};
struct PeerIdentified {
  PeerId peer;
  swarm::ConnectionId connection;
  IdentifyInfo info;
  bool pushed;  // by the peer's push, not by our asking
};
struct PeerIdentifyFailed {
  PeerId peer;
  swarm::ConnectionId connection;
  Error error;
};
struct PeerProtocolsChanged {
  PeerId peer;
  std::vector<std::string> added, removed;
};
struct LocalProtocolsChanged {
  std::vector<std::string> protocols;
};
struct Listening {
  Multiaddr address;
};

/// The addresses that others are told, without /p2p. A moment after the change, so that several come as one.
struct LocalAddressesChanged {
  std::vector<Multiaddr> announced, added, removed;
};

class EventBus {
  template <typename Event>
  struct Subscriber {
    explicit Subscriber(std::function<void(const Event&)> callback_in) : callback(std::move(callback_in)) {}
    std::function<void(const Event&)> callback;
  };

 public:
  /// Ends the subscription when dropped. May outlive the bus.
  using Subscription = std::shared_ptr<void>;

  /// `callback` may subscribe and open streams; it must not destroy the host.
  template <typename Event>
  [[nodiscard]] Subscription subscribe(std::function<void(const Event&)> callback) {
    auto subscriber = std::make_shared<Subscriber<Event>>(std::move(callback));
    std::get<std::vector<std::weak_ptr<Subscriber<Event>>>>(subscribers_).push_back(subscriber);
    return subscriber;
  }
  template <typename Event>
  void emit(const Event& event) {
    auto& all = std::get<std::vector<std::weak_ptr<Subscriber<Event>>>>(subscribers_);
    std::erase_if(all, [](const auto& each) { return each.expired(); });
    const auto now = all;  // a callback may subscribe
    for (const auto& each : now)
      if (const auto subscriber = each.lock()) subscriber->callback(event);
  }

 private:
  template <typename... Events>
  using Table = std::tuple<std::vector<std::weak_ptr<Subscriber<Events>>>...>;
  Table<PeerConnected, PeerDisconnected, PeerIdentified, PeerIdentifyFailed, PeerProtocolsChanged,
        LocalProtocolsChanged, Listening, LocalAddressesChanged>
      subscribers_;
};

}  // namespace starling::host
