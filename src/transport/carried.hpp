// What Spread keeps of one connection on a lane, and how a socket gets there. Private to the layer.
#pragma once

#include <memory>

#include "starling/transport/spread.hpp"
#include "transport/crossing.hpp"

namespace starling::transport {

struct Carried {
  Carried(io::Lane& lane, std::size_t window, const Upgrader& upgrader, std::unique_ptr<io::StreamSocket> socket,
          Direction direction, const Multiaddr& remote, const DialOptions& options, std::size_t& taken)
      : crossing{.lane = lane, .window = window, .home_gone = {}},
        carrier(crossing, upgrader, std::move(socket), direction, remote, options),
        seat(taken) {}
  Crossing crossing;
  Carrier carrier;
  Seat seat;
};

/// Moves `socket`, through the channels it is wrapped in, to the lane's reactor. False, and nothing has changed, if it
/// is of a kind that stays at home.
bool move_to(io::Lane& lane, std::unique_ptr<io::StreamSocket>& socket);

}  // namespace starling::transport
