// Spread: places the connections of an upgrader on several reactors. The home reactor keeps muxers, protocols and
// everything above; a connection that is placed on a lane has its socket, its security handshake and its encryption
// there. Nobody above an upgrader can tell. See ARCHITECTURE.md, Threads.
//
// Threading: the home reactor's thread.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include <vector>

#include "starling/io/lane.hpp"

namespace starling::transport {

class Spread;
struct Carried;

/// A place on a reactor, given back when it dies. Move-only; an empty one is no place.
class Seat {
 public:
  Seat() = default;
  explicit Seat(std::size_t& taken) : taken_(&taken) { ++taken; }
  Seat(Seat&& other) noexcept : taken_(std::exchange(other.taken_, nullptr)) {}
  Seat& operator=(Seat&& other) noexcept {
    std::swap(taken_, other.taken_);
    return *this;
  }
  ~Seat() {
    if (taken_ != nullptr) --*taken_;
  }

 private:
  std::size_t* taken_ = nullptr;
};

/// Resource. Outlives the connections it placed; close() it when they are gone.
class Spread {
 public:
  /// `lanes` outlive it. At most `window` bytes of a connection, in each direction, are on their way between its two
  /// reactors.
  Spread(io::Reactor& home, std::span<const std::unique_ptr<io::Lane>> lanes, std::size_t window);

  /// Waits until the lanes have let go of every connection. Connections and listeners must be closed before.
  io::Task<void> close() { co_await tasks_.join(); }

  /// Connections by reactor, handshakes included: home first, then the lanes.
  std::vector<std::size_t> connections() const;
  /// Seconds of processor time of each lane.
  std::vector<Duration> cpu_times() const;

 private:
  friend struct Upgrader;
  struct Place {
    io::Lane* lane;
    std::size_t taken = 0;
  };
  /// Where the next connection goes; home has no lane.
  Place& choose();
  io::Task<void> hold(std::unique_ptr<Carried> carried);

  std::size_t window_;
  std::vector<Place> places_;  // home first; fixed, for seats point into it
  io::TaskGroup tasks_;
};

}  // namespace starling::transport
